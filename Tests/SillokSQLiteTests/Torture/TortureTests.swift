#if os(Linux)
import Foundation
import SillokCore
import SillokSQLite
import Testing

/// What processes and disks do to a store. The numbers behind the promises I1 to I9; see docs/measurements.md.
@Suite("torture", .serialized)
struct TortureTests {
    @Test(
        "DUR-1: when 32 writers are killed at any instant, nothing is lost, doubled, torn or out of order",
        arguments: Storage.tested)
    func kills(on storage: Storage) async throws {
        let bench = try TortureBench(on: storage)
        var random = SystemRandomNumberGenerator()
        let kills = times("SILLOK_KILLS", 5)
        var last: TortureReport?
        for round in 1...kills {
            let writing = try bench.start("write")
            try await Task.sleep(for: .milliseconds(Int.random(in: 200...(kills > 10 ? 2000 : 1200), using: &random)))
            kill(writing.processIdentifier, SIGKILL)
            writing.waitUntilExit()
            let report = try bench.run("check", more: round == kills ? nil : "quick")
            #expect(report.isClean, "seed \(bench.seed), kill \(round):\n\(report)")
            last = report
        }
        let report = try #require(last)
        #expect(report.count("acknowledged") > 0)
        print(
            "DUR-1 on \(storage.testDescription): \(kills) kills, seed \(bench.seed): \(report.count("events")) events,",
            "\(report.count("acknowledged")) acknowledged appends, \(report.count("conflicts")) conflicts; 0 wrong;",
            "slowest opening after a kill \(report.count("slowest-opening-us") / 1000) ms")
    }

    @Test(
        "DUR-1: the verifier catches what a bad writer does",
        arguments: [
            ("ack-before-commit", "lost"), ("duplicate", "duplicated"), ("tear", "torn"), ("lie", "lying"),
            ("forge", "foreign"), ("unguarded", "unguarded"),
        ])
    func plants(_ plant: String, _ finding: String) async throws {
        let bench = try TortureBench()
        let writing = try bench.start("write", more: plant)
        while (try? Data(contentsOf: URL(filePath: bench.log)).count) ?? 0 < 20_000 {
            try await Task.sleep(for: .milliseconds(20))
        }
        kill(writing.processIdentifier, SIGKILL)
        writing.waitUntilExit()
        let report = try bench.run("check", more: "quick")
        #expect(report.status == 1)
        #expect(report.count(finding) > 0, "\(report)")
    }

    @Test(
        "DUR-7: on a full disk appends are refused definitely, reads work, and appends work again when there is room",
        arguments: [true, false])
    func fullDisk(isMounted: Bool) throws {
        let bench = try TortureBench(inMemory: true)
        let disk = bench.path("disk")
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        if isMounted && !succeeds("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk) {
            print("DUR-7: no right to mount a small disk; the shim alone plays it")
            return
        }
        defer { if isMounted { _ = succeeds("umount", disk) } }
        let (store, filler) = (disk + "/store.sqlite", disk + "/filler")
        try Data(count: 3_500_000).write(to: URL(filePath: filler))
        let limited = ["FAULT_PATH": store, "FAULT_FULL": "4500000", "FAULT_FREE": filler]
        let report = try bench.run(
            "full", store: store, more: filler,
            environment: isMounted ? [:] : FaultShim.environment(bench, limited))
        #expect(report.isClean, "seed \(bench.seed):\n\(report)")
        #expect(report.count("refused-when-full") == 20)
        #expect(report.count("resumed") == 200)
        print(
            "DUR-7 (\(isMounted ? "disk of 8 MiB" : "shim")): full after \(report.count("appends-until-full"))",
            "appends, 20 refused, 200 of 200 went on; 0 lost of \(report.count("events")) events")
    }

    @Test("DUR-8: a changed bit that changes an answer is noticed by the read or named by verify")
    func flips() throws {
        let bench = try TortureBench(inMemory: true)
        let report = try bench.run("flips", store: bench.folder.path, more: String(times("SILLOK_FLIPS", 200)))
        print("DUR-8: seed \(bench.seed):", "\(report)".replacing("\n", with: ", "))
        #expect(report.isClean, "seed \(bench.seed):\n\(report)")
    }
}
#endif
