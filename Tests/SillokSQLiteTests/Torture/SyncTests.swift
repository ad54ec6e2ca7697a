#if os(Linux)
import CSQLite
import Foundation
import SillokCore
import SillokSQL
import SillokSQLiteConnections
import Testing

@testable import SillokSQLite

/// What is on the disk when it is acknowledged, seen from outside the process.
@Suite("syncs", .serialized)
struct SyncTests {
    /// The lines that the shim and the program wrote to the log, without their times.
    private func lines(_ bench: TortureBench) throws -> [String] {
        try String(contentsOfFile: bench.log, encoding: .utf8).split(separator: "\n").map { line in
            line.split(separator: " ").dropLast().joined(separator: " ")
        }
    }

    @Test("X7: the repeat of a commit that a killed process had not synced is acknowledged when it is on the disk")
    func repeated() async throws {
        let bench = try TortureBench()
        let store = try SQLiteEventStore(path: bench.store)
        await store.close()
        // A reader that came while the log was empty reads the file alone: it has read mark 0.
        let reader = try Connection(path: bench.store, flags: SQLITE_OPEN_READONLY, cacheKiB: 64)
        try reader.run("BEGIN; SELECT count(*) FROM events")
        let first = try bench.run("repeat")
        #expect(first.count("acknowledged") == 1, "\(first)")
        try? FileManager.default.removeItem(atPath: bench.log)

        // Its log is not moved, because of the reader. It is not certain that it was synced either.
        let failed = try bench.run(
            "repeat", environment: FaultShim.environment(bench, ["FAULT_CLASS": "sync", "FAULT_NTH": "1"]))
        #expect(failed.count("acknowledged") == 0 && !failed.isClean, "\(failed)")
        #expect(failed.notes.contains { $0.contains("synced to the disk") }, "\(failed)")

        try? FileManager.default.removeItem(atPath: bench.log)
        let again = try bench.run("repeat", environment: FaultShim.environment(bench, [:]))
        #expect(again.count("acknowledged") == 1 && again.isClean, "\(again)")
        #expect(try lines(bench).contains("S wal"))
        try reader.run("COMMIT")
    }

    @Test(
        "O3: an operator's act in a read model is on the disk when it is acknowledged; a projector's need not be"
    )
    func acts() throws {
        let bench = try TortureBench()
        let report = try bench.run("act", environment: FaultShim.environment(bench, [:]))
        #expect(report.isClean, "\(report)")
        let marks = try lines(bench).filter { $0.hasPrefix("#") }
        #expect(marks == ["# projector", "# operator", "# projector again", "# end"])
        let all = try lines(bench)
        func between(_ from: String, _ to: String) -> [String] {
            guard let start = all.firstIndex(of: from), let end = all.firstIndex(of: to) else { return ["?"] }
            return Array(all[(start + 1)..<end])
        }
        #expect(between("# projector", "# operator") == [])
        #expect(between("# operator", "# projector again") == ["S wal"])
        #expect(between("# projector again", "# end") == [])
    }
}
#endif
