import Sillok
import SillokReadSide
import SillokSnapshots
import SillokSQL
import SillokSQLite

/// A decider that is several releases at once: what its code is today is set from outside.
struct Tally: SnapshottedDecider, Equatable {
    enum Command: Sendable { case add(Int, note: String) }
    enum Event: Codable, Equatable, Sendable, StableEventNames {
        case added(amount: Int, note: String)
        case removed(amount: Int)

        static var storedNames: [String: EventType] { Release.current.storedNames }
    }
    enum Refusal: Error { case nothing }

    private(set) var total = 0
    private(set) var notes: [String: Int] = [:]
    private(set) var amounts: Set<Int> = []
    private(set) var count = 0

    static var foldVersion: Int { Release.current.foldVersion }

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        guard case .add(let amount, let note) = command, amount != 0 else { throw .nothing }
        if amount < 0 { return [.removed(amount: -amount)] }
        return amount > 90
            ? [.added(amount: amount, note: note), .removed(amount: 1)] : [.added(amount: amount, note: note)]
    }

    mutating func evolve(_ event: Event) {
        count += 1
        switch event {
        case .added(let amount, let note):
            total += amount * Release.current.factor
            notes[note, default: 0] += 1
            amounts.insert(amount)
        case .removed(let amount): total -= amount
        }
    }
}

/// What the code is: its fold, and how it reads events.
struct Release: Sendable {
    var factor = 1
    var foldVersion = 1
    var storedNames: [String: EventType] = ["added": "plus", "removed": "minus"]

    @TaskLocal static var current = Release()
}

/// A read model that fails, or returns wrong rows.
struct TroubledModel: ReadModel {
    let inner: TestedModel
    var fails = false
    /// What is seen of a row of a snapshot.
    var seen: @Sendable (SQLRow) -> SQLRow = { $0 }

    func write(_ write: ReadModelWrite) async throws {
        if fails { throw StoreError(.full, "no space is left.") }
        try await inner.write(write)
    }

    func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow] {
        if fails { throw StoreError(.ioFailure, "the disk failed.") }
        return try await inner.rows(query, of: projection).map(seen)
    }
}

/// Collects the reports about snapshots.
final class Told: Sendable {
    private let outcomes = Lock<[SnapshotMeasurement.Outcome]>([])

    var all: [SnapshotMeasurement.Outcome] { outcomes.withLock { $0 } }
    var reasons: [String] {
        all.compactMap { if case .ignored(_, let reason) = $0 { reason } else { nil } }
    }
    var withheld: [String] {
        all.compactMap { if case .withheld(let subject) = $0 { subject } else { nil } }
    }
    var failures: [String] {
        all.compactMap { if case .failed(let reason) = $0 { reason } else { nil } }
    }
    var used: Int { all.count { $0 == .used } }
    var written: Int { all.count { if case .written = $0 { true } else { false } } }

    func hear(_ measurement: SnapshotMeasurement) { outcomes.withLock { $0.append(measurement.outcome) } }
}
