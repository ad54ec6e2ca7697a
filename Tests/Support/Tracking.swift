package import SillokCore

extension EventStore {
    /// Records the progress of three sources: without any event, with an event last, and with an event first.
    package func trackThreeSources() async throws {
        let sources: [(TrackingSource, hasEvents: [Bool])] = [
            ("idle", [false, false]), ("event last", [false, true]), ("event first", [true, false]),
        ]
        for (source, hasEvents) in sources {
            for (index, hasEvent) in hasEvents.enumerated() {
                let event = EventData(type: "noted", text: "\"of \(source)\"")
                let entries = hasEvent ? [AppendRequest.Entry(stream: "s-1", event: event)] : []
                _ = try await append(
                    AppendRequest(entries, tracking: Tracking(source: source, position: UInt64(10 + index))))
            }
        }
    }
}
