import Sillok
import SillokSQL
import SillokSQLite
import SillokTesting

@testable import SillokSnapshots

/// A log, the snapshots in a read model of a storage, and the reports about them.
struct SnapshotBench {
    let place: Place
    let store = MemoryEventStore()
    let told = Told()
    let model: TestedModel

    init(_ storage: Storage) async throws {
        place = Place(storage)
        model = try await place.freshModel()
    }

    func snapshots(_ policy: SnapshotPolicy = .every(5)) -> Snapshots {
        Snapshots(in: model, policy, onMeasurement: told.hear)
    }

    func handler(_ snapshots: Snapshots) -> CommandHandler<Tally> {
        CommandHandler("tally", in: store, options: .init(snapshots: snapshots))
    }

    func add(_ count: Int, _ handler: CommandHandler<Tally>, _ snapshots: Snapshots) async throws {
        for number in 1...count {
            try await handler.execute(.add(number % 7 + 1, note: "n\(number % 3)"), on: "1")
            await snapshots.flush()
        }
    }

    var positions: [Int64] {
        get async throws {
            try await model.rows("SELECT position FROM sillok_snapshots ORDER BY position").compactMap {
                $0["position"].integer
            }
        }
    }

    /// Changes all snapshots, given their texts under the checksum and a function that makes one.
    func rewrite(_ change: (_ texts: [String], _ sum: ([String]) -> Int64) -> SQL) async throws {
        for row in try await model.rows("SELECT * FROM sillok_snapshots") {
            let texts = ["decider", "subject", "event", "store", "fingerprint", "state"].map { row[$0].text ?? "" }
            let numbers = ["position", "events", "recorded_at"].map { row[$0].integer ?? 0 }
            let change = change(texts) { SnapshotRow.sum($0, numbers) }
            try await model.write(
                ReadModelWrite([
                    .init("UPDATE sillok_snapshots SET \(change) WHERE position = \(numbers[0])")
                ]))
        }
    }

    func replay(_ key: String = "1") async throws -> Tally {
        try await CommandHandler<Tally>("tally", in: store).state(of: key).state
    }
}
