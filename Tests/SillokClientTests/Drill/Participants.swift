import Sillok
import SillokProjections
import SillokSQLite
import SillokTestSupport

/// A client that keeps a position in the log.
protocol Participant: Sendable {
    var name: String { get }

    /// Whether it follows the log through the server.
    var isRemote: Bool { get }

    /// Follows the log until an error ends it, or the task is cancelled.
    func follow(_ store: any EventStore) async throws

    /// The events that it has handled, in order.
    func handled() async throws -> [EventMark]

    /// What the message of its error must name.
    var wayBackNamed: String { get }

    /// Recovers as the message describes: afterwards it follows the current log.
    func goBack(_ store: any EventStore) async throws
}

enum DrillEvent: Codable, Sendable { case happened(String) }

/// A projector whose rows are the events that it has handled.
final class ProjectingParticipant: Participant {
    let name: String
    let isRemote = false
    let wayBackNamed = "rebuild"
    private let model: SQLiteReadModel
    private let partitions: Int

    init(_ name: String, partitions: Int, in folder: TemporaryFolder) throws {
        self.name = name
        self.partitions = partitions
        model = try SQLiteReadModel(path: folder(name))
    }

    func projector(_ store: any EventStore) -> Projector<SQLiteReadModel> {
        Projector(
            Handled(name: name), from: store, into: model,
            options: ProjectorOptions(partitions: partitions, pollInterval: .milliseconds(50)))
    }

    func follow(_ store: any EventStore) async throws { try await projector(store).run() }

    func handled() async throws -> [EventMark] {
        let rows = try? await model.rows("SELECT position, id FROM \(raw: name) ORDER BY position")
        return (rows ?? []).compactMap { row in
            guard case .integer(let position) = row["position"], case .text(let id) = row["id"] else {
                return nil
            }
            return EventMark(position: Position(UInt64(position)), id: EventID(id))
        }
    }

    func goBack(_ store: any EventStore) async throws {
        let projector = projector(store)
        let whom = Operator("ada", because: "the store was restored")
        try await projector.rebuild(by: whom)
        try await projector.readSide.promote(name, by: whom, force: true)
    }
}

/// The rule of the projectors: a row for each event.
private struct Handled: Projection {
    typealias Event = DrillEvent

    let name: String
    let version = 1
    let source = EventQuery.all
    var schema: [SQL] {
        ["CREATE TABLE \(table: name) (position BIGINT PRIMARY KEY, id TEXT NOT NULL)"]
    }

    func project(_ event: Recorded<Event>) -> [SQL] {
        ["INSERT INTO \(table: name) VALUES (\(event.position), \(event.id.description))"]
    }
}

/// A publisher whose sink remembers what it took.
final class PublishingParticipant: Participant {
    let name = "mails"
    let isRemote = false
    let wayBackNamed = "redrive"
    private let model: SQLiteReadModel
    private let taken = Lock<[EventMark]>([])

    init(in folder: TemporaryFolder) throws { model = try SQLiteReadModel(path: folder("mailed")) }

    private func publisher(_ store: any EventStore) -> Publisher {
        var options = ProjectorOptions.publishing
        options.pollInterval = .milliseconds(50)
        return Publisher(name, from: store, progressIn: model, starting: .atBeginning, options: options) { event in
            self.taken.withLock { $0.append(EventMark(event)) }
        }
    }

    func follow(_ store: any EventStore) async throws { try await publisher(store).run() }

    /// Without those that would be passed on again, because the progress is not written yet.
    func handled() async throws -> [EventMark] {
        let rows = try? await model.rows("SELECT position FROM sillok_checkpoints")
        let reached = Position(UInt64(clamping: rows?.first?["position"].integer ?? 0))
        return taken.withLock { $0.filter { $0.position <= reached } }
    }

    func goBack(_ store: any EventStore) async throws {
        taken.withLock { $0 = [] }
        try await publisher(store).redrive(from: 1, by: Operator("ada", because: "the store was restored"))
    }
}

/// A subscriber that keeps the mark of its last batch.
final class SubscribingParticipant: Participant {
    let name = "subscriber"
    let isRemote = true
    let wayBackNamed = "reset the reader"
    private let kept = Lock((mark: EventMark.start, events: [EventMark]()))

    func follow(_ store: any EventStore) async throws {
        let mark = kept.withLock { $0.mark }
        for try await batch in store.subscribe(resumingAfter: mark, pollInterval: .milliseconds(50)) {
            kept.withLock { $0 = (batch.mark, $0.events + batch.events.map { EventMark($0) }) }
        }
    }

    func handled() async throws -> [EventMark] { kept.withLock { $0.events } }
    func goBack(_ store: any EventStore) async throws { kept.withLock { $0 = (.start, []) } }
}

/// A client that holds the token of the last event that it knows of, and asks for what came after it.
final class TokenParticipant: Participant {
    let name = "token holder"
    let isRemote = true
    let wayBackNamed = "reset the reader"
    private let kept = Lock((token: "0", events: [EventMark]()))

    func follow(_ store: any EventStore) async throws {
        while true {
            let token = EventMark(kept.withLock { $0.token }) ?? .start
            let batch = try await store.read(.all, resumingAfter: token)
            kept.withLock { kept in
                if batch.through > token.position { kept.token = batch.mark.description }
                kept.events += batch.events.map { EventMark($0) }
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    func handled() async throws -> [EventMark] { kept.withLock { $0.events } }
    func goBack(_ store: any EventStore) async throws { kept.withLock { $0 = ("0", []) } }
}
