import Foundation
import SillokSegments
import SillokTestSupport
import Testing

@testable import SillokSimulation

/// The log engine on simulated disks. `sillok-simulate` runs more of the same.
@Suite(.serialized) struct LogHistoryTests {
    private static func times(_ name: String, _ usual: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap(Int.init) ?? usual
    }

    /// The others take minutes in a debug build; `scripts/torture` runs all of them in a release build.
    @Test("every crash point of a short history leaves what was acknowledged", arguments: [0, 1, 12, 13, 14])
    func shortHistories(number: Int) throws {
        let explorer = try #require(Explorer(number))
        try explorer.run()
        print("SIM-1: short history \(number), \(explorer.name): \(explorer.points) calls, \(explorer.states) states")
    }

    @Test("a long history keeps what was acknowledged and reports damage")
    func seeds() {
        let first = SeededNumbers().seed
        let count = Self.times("SILLOK_SIMULATION_SEEDS", 200)
        let campaign = Campaign()
        var counts = HistoryCounts()
        for seed in first..<first + UInt64(count) {
            switch campaign.run(seed: seed) {
            case .success(let more): counts += more
            case .failure(let violation):
                Issue.record(violation)
                return
            }
        }
        print("SIM-2: \(count) seeds from \(first): \(counts)")
    }

    @Test("trackings behind the last event may be shown or lost if damage in front of them keeps them from being read")
    func hiddenTrackings() throws {
        // The mark in front of a tracking is damaged, so it is cut, and an older segment cannot be read.
        _ = try Campaign().run(seed: 524_257).get()
    }

    @Test("a flipped bit changes no event and hides none without a report")
    func flips() throws {
        let first = SeededNumbers().seed
        let count = Self.times("SILLOK_SIMULATION_FLIPS", 4_000)
        var counts = BitFlips.Counts()
        for seed in first..<first + UInt64(max(1, count / 200)) {
            counts += try BitFlips().run(seed: seed, count: 200).get()
        }
        #expect(counts.refused > count / 20 && counts.harmless > 0)
        print("SIM-3: \(counts) from seed \(first)")
    }

    /// Faults that few seeds catch, and a seed just before one that does.
    private static let hints: [String: UInt64] = [
        "zeros-are-the-end": 400, "tail-not-zeroed": 400, "places-trusted": 430,
        "sealed-before-sync": 70,
    ]

    @Test("a planted fault is caught", arguments: PlantedFaults.named.map(\.name))
    func planted(name: String) throws {
        let fault = try #require(PlantedFaults.named.first { $0.name == name }?.fault)
        var campaign = Campaign()
        campaign.faults = fault
        let caught = campaign.catchFaults(from: Self.hints[name] ?? 1, limit: 5_000)
        let violation = try #require(caught.violation, "the planted fault \(name) is not caught")
        print("SIM-4: \(name) is caught by seed \(violation.seed) in step \(violation.step): \(violation.message)")
    }

    @Test("a violation names a command that finds it again")
    func replay() throws {
        var campaign = Campaign()
        campaign.faults = .noSync
        let first = try #require(campaign.catchFaults(limit: 1_000).violation)
        guard case .failure(let second) = campaign.run(seed: first.seed) else {
            Issue.record("the seed finds nothing")
            return
        }
        #expect(first == second)
        #expect(
            first.replay
                == "seeds \(first.seed) \(first.seed) --faults \(PlantedFaults.noSync.rawValue) --trace")
    }
}
