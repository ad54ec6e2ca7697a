import Foundation
import Sillok
import SillokProcesses
import SillokSQLite

/// A process that waits for one deadline.
struct Waiting: ProcessManager {
    enum Event: Codable, Sendable { case placed(due: Timestamp) }
    enum Request: Codable, Sendable { case none }
    enum Effect: Codable, Sendable { case none }
    enum Deadline: Codable, Hashable, Sendable { case due }

    static let name = "waiting"
    static let source = EventQuery.category("wait")

    static func correlate(_ event: Recorded<Event>) -> Correlation { .starts(event.stream?.key ?? "") }

    mutating func evolve(_ input: Input) {}

    func react(to input: Input) -> [Step] {
        switch input {
        case .event(let event): [.schedule(.due, at: event.payload.due)]
        case .deadline: [.complete]
        default: []
        }
    }
}

extension Waiting.Event {
    var due: Timestamp {
        switch self {
        case .placed(let due): due
        }
    }
}

/// The times of the deadlines: the first come a millisecond apart, the others ten days later.
struct DueTimes: Sendable {
    /// The time of the store when the first is due.
    let base: Timestamp
    let near: Int
    let all: Int

    init(_ plan: Plan) {
        base = Timestamp(microsecondsSince1970: 1_900_000_000_000_000)
        near = plan.isQuick ? 6_000 : 60_000
        all = plan.isQuick ? 50_000 : 1_000_000
    }

    func due(_ number: Int) -> Timestamp {
        let (days, place) = number < near ? (0, number) : (10, number - near)
        return base.advanced(byMicroseconds: Int64(days) * 86_400_000_000 + Int64(place) * 1000)
    }
}

/// A store's clock that the measurement moves. It is years away from the clock of the machine.
final class MovedClock: @unchecked Sendable {
    private let lock = NSLock()
    private var offset: Int64

    init(at time: Timestamp) {
        offset = time.microsecondsSince1970 - WallClock.system.now().microsecondsSince1970
    }

    func move(to time: Timestamp) {
        let now = WallClock.system.now().microsecondsSince1970
        lock.withLock { offset = time.microsecondsSince1970 - now }
    }

    var now: Timestamp {
        let now = WallClock.system.now()
        return now.advanced(byMicroseconds: lock.withLock { offset })
    }

    var clock: WallClock { WallClock { self.now } }
}

/// Makes the log of the waiting instances, as the runner would: a source event and three records each.
func fillWaiting(_ path: String, _ times: DueTimes) async throws {
    let clock = MovedClock(at: times.base.advanced(byMicroseconds: -86_400_000_000))
    let store = try SQLiteEventStore(path: path, clock: clock.clock)
    var position = 0
    for start in stride(from: 0, to: times.all, by: 250) {
        var entries: [AppendRequest.Entry] = []
        for number in start..<min(times.all, start + 250) {
            let (source, own) = (StreamID("wait", "\(number)"), StreamID("process:waiting", "\(number)"))
            let id = EventID()
            let due = times.due(number)
            func add(_ stream: StreamID, _ type: EventType, _ text: String, _ id: EventID = EventID()) {
                entries.append(.init(stream: stream, event: EventData(id: id, type: type, text: text)))
            }
            add(source, "placed", "{\"due\":\"\(due)\"}", id)
            add(own, "started", #"{"generation":1,"version":1}"#)
            add(own, "received", "{\"position\":\(position + 1),\"event\":\"\(id)\",\"stream\":\"\(source)\"}")
            add(own, "deadlineScheduled", "{\"deadline\":{\"due\":{}},\"due\":\"\(due)\"}")
            position += 4
        }
        _ = try await store.append(AppendRequest(entries))
    }
    await store.close()
}

/// A runner over the waiting instances.
struct WaitingRunner {
    let store: SQLiteEventStore
    let counting: CountingStore
    let index: SQLiteReadModel
    let runner: ProcessRunner<Waiting>

    init(_ path: String, _ index: String, _ clock: MovedClock) throws {
        store = try SQLiteEventStore(path: path, mode: .existing, clock: clock.clock)
        counting = CountingStore(store)
        self.index = try SQLiteReadModel(path: index)
        let none = CommandHandler<Answer>("none", in: counting)
        runner = ProcessRunner(Waiting.self, after: .start, in: counting, index: self.index) { _ in
            .execute(.give(request: ""), on: "none", with: none)
        } effects: { _ in
            EffectCall { _ in "" }
        }
    }

    func close() async {
        await index.close()
        await store.close()
    }

    /// The firings so far, by instance: when each was recorded, and how late that was, in microseconds.
    func fired(_ times: DueTimes, after position: Position) async throws -> [(number: Int, lateness: Int64)] {
        var found: [(Int, Int64)] = []
        for try await page in store.pages(ReadRequest(.category("process:waiting"), after: .position(position))) {
            for event in page.events where event.type == "deadlineFired" {
                let number = Int(event.stream?.key ?? "") ?? 0
                found.append((number, event.recordedAt.microsecondsSince1970 - times.due(number).microsecondsSince1970))
            }
        }
        return found
    }
}
