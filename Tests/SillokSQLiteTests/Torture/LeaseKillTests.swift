#if os(Linux)
import Foundation
import SillokCore
import Testing

/// What kills and stops do to processes that share the partitions of a read model: PRJ-2. See docs/measurements.md.
@Suite("torture of leases", .serialized)
struct LeaseKillTests {
    @Test(
        "PRJ-2: killed, or stopped for longer than its lease, no process applies what another has applied",
        arguments: Storage.stores)
    func shared(on storage: Storage) async throws {
        let rounds = times("SILLOK_LEASE_KILLS", 8)
        let bench = try TortureBench(on: storage)
        var handovers = 0
        // On a busy machine fewer leases pass on in a round: then there are more rounds.
        for _ in 1...5 where handovers <= 6 {
            try await share(bench, rounds: rounds, [])
            let report = try bench.run("check-projections")
            #expect(report.isClean, "seed \(bench.seed):\n\(report)")
            handovers = report.count("handovers")
        }
        #expect(handovers > 6)
        let end = try bench.run("finish-projections", more: "partitions")
        #expect(end.isClean, "seed \(bench.seed), at the end:\n\(end)")
        print(
            "PRJ-2 on \(storage.testDescription): \(rounds) kills and stops of 3 processes, seed \(bench.seed):",
            "\(end.count("events")) events, \(handovers) leases taken, \(end.count("rows")) rows; 0 wrong"
        )
    }

    @Test("PRJ-2: the check catches processes that write without a check of the lease")
    func unfenced() async throws {
        var done: [String] = []
        for round in 1...20 {
            // Each run has a read model of its own, because this bug can also stop all processes that project.
            let bench = try TortureBench()
            try await share(bench, rounds: 4, ["unfenced"])
            let report = try bench.run("check-projections")
            if report.count("findings") > 0 {
                return print("PRJ-2: unfenced caught in run \(round): \(report.notes.first ?? "")")
            }
            done.append("seed \(bench.seed): \(report)")
        }
        Issue.record("writes without a fence were not caught:\n\(done.joined(separator: "\n"))")
    }

    /// A process that appends and three that project. One at a time is killed and restarted, or stopped for longer than
    /// its lease.
    private func share(_ bench: TortureBench, rounds: Int, _ more: [String]) async throws {
        let writer = try bench.start("append")
        var sharers = try (0..<3).map { _ in try bench.startOpened("share", more: more.joined(separator: ",")) }
        defer {
            for process in sharers + [writer] {
                kill(process.processIdentifier, SIGKILL)
                process.waitUntilExit()
            }
        }
        for round in 1...rounds {
            try await Task.sleep(for: .milliseconds(Int.random(in: 150...500)))
            let chosen = Int.random(in: 0..<sharers.count)
            let id = sharers[chosen].processIdentifier
            if round % 2 == 0 {
                kill(id, SIGSTOP)
                try await Task.sleep(for: .milliseconds(400))
                kill(id, SIGCONT)
            } else {
                kill(id, SIGKILL)
                sharers[chosen].waitUntilExit()
                sharers[chosen] = try bench.startOpened("share", more: more.joined(separator: ","))
            }
        }
    }
}
#endif
