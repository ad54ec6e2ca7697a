#if os(Linux)
import Foundation
import SillokCore
import Testing

/// A disk whose power can be cut.
enum PowerCut {
    /// Whether this machine lets us make such a disk and cut its power: tried once, without writers.
    static let isPossible: Bool = {
        guard geteuid() == 0, let bench = try? TortureBench() else { return false }
        return (try? run(on: bench, "0").isClean) ?? false
    }()

    /// Runs the cuts in namespaces of their own. However the run ends, the kernel removes its mount and loop device.
    static func run(on bench: TortureBench, _ more: String) throws -> TortureReport {
        let process = try bench.start(
            "power-cuts", store: bench.folder.path, more: more,
            under: [
                "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private",
            ])
        return try TortureReport(process)
    }
}

/// What power cuts do to a store: DUR-2. See docs/measurements.md.
@Suite(
    "power cuts", .serialized, .timeLimit(.minutes(30)),
    .enabled(if: PowerCut.isPossible, "DUR-2 needs root, unshare, mkfs.ext4 and loop devices"))
struct PowerCutTests {
    @Test("DUR-2: after a power cut at any instant, no acknowledged event is lost and the store is undamaged")
    func cuts() throws {
        let cuts = times("SILLOK_POWER_CUTS", 10)
        let bench = try TortureBench()
        let report = try PowerCut.run(on: bench, String(cuts))
        #expect(report.isClean, "seed \(bench.seed):\n\(report)")
        #expect(report.count("cuts") == cuts)
        #expect(report.count("acknowledged") > 0)
        print(
            "DUR-2: \(cuts) power cuts, seed \(bench.seed): \(report.count("events")) events,",
            "\(report.count("acknowledged")) acknowledged appends, \(report.count("in-flight")) in flight at a cut;",
            "0 lost, 0 wrong; slowest opening \(report.count("slowest-opening-us") / 1000) ms")
    }

    @Test("DUR-2: commits with synchronous = NORMAL lose acknowledged events, and the check finds it")
    func unsynced() throws {
        let bench = try TortureBench()
        let report = try PowerCut.run(on: bench, "10,unsynced")
        #expect(report.status == 1)
        #expect(report.count("lost") > 0, "seed \(bench.seed):\n\(report)")
        print(
            "DUR-2, synchronous = NORMAL: \(report.count("lost")) of \(report.count("acknowledged")) acknowledged",
            "appends lost at cut \(report.count("cuts")), seed \(bench.seed)")
    }
}
#endif
