import Sillok
import SillokAPI
import SillokCloudEvents
import SillokCore

extension WebInterface {
    /// Returns the events that caused an event, back to the first cause, and the events that it caused.
    ///
    /// Causes are found by their ids. Effects are found by reading the log after the event, but for no longer than a
    /// page may take; the answer contains how far.
    func relations(of event: RecordedEvent, _ call: Call) async throws -> Answer<API.Relations> {
        var causes: [RecordedEvent] = []
        var seen: Set = [event.id]
        var cause = event.metadata.causationID.flatMap { EventID($0) }
        while let next = cause, causes.count < 100, seen.insert(next).inserted, let found = try await store.event(next),
            call.principal.grant.reaches(found.stream)
        {
            causes.append(found)
            cause = found.metadata.causationID.flatMap { EventID($0) }
        }
        var effects: [RecordedEvent] = []
        var known: Set = [event.id.description]
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
        return Answer(
            API.Relations(
                of: event, causes: causes, effects: effects, through: through, isEnd: isEnd, in: storeID))
    }
}
