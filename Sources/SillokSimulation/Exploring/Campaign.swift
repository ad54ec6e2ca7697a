import SillokCore
package import SillokSegments

/// Many histories, one for each seed.
package struct Campaign: Sendable {
    /// The smallest and the largest number of steps of a history.
    package var operations = 30...300
    /// What the log does wrong on purpose.
    package var faults: PlantedFaults = []
    /// Whether each step is printed.
    package var isTraced = false

    package init() {}

    /// Runs the history of a seed.
    package func run(seed: UInt64) -> Result<HistoryCounts, Violation> {
        let most = operations.upperBound == 300 ? "" : " --operations \(operations.upperBound)"
        let planted = faults.isEmpty ? "" : " --faults \(faults.rawValue)"
        let history = LogHistory(
            seed: seed, faults: faults, isTraced: isTraced, replay: "seeds \(seed) \(seed)\(most)\(planted) --trace")
        return Result { () throws(Violation) in
            try history.run(operations: operations)
            return history.counts
        }
    }

    /// Runs histories with planted faults until one of them is caught.
    ///
    /// Returns the violation and the number of histories.
    package func catchFaults(from first: UInt64 = 1, limit: UInt64) -> (violation: Violation?, tries: UInt64) {
        var sound = self
        sound.faults = []
        for seed in first..<first + limit {
            guard case .failure(let violation) = run(seed: seed) else { continue }
            // A seed that fails without the fault as well proves nothing about it.
            if case .success = sound.run(seed: seed) { return (violation, seed - first + 1) }
        }
        return (nil, limit)
    }
}

extension PlantedFaults {
    /// The planted faults by their names.
    package static let named: [(name: String, fault: PlantedFaults)] = [
        ("no-sync", .noSync),
        ("sync-before-write", .syncBeforeWrite),
        ("durable-mark-never-advances", .durableMarkNeverAdvances),
        ("record-checksums-ignored", .recordChecksumsIgnored),
        ("zeros-are-the-end", .zerosAreTheEnd),
        ("folder-not-synced", .folderNotSynced),
        ("tail-not-zeroed", .tailNotZeroed),
        ("tail-not-rewritten", .tailNotRewritten),
        ("place-not-checked", .placeNotChecked),
        ("no-salt", .noSalt),
        ("continues-after-failure", .continuesAfterFailure),
        ("damage-is-cut", .damageIsCut),
        ("followers-prove-damage", .followersProveDamage),
        ("former-segment-not-synced", .formerSegmentNotSynced),
        ("new-segment-not-synced", .newSegmentNotSynced),
        ("empty-segment-refused", .emptySegmentRefused),
        ("short-write-accepted", .shortWriteAccepted),
        ("places-trusted", .placesTrusted),
        ("marks-ahead", .marksAhead),
        ("sealed-before-sync", .sealedBeforeSync),
    ]

    /// The planted faults of the writer of a store, which histories of whole stores must find.
    package static let ofStores: [(name: String, fault: PlantedFaults)] = [
        ("failed-group-acknowledged", .failedGroupAcknowledged),
        ("shown-before-sync", .shownBeforeSync),
        ("index-trusted", .indexTrusted),
        ("built-on-failed-group", [.builtOnFailedGroup, .continuesAfterFailure]),
        ("merge-loses-entry", .mergeLosesEntry),
        ("store-no-sync", .noSync),
        ("store-sync-before-write", .syncBeforeWrite),
        ("store-record-checksums-ignored", .recordChecksumsIgnored),
        ("store-tail-not-rewritten", .tailNotRewritten),
    ]
}
