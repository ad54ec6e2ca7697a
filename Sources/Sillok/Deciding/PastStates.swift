public import SillokCore

extension CommandHandler {
    /// Returns the state of a key as of a moment, and the revision at that moment.
    ///
    /// The state is replayed from the nearest stored state before the moment, or from the beginning. A moment after the
    /// last event returns the current state.
    public func state(of key: String, at moment: Moment) async throws -> (state: D, revision: Revision) {
        let subject = try await loaded(.init(stream: stream(of: key)), at: moment)
        return (subject.state, subject.revision)
    }
}

extension CommandHandler where D: BoundaryDecider {
    /// Returns the state on which a command would have been decided at a moment. A boundary has no revisions:
    /// `Moment.revision` throws an `InvalidRequest`.
    public func state(for command: D.Command, at moment: Moment) async throws -> D {
        try await loaded(.init(boundary: D.boundary(of: command)), at: moment).state
    }
}
