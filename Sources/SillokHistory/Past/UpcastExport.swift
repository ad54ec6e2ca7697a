public import Sillok
import SillokCloudEvents
public import SillokCore
import SillokJSON

extension EventStore {
    /// Writes events as lines of JSON in their current versions, for readers that do not have the upcasters.
    ///
    /// The lines have the form of `sillok export`. To copy or back up a log use that command, which keeps the original
    /// bytes. A split event has several lines with the same position and revision; a dropped event has none.
    /// - Parameters:
    ///   - query: which events, by current types.
    ///   - schema: the schema of their enum.
    ///   - position: only events after it are written.
    ///   - output: receives some lines, each with its line end.
    /// - Returns: the position up to which everything has been written.
    /// - Throws: `NewerEventVersion`, `DamagedPayload`; the errors of the store and of `output`. The lines before the
    ///   event that cannot be read have been written.
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
