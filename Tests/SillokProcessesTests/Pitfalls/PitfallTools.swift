import Sillok
import SillokCore
import SillokProcesses
import SillokSQL
import SillokTesting

/// A read model that gives the waiting inputs of an instance in the wrong order: a bug of the index, planted.
struct ShuffledModel: ReadModel {
    let base: any ReadModel

    func write(_ write: ReadModelWrite) async throws { try await base.write(write) }

    func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow] {
        let rows = try await base.rows(query, of: projection)
        let isFeed = query.template.contains("ORDER BY position") && query.values.contains("input")
        return isFeed ? rows.reversed() : rows
    }
}

/// A store that does not answer for a while.
final class OutageStore: ForwardingEventStore {
    enum Extent: Sendable { case none, stock, all }

    let base: any EventStore
    let extent = Lock(Extent.none)

    init(_ base: any EventStore) { self.base = base }

    private func check(_ isStock: @autoclosure () -> Bool = false) throws(StoreError) {
        switch extent.withLock({ $0 }) {
        case .none: return
        case .stock: if !isStock() { return }
        case .all: break
        }
        throw StoreError(.unavailable, "the store does not answer.")
    }

    func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        do throws(StoreError) { try check() } catch { throw .failed(error) }
        return try await base.append(request)
    }

    func read(_ request: ReadRequest) async throws -> EventBatch {
        try check(request.query.items.contains { $0.stream?.category == "stock" })
        return try await base.read(request)
    }

    func head() async throws -> Position {
        try check()
        return try await base.head()
    }

    func event(_ id: EventID) async throws -> RecordedEvent? {
        try check()
        return try await base.event(id)
    }
}

/// A clock that runs faster or slower than it should.
struct WrongClock: Clock {
    struct Instant: InstantProtocol {
        var since: Duration
        func advanced(by duration: Duration) -> Instant { Instant(since: since + duration) }
        func duration(to other: Instant) -> Duration { other.since - since }
        static func < (left: Instant, right: Instant) -> Bool { left.since < right.since }
    }

    let rate: Double
    private let start = ContinuousClock.now

    init(rate: Double) { self.rate = rate }

    var now: Instant { Instant(since: start.duration(to: .now) * rate) }
    var minimumResolution: Duration { .nanoseconds(1) }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try await ContinuousClock().sleep(for: max(.zero, now.duration(to: deadline) / rate))
    }
}
