import Foundation
import Sillok
import SillokReadSide
import SillokSQL
import SillokSQLite
import SillokSnapshots
import SillokTesting
import Testing

/// Snapshots of decisions over a query.
@Suite struct BoundarySnapshotTests {
    private let store = MemoryEventStore()
    private let told = Told()

    private func rows(_ model: SQLiteReadModel) async throws -> Int64? {
        try await model.rows("SELECT COUNT(*) AS rows FROM sillok_snapshots").first?["rows"].integer
    }

    @Test("N6: no snapshot is written of a boundary that is new in each command, and that is reported")
    func newBoundaries() async throws {
        let model = try SQLiteReadModel()
        let snapshots = Snapshots(in: model, .every(10), onMeasurement: told.hear)
        let rooms = CommandHandler<Room>(in: store, options: .init(snapshots: snapshots))
        for number in 0..<40 { try await rooms.execute(.book(reference: "B\(number)")) }
        await snapshots.flush()
        #expect(try await rows(model) == 0)
        #expect(told.withheld.count == 31)
        await model.close()
    }

    @Test("N6: of a boundary that is asked for again snapshots are written and used")
    func sharedBoundary() async throws {
        let model = try SQLiteReadModel()
        let snapshots = Snapshots(in: model, .every(10), onMeasurement: told.hear)
        let rooms = CommandHandler<Room>(in: store, options: .init(snapshots: snapshots))
        for _ in 0..<25 {
            try await rooms.execute(.book(reference: nil))
            await snapshots.flush()
        }
        #expect(try await rows(model) == 2)
        #expect(
            try await CommandHandler<Room>(in: store, options: .init(snapshots: snapshots)).state(for: .book(reference: nil)).count
                == 25)
        #expect(told.used > 0 && told.withheld.isEmpty)
        await model.close()
    }

    @Test("C4: a state that storing would change is not written, and that is reported")
    func changedValues() async throws {
        let model = try SQLiteReadModel()
        let snapshots = Snapshots(in: model, .every(1), onMeasurement: told.hear)
        let clocks = CommandHandler<Ticker>("clock", in: store, options: .init(snapshots: snapshots))
        try await clocks.execute(.tick, on: "1")
        await snapshots.flush()
        #expect(try await rows(model) == 0)
        #expect(told.failures.contains { $0.contains("storing would change a value") })
        await model.close()
    }
}

/// Keeps a date that is finer than what is stored.
private struct Ticker: SnapshottedDecider {
    enum Command: Sendable { case tick }
    enum Event: Codable, Sendable { case ticked }
    enum Refusal: Error {}

    static let foldVersion = 1
    private(set) var time: Date?

    func decide(_ command: Command) throws(Refusal) -> [Event] { [.ticked] }
    mutating func evolve(_ event: Event) { time = Date(timeIntervalSinceReferenceDate: 700_000_000.000_000_3) }
}
