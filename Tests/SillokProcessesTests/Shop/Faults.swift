import Sillok
import SillokCore
import SillokProcesses

/// A store whose user dies at an append: before it, or after it and before the answer. Then nothing answers any more.
/// Appends without events do not count: they only read the time.
final class CrashingStore: ForwardingEventStore {
    enum Moment: CaseIterable, Sendable { case beforeAppend, beforeAnswer }

    let base: any EventStore
    private let moment: Moment
    private let left: Lock<Int>

    init(_ base: any EventStore, atAppend number: Int, _ moment: Moment) {
        (self.base, self.moment, left) = (base, moment, Lock(number))
    }

    var hasCrashed: Bool { left.withLock { $0 <= 0 } }

    private var dead: StoreError { StoreError(.closed, "the process has died.", outcome: .unknown) }

    func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        if request.entries.isEmpty && !hasCrashed { return try await base.append(request) }
        let number = left.withLock { left in
            left -= 1
            return left
        }
        if number < 0 || (number == 0 && moment == .beforeAppend) { throw .failed(dead) }
        let receipt = try await base.append(request)
        if number == 0 { throw .failed(dead) }
        return receipt
    }

    func read(_ request: ReadRequest) async throws -> EventBatch {
        if hasCrashed { throw dead }
        return try await base.read(request)
    }

    func head() async throws -> Position {
        if hasCrashed { throw dead }
        return try await base.head()
    }

    func event(_ id: EventID) async throws -> RecordedEvent? {
        if hasCrashed { throw dead }
        return try await base.event(id)
    }
}

/// A store that changes what is appended or read: a bug of the code above it, planted.
struct PlantedStore: ForwardingEventStore {
    let base: any EventStore
    /// Returns the entries that are appended instead. The caller gets a receipt for all.
    var change: @Sendable ([AppendRequest.Entry]) -> [AppendRequest.Entry] = { $0 }
    /// Whether a reader of pages sees an event.
    var shows: @Sendable (RecordedEvent) -> Bool = { _ in true }
    var knowsHead = true

    func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        var changed = request
        changed.entries = change(request.entries)
        if changed.entries.isEmpty && request.tracking == nil {
            return Receipt(
                firstPosition: .start, mark: .start, revisions: [:], recordedAt: Timestamp(microsecondsSince1970: 0))
        }
        return try await base.append(changed)
    }

    func read(_ request: ReadRequest) async throws -> EventBatch {
        let page = try await base.read(request)
        return EventBatch(
            events: page.events.filter(shows), mark: page.mark, isEnd: page.isEnd, head: page.head)
    }

    func head() async throws -> Position { knowsHead ? try await base.head() : .start }
}

extension PlantedStore {
    /// Leaves out records of a type.
    static func without(_ type: EventType, _ base: any EventStore) -> PlantedStore {
        PlantedStore(base: base, change: { $0.filter { $0.event.type != type } })
    }
}
