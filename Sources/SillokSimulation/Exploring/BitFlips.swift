import SillokCore
package import SillokSegments

/// Bits flipped one at a time in closed logs. No flip may change an event, or hide one without a report.
package struct BitFlips: Sendable {
    /// What came of the flips.
    package struct Counts: Sendable {
        /// The log refused to open.
        package var refused = 0
        /// The log opened, and some events could not be read.
        package var unreadable = 0
        /// The log opened, and everything was there.
        package var harmless = 0
        /// The log opened without its last groups, which no mark proved.
        package var cut = 0

        package init() {}

        package static func += (left: inout Counts, right: Counts) {
            left.refused += right.refused
            left.unreadable += right.unreadable
            left.harmless += right.harmless
            left.cut += right.cut
        }
    }

    /// What the log does wrong on purpose.
    package var faults: PlantedFaults = []
    /// Whether each step is printed.
    package var isTraced = false

    package init() {}

    /// Writes the log of a seed and flips `count` bits in it.
    package func run(seed: UInt64, count: Int) -> Result<Counts, Violation> {
        let history = LogHistory(
            seed: seed, faults: faults, isTraced: isTraced, replay: "flips \(count) --from \(seed) --trace")
        return Result { () throws(Violation) in try history.flip(count) }
    }
}

extension LogHistory {
    /// Writes and closes a log, and flips bits in it.
    func flip(_ count: Int) throws(Violation) -> BitFlips.Counts {
        makeParent()
        do throws(LogError) {
            _ = try createIfMissing()
        } catch {
            throw violation("the log cannot be created: \(error)")
        }
        try reopen(by: .kill)
        for _ in 0..<numbers.number(3...20) {
            step += 1
            try append()
            if numbers.happens(600) { try sync() }
            if numbers.happens(100) { try mark() }
        }
        try sync()
        if numbers.happens(700) { try mark() }
        if numbers.happens(500) { try settlePlaces() }
        end(by: .kill)
        var counts = BitFlips.Counts()
        let (sound, pristine) = (disk.image, model)
        for _ in 0..<count {
            step += 1
            try flipOne(sound, &counts)
            log = nil
            disk.image = sound
            model = pristine
            (damagedEntries, isElsewhereDamaged) = ([], false)
        }
        return counts
    }

    private func flipOne(_ sound: DiskImage, _ counts: inout BitFlips.Counts) throws(Violation) {
        let flip = numbers.happens(700) ? flipEntry() ?? flipAnywhere() : flipAnywhere()
        note(flip)
        findDamaged(sound)
        let damaged = disk.image
        switch try open() {
        case .opened:
            let before = model.acknowledgedRecords
            try checkContents()
            if model.acknowledgedRecords < before {
                counts.cut += 1
            } else if hasUnreadable {
                counts.unreadable += 1
            } else {
                counts.harmless += 1
            }
        case .stopped: break
        case .failed(let error), .refused(let error):
            counts.refused += 1
            try checkRefusal(error, damaged)
        }
    }
}
