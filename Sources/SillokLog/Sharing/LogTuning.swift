package import SillokIndexFile
package import SillokSQLiteConnections
package import SillokSegments
import SillokSystem

/// The sizes at which a store does its maintenance. They never affect correctness; tests make them tiny.
package struct LogTuning: Sendable {
    /// The number of entries of the index in memory at which they are moved to the file.
    package var partEntries = 131_072
    /// The number of entries that are moved in one transaction.
    package var movedSlice = 8_192
    /// The sizes of the runs of ids in the index file.
    package var runs = RunSizes()
    /// The number of stream revisions that the writer keeps in memory.
    package var cachedRevisions = 50_000
    /// The number of entries that are sorted together when the index is rebuilt: 16 bytes of memory each.
    package var rebuiltEntries = 4_000_000
    /// The number of events for which a rebuild makes filters, so that appends continue: 8 to 24 bytes of memory each.
    /// While more are missing from the index, appends are refused.
    package var surveyedEvents: Int64 = 12_000_000
    /// The number of events that share such a filter.
    package var surveyedChunk: Int64 = 4096
    /// Whether an opening waits for the rebuild, so that simulations are repeatable.
    package var rebuildsBeforeServing = false
    /// Whether a rebuild may take its next step, for tests.
    package var mayRebuild: @Sendable () -> Bool = { true }
    /// Up to this number of events that the index file misses are read by the opening.
    package var openedEvents: Int64 = 4096
    /// The time after which a rebuild that has failed is tried again.
    package var rebuildPause = Duration.seconds(1)
    /// Whether full parts join the gap of a rebuild however short it is, for tests.
    package var extendsEveryGap = false
    /// The steps that the writer spends on a condition before it leaves it to a reader: half a millisecond.
    package var writerSteps = 2_000
    /// The steps that the writer spends on all conditions of a group before it leaves the others to readers.
    package var groupSteps = 100_000
    /// The number of keys of the index file for which its filter has space at first. It grows.
    package var filterKeys = 65_536
    /// The memory that the filter may take. It is enough for 30 million random ids, streams and tags. With more of
    /// them, a growing share of new ones is looked up in the file.
    package var filterBytes = 64 << 20
    /// A planted fault, for tests: the filter does not take some of the keys.
    package var filterLosesKeys = false
    /// The number of threads that read.
    package var readers = 3
    /// The time without a commit after which a mark proves the last group.
    package var idleTime = Duration.milliseconds(100)
    /// The bits of the hashes in the index that are used. Fewer make collisions frequent, for tests.
    package var hashBits = 63
    /// The sizes of the segments of the log.
    package var segments = LogSettings()
    /// The sizes at which the write-ahead log of the read model is moved into its file.
    package var rowsCheckpoints = CheckpointSizes()
    /// The faults that a test plants in the writing of rows.
    package var rowsFaults = RowsFaults()

    package init() {}

    /// The same with every value that a store cannot work with replaced by the nearest one that it can.
    package var supported: LogTuning {
        var tuning = self
        let counts: [WritableKeyPath<LogTuning, Int>] = [
            \.partEntries, \.movedSlice, \.cachedRevisions, \.rebuiltEntries, \.writerSteps, \.groupSteps,
            \.filterKeys, \.filterBytes,
        ]
        for path in counts { tuning[keyPath: path] = min(max(1, self[keyPath: path]), 1 << 30) }
        (tuning.runs.merged, tuning.runs.deleted) = (max(2, runs.merged), max(1, runs.deleted))
        // Each has a thread.
        tuning.readers = min(max(1, readers), 64)
        tuning.hashBits = min(max(1, hashBits), 63)
        // A share of what the process may open. Otherwise reads of a large log open a file each time.
        tuning.segments.openFiles = max(segments.openFiles, min(1024, Int(sysconf(Int32(_SC_OPEN_MAX))) / 8))
        return tuning
    }

    /// The sizes for a copy to which no appends are made: without a survey, and with the smallest filter.
    var forCopy: LogTuning {
        var tuning = self
        (tuning.surveyedEvents, tuning.filterBytes) = (0, 1)
        return tuning
    }

    /// Everything happens all the time.
    package static let tiny: LogTuning = {
        var tuning = LogTuning()
        tuning.partEntries = 15
        tuning.movedSlice = 7
        tuning.runs.chunkBytes = 70
        tuning.runs.merged = 3
        tuning.runs.deleted = 2
        tuning.cachedRevisions = 4
        tuning.rebuiltEntries = 20
        tuning.surveyedChunk = 8
        tuning.openedEvents = 6
        tuning.rebuildPause = .milliseconds(1)
        tuning.extendsEveryGap = true
        tuning.writerSteps = 12
        tuning.filterKeys = 16
        tuning.readers = 1
        tuning.rowsCheckpoints = .tiny
        tuning.segments.firstSegmentBytes = 4096
        tuning.segments.maximumSegmentBytes = 16_384
        return tuning
    }()
}
