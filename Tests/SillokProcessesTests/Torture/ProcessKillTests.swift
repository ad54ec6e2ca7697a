#if os(Linux)
import Foundation
import Testing

/// What kills of runner processes do to a shop whose payment service answers late, twice, never or with an error.
@Suite("torture of processes", .serialized, .timeLimit(.minutes(30)))
struct ProcessKillTests {
    /// The number of kills in each form.
    private static let asked = ProcessInfo.processInfo.environment["SILLOK_PROCESS_KILLS"].flatMap(Int.init)

    @Test(
        "PRC-2: when runners are killed at any instant, every order ends as its customer, the bank and the stock allow",
        arguments: ProcessBench.Form.tested)
    func kills(in form: ProcessBench.Form) async throws {
        let kills = Self.asked ?? (form.isAlone ? 4 : 3)
        let bench = try ProcessBench(form, orders: kills * 10)
        try await run(bench, kills: kills)
        let report = try bench.check(seconds: 120 + 4 * kills)
        #expect(report.isClean, "seed \(bench.seed):\n\(report)")
        #expect(report.count("confirmed") > 0 && report.count("repeats") > 0)
        #expect(report.count("rehearsed") == kills * 10)
        if form.isAlone {
            let control = try bench.check(seconds: 0, ["other-rules"])
            #expect(control.text.contains("# P7: "), "other rules are not found:\n\(control)")
        }
        // Elsewhere all instances may be started by processes of one version, and in a short run here as well.
        if form.isAlone && Self.asked != nil {
            #expect(report.count("version1") > 0 && report.count("version2") > 0)
        }
        print("PRC-2 on \(form.testDescription): \(kills) kills, seed \(bench.seed): \(report.summary)")
    }

    @Test("PRC-2, control: with random keys the bank charges twice, and the check sees it")
    func randomKeys() async throws {
        let bench = try ProcessBench(.file, orders: 20, words: ["random-keys"])
        try await run(bench, kills: 1)
        let report = try bench.check(seconds: 120, ["until-doubled"])
        #expect(report.count("doubled") > 0 && report.text.contains("P3: "), "seed \(bench.seed):\n\(report)")
        print("PRC-21 control, random keys, seed \(bench.seed): \(report.count("doubled")) payments executed twice")
    }

    @Test("PRC-2, control: at a bank that ignores keys, each second call follows a kill or a bad answer")
    func ignoredKeys() async throws {
        let bench = try ProcessBench(.file, orders: 20, words: ["ignores-keys"])
        try await run(bench, kills: 2)
        let report = try bench.check(seconds: 120)
        #expect(report.isClean, "seed \(bench.seed):\n\(report)")
        #expect(report.count("repeats") > 0)
        print("PRC-21 control, ignored keys, 2 kills, seed \(bench.seed): \(report.summary)")
    }

    /// Runs the shop. One of its runners at a time is killed and started again, as another version of the code.
    private func run(_ bench: ProcessBench, kills: Int) async throws {
        try await bench.open()
        var runners = try (0..<bench.form.runners).map { _ in try bench.startRunner(version: 1) }
        for number in 1...kills {
            // Longer where the other process first waits for the lease of the killed one.
            try await Task.sleep(for: .milliseconds(Int.random(in: bench.form.isAlone ? 150...750 : 300...1000)))
            let chosen = Int.random(in: 0..<runners.count)
            bench.end(runners[chosen])
            runners[chosen] = try bench.startRunner(version: number % 2 + 1)
        }
    }
}
#endif
