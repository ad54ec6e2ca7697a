/// Sizes of the segments, and the faults that a test plants.
package struct LogSettings: Sendable {
    /// The size of the first segment. Each one is twice as large as the one before it.
    package var firstSegmentBytes = 1 << 20
    /// The size at which the doubling ends. A larger group gets a segment of its own size.
    package var maximumSegmentBytes = 64 << 20
    /// After how many bytes of zeros a new segment is synced, where space cannot be reserved. The syncs of the segment
    /// in use wait for no more than these.
    package var fillBytes = 1 << 20
    /// How many zeros a sync of small groups writes behind them: at most 1 MiB.
    package var zeroedBytes = 512 << 10
    /// From this size on, the groups of a sync are large: they are written into reserved space without zeros.
    package var largeGroupBytes = 256 << 10
    /// How many files the reader keeps open.
    package var openFiles = 64
    /// Mistakes that the tests must find.
    package var faults: PlantedFaults = []

    package init() {}
}

/// How a log is opened.
package enum LogMode: Hashable, Sendable {
    /// For appending. The tail is recovered: rewritten, cut and synced.
    case write
    /// For reading next to a writer in another process. Nothing is written; events behind the durable end are hidden.
    case readOnly
    /// For reading while no process writes. Nothing is written. All that is on the disk is shown, also what was synced
    /// after the file `durable` was last stored.
    case readAlone
    /// For copying what is readable out of a damaged log. Nothing is written; damaged places are skipped.
    case salvage
}

/// Mistakes that a log makes on purpose, so that the tests can prove that they would find them.
package struct PlantedFaults: OptionSet, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// `sync` returns at once.
    package static let noSync = PlantedFaults(rawValue: 1 << 0)
    /// The file is synced before the group is written, and not after.
    package static let syncBeforeWrite = PlantedFaults(rawValue: 1 << 1)
    /// Headers and the file `durable` always say that only the start of the first segment is durable.
    package static let durableMarkNeverAdvances = PlantedFaults(rawValue: 1 << 2)
    /// The checksums of records are not compared.
    package static let recordChecksumsIgnored = PlantedFaults(rawValue: 1 << 3)
    /// Recovery takes a header of zeros for the end of the log and does not look behind it.
    package static let zerosAreTheEnd = PlantedFaults(rawValue: 1 << 4)
    /// The folder is not synced after a segment was created.
    package static let folderNotSynced = PlantedFaults(rawValue: 1 << 5)
    /// Recovery leaves the bytes of the tail that it cuts.
    package static let tailNotZeroed = PlantedFaults(rawValue: 1 << 6)
    /// Recovery takes what it reads for durable: it neither rewrites nor syncs it.
    package static let tailNotRewritten = PlantedFaults(rawValue: 1 << 7)
    /// Headers are accepted in other places than their own.
    package static let placeNotChecked = PlantedFaults(rawValue: 1 << 8)
    /// The salt is 0, so groups of other stores are accepted.
    package static let noSalt = PlantedFaults(rawValue: 1 << 9)
    /// After a failed write or sync the log continues.
    package static let continuesAfterFailure = PlantedFaults(rawValue: 1 << 10)
    /// Recovery cuts the log at the first bad place, also if that place was durable.
    package static let damageIsCut = PlantedFaults(rawValue: 1 << 11)
    /// Recovery takes any valid group behind a bad place for a proof of damage.
    package static let followersProveDamage = PlantedFaults(rawValue: 1 << 12)
    /// The next segment is used before the former one is sealed and synced.
    package static let formerSegmentNotSynced = PlantedFaults(rawValue: 1 << 13)
    /// A new segment is used before its zeros and its size are durable.
    package static let newSegmentNotSynced = PlantedFaults(rawValue: 1 << 14)
    /// Recovery refuses a last segment without any group.
    package static let emptySegmentRefused = PlantedFaults(rawValue: 1 << 15)
    /// The end of the log moves although only a part of the group was written.
    package static let shortWriteAccepted = PlantedFaults(rawValue: 1 << 16)
    /// A file of places is trusted without comparing the record's position.
    package static let placesTrusted = PlantedFaults(rawValue: 1 << 17)
    /// A group's header says that the groups before it are durable, also if they are not synced.
    package static let marksAhead = PlantedFaults(rawValue: 1 << 18)
    /// A segment gets its seal, which says that the segment is durable, before its last group is synced.
    package static let sealedBeforeSync = PlantedFaults(rawValue: 1 << 19)
    /// The writer of a store acknowledges a group whose write or sync has failed.
    package static let failedGroupAcknowledged = PlantedFaults(rawValue: 1 << 20)
    /// The writer of a store shows a group to readers, and to repeats of its appends, before it is synced.
    package static let shownBeforeSync = PlantedFaults(rawValue: 1 << 21)
    /// The index of a store is used without comparing it with the log.
    package static let indexTrusted = PlantedFaults(rawValue: 1 << 22)
    /// After a failed sync the writer of a store continues with the next group as if nothing had happened.
    package static let builtOnFailedGroup = PlantedFaults(rawValue: 1 << 23)
    /// A merge of runs of ids in the index of a store loses the last entry.
    package static let mergeLosesEntry = PlantedFaults(rawValue: 1 << 24)
}
