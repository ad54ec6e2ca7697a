package import SillokSQLiteConnections

/// The sizes at which a store does its maintenance. They never affect correctness; tests make them tiny.
package struct Tuning: Sendable {
    /// The number of entries in the tail of the index at which they are moved to `entries`.
    package var tailEntries = 131_072
    /// The minimum number of entries that a group of appends moves when the tail is too long.
    package var settlingSlice = 512
    /// The sizes of the write-ahead log at which it is moved into the file.
    package var checkpoints = CheckpointSizes()
    /// The number of names, and of stream revisions, that a connection keeps in memory.
    package var cachedNames = 50_000
    /// The number of events whose keys are sorted together when a store is converted: 16 bytes of memory each.
    package var conversionBatch = 1_000_000
    /// The steps that the writer spends on a condition before it leaves it to a reader: half a millisecond.
    package var writerSteps = 2_000
    /// The steps that the writer spends on all conditions of a group before it leaves the others to readers.
    package var groupSteps = 100_000
    /// The number of threads that read.
    package var readers = 3

    /// Whether a commit waits for the disk. `false` breaks the durability of the store. It is only for the negative
    /// control of the power-cut tests.
    package var syncsCommits = true

    package init() {}

    /// The same with every value that a store cannot work with replaced by the nearest one that it can.
    package var supported: Tuning {
        var tuning = self
        let counts: [WritableKeyPath<Tuning, Int>] = [
            \.tailEntries, \.settlingSlice, \.cachedNames, \.conversionBatch, \.writerSteps, \.groupSteps,
        ]
        for path in counts { tuning[keyPath: path] = min(max(1, self[keyPath: path]), 1 << 30) }
        tuning.checkpoints = checkpoints.supported
        // Each has a thread.
        tuning.readers = min(max(1, readers), 64)
        return tuning
    }

    /// Everything happens all the time.
    package static let tiny: Tuning = {
        var tuning = Tuning()
        tuning.tailEntries = 15
        tuning.settlingSlice = 7
        tuning.checkpoints = .tiny
        tuning.cachedNames = 4
        tuning.conversionBatch = 7
        tuning.writerSteps = 12
        tuning.readers = 1
        return tuning
    }()
}
