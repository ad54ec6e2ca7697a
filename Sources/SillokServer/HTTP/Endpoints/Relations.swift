import Hummingbird
import Sillok
import SillokCloudEvents
import SillokWire

extension WebInterface {
    /// Returns the events that caused an event, back to the first cause, and the events that it caused.
    ///
    /// Causes are found by their ids. Effects are found by reading the log after the event, but for no longer than a
    /// page may take; the answer contains how far.
    func relations(_ call: Call) async throws -> Response {
        let id = try call.eventID()
        let event = try call.require(try await store.event(id), "event \(id)")
        var causes: [RecordedEvent] = []
        var seen: Set = [id]
        var cause = event.metadata.causationID.flatMap { EventID($0) }
        while let next = cause, causes.count < 100, seen.insert(next).inserted, let found = try await store.event(next),
            call.principal.grant.reaches(found.stream)
        {
            causes.append(found)
            cause = found.metadata.causationID.flatMap { EventID($0) }
        }
        var effects: [RecordedEvent] = []
        var known: Set = [id.description]
        var through = event.position
        var isEnd = false
        let deadline = ContinuousClock.now + Self.timeout
        while effects.count < 200, !isEnd, through == event.position || ContinuousClock.now < deadline {
            let batch = try await store.read(.all, after: through, limit: store.limits.pageEvents)
            for next in batch.events {
                guard let cause = next.metadata.causationID, known.contains(cause) else { continue }
                known.insert(next.id.description)
                if call.principal.grant.reaches(next.stream) { effects.append(next) }
            }
            (through, isEnd) = (batch.through, batch.isEnd)
        }
        var writer = CloudEventWriter(store: storeID)
        writer.json.beginObject()
        writer.json.key("event")
        writer.writeObject(event)
        writer.json.key("causes")
        writer.write(causes)
        writer.json.key("effects")
        writer.write(effects)
        writer.json.field("through", through.value)
        writer.json.field("isEnd", isEnd)
        writer.json.endObject()
        return .bytes(writer.take(), "application/json")
    }
}
