import Sillok
import SillokCore
import SillokReadSide
import SillokSQL

@testable import SillokProjectionMachine
@testable import SillokProjections

/// A partition machine in a story: what happened, line by line, and the actions that follow, as text.
///
/// Events are written as a stream's letter and a payload, such as `a1`; `a!` is an event for which the rule throws, and
/// `a?` one whose change the read model refuses.
struct PartitionStory {
    private var machine: PartitionMachine
    private let rule: ProjectionRule
    private var clock = Duration.zero
    private var revisions: [String: UInt64] = [:]
    private(set) var log: [RecordedEvent] = []

    init(
        _ failures: FailurePolicy = .park(attempts: 3, pause: .milliseconds(20), capacity: 100),
        documents: Bool = false, partition: Int = 0, of partitions: Int = 1, goal: Position? = nil,
        parked: [StreamID: Int] = [:], retries: [StreamID: PartitionState.Retry] = [:], publishes: Bool = false
    ) throws {
        let plain = documents ? ProjectionRule(documents: Notebook()) : ProjectionRule(Notes())
        rule = publishes ? plain.publishing : plain
        let id = ProjectionID("notes", version: 1)
        let maker = BatchMaker(
            rule: rule, id: id, partition: partition, partitions: partitions, parking: failures.parking,
            wallClock: WallClock { Timestamp(microsecondsSince1970: 0) })
        let row = PartitionRow(
            number: partition, checkpoint: Checkpoint(store: StoreID(high: 1, low: 1)), epoch: 0, owner: "", token: 0,
            beat: 0)
        machine = PartitionMachine(
            maker, PartitionState(row: row, parked: parked, retries: retries, decisions: try Decisions()),
            rule.documents.map { DocumentCache($0, capacity: 1 << 20) },
            .init(pollInterval: .seconds(60), goal: goal))
    }

    /// How far the partition is, as far as its last write.
    var state: PartitionState { machine.state }

    /// Hands in what happened and returns the actions, one a line.
    mutating func tell(_ input: PartitionMachine.Input, after pause: Duration = .zero) -> [String] {
        clock += pause
        return machine.handle(input, at: clock).compactMap { line($0) }
    }

    /// Hands in the next page of the log, made of events such as `a1`.
    mutating func page(_ texts: String..., isEnd: Bool = true) -> [String] {
        let events = texts.map { event($0) }
        let through = log.last?.position ?? .start
        return tell(.page(EventBatch(events: events, through: through, isEnd: isEnd, head: through)))
    }

    /// Hands in a page without an event of this projection, up to a position.
    mutating func emptyPage(through position: Position) -> [String] {
        tell(.page(EventBatch(events: [], through: position, isEnd: true, head: position)))
    }

    /// Hands in dead letters of events that are in the log.
    mutating func deadLetters(_ positions: UInt64..., attempts: Int) -> [String] {
        let letters = positions.compactMap { position in
            log.first { $0.position == Position(position) }
                .map { ParkedDeadLetter(position: $0.position, attempts: attempts, event: $0) }
        }
        return tell(.deadLetters(letters, total: letters.count))
    }

    private mutating func event(_ text: String) -> RecordedEvent {
        let (stream, payload) = (String(text.prefix(1)), String(text.dropFirst()))
        revisions[stream, default: 0] += 1
        let position = Position((log.last?.position.value ?? 0) + 1)
        let event = RecordedEvent(
            position: position, stream: StreamID(stream), revision: Revision(revisions[stream] ?? 1),
            recordedAt: Timestamp(microsecondsSince1970: 0), tracking: nil,
            data: EventData(
                id: EventID(high: 1, low: position.value), type: "noted",
                payload: Array(#"{"text":"\#(payload)"}"#.utf8)))
        log.append(event)
        return event
    }

    private func line(_ action: PartitionMachine.Action) -> String? {
        switch action {
        case .read(let mark): "read after \(mark.position)"
        case .loadDocuments(let keys): "load documents \(keys.map(\.text).joined(separator: " "))"
        case .loadDeadLetters(let sequence): "load dead letters of \(sequence)"
        case .deliver(let sequences):
            "deliver "
                + sequences.map { events in events.map { "\($0.position)" }.joined(separator: " ") }
                .joined(separator: ", ")
        case .write(let write): "write " + write.changes.map { short($0.statement) }.joined(separator: ", ")
        case .readRow: "read row"
        case .wait(let position, let duration): "wait for \(position), at most \(duration)"
        case .report: nil
        case .reachedHead: "reached head"
        case .end(let ending): "end: \(short(ending))"
        }
    }

    private func short(_ statement: SQL) -> String {
        let text = statement.text { _ in "?" }
        let kinds = [
            ("INSERT INTO sillok_dead_letters", "park"), ("DELETE FROM sillok_dead_letters", "unpark"),
            ("UPDATE sillok_dead_letters SET state = 'behind'", "followers behind"),
            ("UPDATE sillok_dead_letters", "failed again"), ("UPDATE sillok_checkpoints SET epoch", "epoch"),
            ("UPDATE sillok_checkpoints", "checkpoint"),
            ("INSERT INTO sillok_marks", "mark"),
        ]
        if let kind = kinds.first(where: { text.hasPrefix($0.0) }) { return kind.1 }
        return "row"
    }

    private func short(_ ending: PartitionMachine.Ending) -> String {
        switch ending {
        case .leaseLost: "lease lost"
        case .controlMoved: "control moved"
        case .caughtUp: "caught up"
        case .failed(let error as ProjectionFailure): "stopped at \(error.event?.position.description ?? "-")"
        case .failed(let error): "\(type(of: error))"
        }
    }
}

/// What the stories' events are: a text. `!` cannot be projected.
private enum Note: Codable, Sendable { case noted(text: String) }

private struct Unreadable: Error {}

private struct Notes: Projection {
    let name = "notes"
    let version = 1
    let source = EventQuery.all
    let schema: [SQL] = []

    func project(_ event: Recorded<Note>) throws -> [SQL] {
        guard case .noted(let text) = event.payload, text != "!" else { throw Unreadable() }
        return ["INSERT INTO \(table: "notes") VALUES (\(text))"]
    }
}

/// One document for each stream: its number. `n` makes it a number that JSON does not have.
private struct Notebook: DocumentProjection {
    let name = "notes"
    let version = 1
    let source = EventQuery.all

    func key(of event: Recorded<Note>) -> String? { event.stream?.text }

    func evolve(_ document: Double?, _ event: Recorded<Note>) throws -> Double? {
        guard case .noted(let text) = event.payload, text != "!" else { throw Unreadable() }
        return text == "n" ? .nan : (document ?? 0) + 1
    }
}

extension ProjectionRule {
    /// The same events passed on by a publisher, which the story does itself.
    fileprivate var publishing: ProjectionRule {
        ProjectionRule(
            name: name, version: version, source: source, schema: [], sequencing: "publish:stream", sequence: sequence,
            parksUnknownTypes: true, parksNewerVersions: true,
            delivery: Delivery(start: { _ in .start }, deliver: { _ in [:] }), effect: { _ in .nothing },
            clear: { _ in nil })
    }
}
