public import SillokCore

extension CommandHandler {
    /// The state of a key as it was at a moment, and the revision that it had then.
    ///
    /// Replayed from the nearest snapshot before the moment, if there is one, else from the beginning. A moment after the
    /// last event gives the state of now.
    public func state(of key: String, at moment: Moment) async throws -> (state: D, revision: Revision) {
        let subject = try await loaded(.init(stream: stream(of: key)), at: moment)
        return (subject.state, subject.revision)
    }
}

extension CommandHandler where D: BoundaryDecider {
    /// The state that a command would have been decided on at a moment; a revision is none to a boundary.
    public func state(for command: D.Command, at moment: Moment) async throws -> D {
        try await loaded(.init(boundary: D.boundary(of: command)), at: moment).state
    }
}
