public import Sillok
public import SillokCore
import SillokJSON

extension EventStore {
    /// Writes events as lines of JSON in the form of today: for others, who do not know the upcasters.
    ///
    /// The lines are those of `sillok export`, which keeps the original bytes and is what to copy or keep a log with. What
    /// was split stands in several lines of one position and revision; what was dropped is not there.
    /// - Parameters:
    ///   - query: which events, by the types of today.
    ///   - schema: the schema of their enum.
    ///   - position: only what comes after it.
    ///   - output: takes some lines, each with its end.
    /// - Returns: the position up to which everything has been written.
    /// - Throws: `NewerEventVersion`, `DamagedPayload`; what the store and `output` throw. The lines before the event
    ///   that cannot be read have been written.
    @discardableResult
    public func exportUpcast(
        _ query: EventQuery, by schema: EventSchema, after position: Position = .start,
        to output: (_ lines: [UInt8]) throws -> Void
    ) async throws -> Position {
        var writer = CloudEventWriter(store: try await storeID())
        var last = position
        let request = ReadRequest(schema.stored(query), after: .position(position), limit: limits.pageEvents)
        for try await page in pages(request) {
            for event in page.events {
                let events: [RecordedEvent]
                do {
                    events = try schema.today(event)
                } catch {
                    try output(writer.take())
                    throw error
                }
                for event in events where query.matches(event) { writer.write(event) }
            }
            try output(writer.take())
            last = max(last, page.through)
        }
        return last
    }
}
