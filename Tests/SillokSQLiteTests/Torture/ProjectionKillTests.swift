#if os(Linux)
import Foundation
import SillokCore
import Testing

/// What kills do to projections: PRJ-1. See docs/measurements.md.
@Suite("torture of projections", .serialized)
struct ProjectionKillTests {
    @Test(
        "PRJ-1: when projectors are killed at any instant, every row equals the fold up to its checkpoint",
        arguments: Storage.stores)
    func kills(on storage: Storage) async throws {
        let kills = times("SILLOK_PROJECTION_KILLS", 10)
        for partitions in [[], ["partitions"]] {
            let bench = try TortureBench(on: storage)
            var sums: [String: Int] = [:]
            for round in 1...max(1, kills / 2) {
                let more = partitions + (round % 3 == 0 ? ["mended"] : [])
                try await runAndKill(bench, round, more)
                let report = try bench.run("check-projections")
                #expect(report.isClean, "seed \(bench.seed), kill \(round):\n\(report)")
                for (name, count) in report.counts { sums[name, default: 0] += count }
                if round == max(1, kills / 2) { print("PRJ-1:", "\(report)".replacing("\n", with: ", ")) }
            }
            let end = try bench.run("finish-projections", more: partitions.joined(separator: ","))
            #expect(end.isClean, "seed \(bench.seed), at the end:\n\(end)")
            print(
                "PRJ-1 on \(storage.testDescription): \(max(1, kills / 2)) kills, seed \(bench.seed), \(partitions.isEmpty ? 1 : 3) partitions:",
                "\(end.count("events")) events, \(sums["rows"] ?? 0) rows compared,",
                "\(sums["letters"] ?? 0) dead letters seen in \(sums["builds"] ?? 0) builds; 0 wrong")
        }
    }

    @Test(
        "PRJ-1: the check catches what a bad projector does",
        arguments: [
            "checkpoint-apart", "checkpoint-at-last-sent", "skipped", "twice", "shared-tables", "overtaken",
            "unguarded-redrive",
        ])
    func plants(_ bug: String) async throws {
        let bench = try TortureBench()
        for round in 1...60 {
            // On a busy machine a process comes less far in a time: it gets more.
            try await runAndKill(
                bench, round, [bug] + (round % 3 == 2 ? ["mended"] : []),
                after: (100 + 20 * round)...(500 + 100 * round))
            let report = try bench.run("check-projections")
            if report.count("findings") > 0 {
                print("PRJ-1: \(bug) caught after \(round) kills: \(report.notes.first ?? "")")
                return
            }
        }
        Issue.record("\(bug) was not caught in 60 kills, seed \(bench.seed)")
    }

    @Test(
        "inline: when the process is killed at any instant, every row equals the fold of the whole log",
        arguments: Storage.stores)
    func inlineKills(on storage: Storage) async throws {
        let kills = times("SILLOK_INLINE_KILLS", 6)
        let bench = try TortureBench(on: storage)
        var rows = 0
        for round in 1...kills {
            try await runAndKill(bench, round, [], verb: "inline", after: 500...1000)
            let report = try bench.run("check-inline")
            #expect(report.isClean, "seed \(bench.seed), kill \(round):\n\(report)")
            rows += report.count("rows")
            if round == kills {
                print(
                    "inline on \(storage.testDescription): \(kills) kills, seed \(bench.seed): \(report.count("events")) events, \(rows) rows compared,",
                    "\(report.count("builds")) builds at the end; 0 wrong, 0 behind")
            }
        }
    }

    @Test("inline: the check catches rows that are written in a transaction of their own")
    func inlinePlant() async throws {
        // In a folder such rows are projected again when the projection is attached.
        let bench = try TortureBench()
        for round in 1...40 {
            try await runAndKill(bench, round, ["apart"], verb: "inline", after: 500...1000)
            let report = try bench.run("check-inline")
            if report.count("findings") > 0 {
                print("inline: apart caught after \(round) kills: \(report.notes.first ?? "")")
                return
            }
        }
        Issue.record("rows in a transaction of their own were not caught in 40 kills, seed \(bench.seed)")
    }

    /// Kills the program some time after it has opened what it works on, however busy the machine is; one time in four
    /// counted from its start, so perhaps while it opens.
    private func runAndKill(
        _ bench: TortureBench, _ round: Int, _ more: [String], verb: String = "project",
        after milliseconds: ClosedRange<Int> = 100...500
    ) async throws {
        let words = more.joined(separator: ",")
        let running = try round % 4 == 0 ? bench.start(verb, more: words) : bench.startOpened(verb, more: words)
        try await Task.sleep(for: .milliseconds(Int.random(in: milliseconds)))
        kill(running.processIdentifier, SIGKILL)
        running.waitUntilExit()
    }
}
#endif
