import SillokChain
import SillokCore
package import SillokSegments

/// A history of one log on one simulated disk: everything that happens to it follows from a seed.
///
/// After each opening the log is compared with the model of what it must contain.
package final class LogHistory {
    static let folder = "data/bank.sillok"

    let seed: UInt64
    let disk: SimulatedDisk
    let settings: LogSettings
    let identity: LogIdentity
    var numbers: SimulationNumbers
    var model = LogModel()
    var log: SegmentLog?
    /// Whether the creation of the log has succeeded.
    var isCreated = false
    var buffer: GroupBuffer
    /// The appends that records of the model belong to. Those behind the samples quote bytes of the disk.
    var appends = SampleAppend.all
    var step = 0
    var weights = StepWeights()
    /// The entries whose bytes were changed by damage that is still there.
    var damagedEntries: Set<Int> = []
    /// Whether other bytes than those of entries were damaged.
    var isElsewhereDamaged = false
    /// Whether the last comparison of all contents met an event that cannot be read.
    var hasUnreadable = false
    /// Whether a planned or random failure may be the reason for an error of the disk.
    var mayFail = false
    private(set) var counts = HistoryCounts()
    private let isTraced: Bool
    private var replay: String

    /// Creates a history.
    ///
    /// - Parameters:
    ///   - seed: decides everything.
    ///   - segmentBytes: the size of all segments; `nil` lets the seed choose.
    ///   - faults: what the log does wrong on purpose.
    ///   - isTraced: whether each step is printed.
    ///   - replay: the arguments of `sillok-simulate` that run it again.
    package init(
        seed: UInt64, segmentBytes: Int? = nil, faults: PlantedFaults = [], isTraced: Bool = false, replay: String
    ) {
        (self.seed, self.isTraced, self.replay) = (seed, isTraced, replay)
        disk = SimulatedDisk(seed: seed)
        var numbers = SimulationNumbers(seed: seed, purpose: 2)
        var settings = LogSettings()
        settings.firstSegmentBytes = segmentBytes ?? numbers.element([1_024, 2_048, 4_096, 16_384]) ?? 4_096
        settings.maximumSegmentBytes =
            segmentBytes ?? max(settings.firstSegmentBytes, numbers.element([4_096, 8_192, 32_768]) ?? 0)
        settings.openFiles = numbers.number(1...4)
        settings.zeroedBytes = numbers.element([0, 100, 1_024, 1 << 19]) ?? 0
        settings.largeGroupBytes = numbers.element([0, 500, 1 << 18]) ?? 0
        settings.faults = faults
        self.settings = settings
        identity = LogIdentity(
            store: StoreID(high: numbers.next(), low: numbers.next()),
            hashKey: LogIdentity.HashKey(low: numbers.next(), high: numbers.next()),
            createdAt: Timestamp(microsecondsSince1970: 1_000_000 + Int64(numbers.below(1_000_000))),
            chainStart: numbers.happens(500) ? 1 : nil)
        self.numbers = numbers
        buffer = GroupBuffer(for: identity, settings)
    }

    var hasLinks: Bool { identity.chainStart != nil }

    /// Runs the history to its end.
    package func run(operations: ClosedRange<Int>) throws(Violation) {
        weights = StepWeights(&numbers)
        chooseFaults()
        try create()
        for _ in 0..<numbers.number(operations) { try takeStep() }
        disk.faults = DiskFaults()
        try reopen(by: .kill)
        try reopen(by: .powerCut)
    }

    /// How often the disk fails in this history: never in half of them.
    private func chooseFaults() {
        guard numbers.happens(500) else { return }
        var faults = DiskFaults()
        faults.shortCounts = numbers.below(300)
        for call in DiskCall.allCases { faults[call] = numbers.happens(300) ? numbers.below(30) : 0 }
        disk.faults = faults
        mayFail = true
    }

    // MARK: Reporting

    /// Prints a step if the history is traced.
    func note(_ text: @autoclosure () -> String) {
        if isTraced { print("\(step): \(text())") }
    }

    func violation(_ message: String) -> Violation {
        Violation(seed: seed, step: step, message: message, replay: replay)
    }

    func require(_ condition: Bool, _ message: @autoclosure () -> String) throws(Violation) {
        if !condition { throw violation(message()) }
    }

    func count(_ path: WritableKeyPath<HistoryCounts, Int>) { counts[keyPath: path] += 1 }
}

/// How often something happened.
package struct HistoryCounts: Sendable {
    package var groups = 0
    package var syncs = 0
    package var openings = 0
    package var powerCuts = 0
    package var kills = 0
    package var failures = 0
    package var damages = 0
    package var refusals = 0

    package init() {}

    package static func += (left: inout HistoryCounts, right: HistoryCounts) {
        for path in all { left[keyPath: path] += right[keyPath: path] }
    }

    nonisolated(unsafe) private static let all: [WritableKeyPath<HistoryCounts, Int>] = [
        \.groups, \.syncs, \.openings, \.powerCuts, \.kills, \.failures, \.damages, \.refusals,
    ]
}
