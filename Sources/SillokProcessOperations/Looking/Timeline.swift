import SillokCore
import SillokJSON
import SillokProcesses
import SillokSQL

extension ProcessOperations {
    /// Returns the records of an instance in their order.
    ///
    /// - Parameters:
    ///   - key: the key of the instance.
    ///   - process: the name of the process.
    ///   - cursor: the place after which the page starts: ``ProcessPage/next`` of the page before.
    ///   - limit: the largest number of entries, from 1 to 1000.
    /// - Throws: ``ProcessRefusal`` if the instance has no records; `StoreError`.
    public func timeline(
        of key: String, in process: String, after cursor: PageCursor? = nil, limit: Int = 100
    ) async throws -> ProcessPage<TimelineEntry> {
        let stream = Self.stream(of: key, in: process)
        let limit = Self.bounded(limit)
        let request = ReadRequest(
            .stream(stream), after: .position(Position(UInt64(max(0, cursor?.number ?? 0)))), limit: limit)
        let batch = try await store.read(request)
        if batch.events.isEmpty && cursor == nil {
            throw ProcessRefusal(missing: "\(process) has no records of an instance \(key).")
        }
        let entries = try batch.events.map { try TimelineEntry($0) }
        let last = batch.isEnd ? nil : entries.last?.position.value
        return ProcessPage(elements: entries, next: last.map { PageCursor(Int64(clamping: $0), "") })
    }
}

extension TimelineEntry {
    /// Reads a record. One of a kind that this build does not know has only what its event has.
    init(_ event: RecordedEvent) throws {
        self.init(event, try RecordParts(event))
    }

    private init(_ event: RecordedEvent, _ parts: RecordParts) {
        kind = event.type.text
        (id, position, revision, recordedAt) = (event.id, event.position, event.revision, event.recordedAt)
        cause = event.metadata.causationID.flatMap { EventID($0) }
        correlation = event.metadata.correlationID
        (actor, reason) = (event.metadata.actor, event.metadata.reason)
        (source, step, payload) = (parts.source, parts.step, parts.payload?.value)
        name = parts.name ?? parts.payload?.caseName
        undo = parts.undo
        (undoes, result) = (parts.undoes, parts.result)
        due = parts.due ?? parts.after.map { event.recordedAt.advanced(byMicroseconds: $0) }
    }
}

/// The values of a record of any kind.
private struct RecordParts {
    var source: SourceReference?
    var step: EventID?
    var name: String?
    var payload: JSONFragment?
    var undo: JSONValue?
    var undoes: EventID?
    var result: String?
    var due: Timestamp?
    var after: Int64?

    init(_ event: RecordedEvent) throws {
        do {
            for record in try ProcessRecord.coding.decode(event) { take(record) }
        } catch is UnknownEventType {
            // A newer build wrote it. Its event is shown.
        }
    }

    private mutating func take(_ record: ProcessRecord) {
        switch record {
        case .started(let generation, let version): result = "generation \(generation), version \(version)"
        case .received(let position, let event, let stream):
            source = SourceReference(event: event, position: position, stream: stream)
        case .ignored(let position, let event):
            source = SourceReference(event: event, position: position, stream: nil)
        case .requestPlanned(let request, let undo, let undoes): takePlan(request, undo, undoes)
        case .effectPlanned(let effect, let undo, let undoes): takePlan(effect, undo, undoes)
        case .requestAccepted(let step), .effectStarted(let step), .deadlineFired(let step): self.step = step
        case .requestRefused(let step, let text), .effectDone(let step, let text), .effectFailed(let step, let text),
            .effectUnknown(let step, let text):
            (self.step, result) = (step, text)
        case .effectCancelled(let payload, let step), .deadlineCancelled(let payload, let step):
            (self.payload, self.step) = (payload, step)
        case .deadlineScheduled(let deadline, let due, let after, let replaced):
            (payload, self.due, self.after, step) = (deadline, due, after, replaced)
        case .compensationStarted(let reason), .released(let reason): result = reason
        case .compensationEnded: break
        case .completed(let reason): result = reason
        case .parked(let input, let reason):
            source = input.map { SourceReference(event: $0, position: nil, stream: nil) }
            result = reason
        case .inputSkipped(let event): source = SourceReference(event: event, position: nil, stream: nil)
        case .actRequested(let act): takeAct(act)
        case .actEnded(let act, let refusal): (step, result) = (act, refusal)
        }
    }

    private mutating func takePlan(_ payload: JSONFragment, _ undo: ProcessRecord.Undo?, _ undoes: EventID?) {
        (self.payload, self.undoes) = (payload, undoes)
        switch undo {
        case .request(let request): self.undo = request.value
        case .effect(let effect): self.undo = effect.value
        case nil: self.undo = nil
        }
    }

    private mutating func takeAct(_ act: ProcessAct) {
        (name, step) = (act.name, act.step)
        if case .answer(_, let text) = act { result = text }
    }
}
