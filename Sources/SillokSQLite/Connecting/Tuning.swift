/// The sizes at which a store does its house-keeping. Correctness never depends on them; tests make them tiny.
package struct Tuning: Sendable {
    /// Entries in the tail of the index from which on they are moved to `entries`.
    package var tailEntries = 131_072
    /// Entries that a group of appends moves at least, when there are too many.
    package var settlingSlice = 512
    /// Pages in the write-ahead log from which on it is moved into the file.
    package var checkpointPages = 8_000
    /// Pages from which on the log is cut to nothing when it has been moved, and short reads are held for it.
    package var manyPages = 64_000
    /// Names, and revisions of streams, that a connection keeps in memory.
    package var cachedNames = 50_000
    /// Events whose keys are sorted together when a store is converted: 16 bytes of memory each.
    package var conversionBatch = 1_000_000
    /// Steps that the writer spends on a condition before it leaves it to a reader: half a millisecond.
    package var writerSteps = 2_000
    /// Steps that the writer spends on all conditions of a group before it leaves the others to readers.
    package var groupSteps = 100_000
    /// Threads that read.
    package var readers = 3

    /// Whether a commit waits for the disk. `false` breaks the promise of the store: it is the negative control of the
    /// power cuts, and nothing else may set it.
    package var syncsCommits = true

    package init() {}

    /// The same with every value that a store cannot work with replaced by the nearest one that it can.
    package var supported: Tuning {
        var tuning = self
        let counts: [WritableKeyPath<Tuning, Int>] = [
            \.tailEntries, \.settlingSlice, \.checkpointPages, \.manyPages, \.cachedNames, \.conversionBatch,
            \.writerSteps, \.groupSteps,
        ]
        for path in counts { tuning[keyPath: path] = min(max(1, self[keyPath: path]), 1 << 30) }
        // Each has a thread.
        tuning.readers = min(max(1, readers), 64)
        return tuning
    }

    /// Everything happens all the time.
    package static let tiny: Tuning = {
        var tuning = Tuning()
        tuning.tailEntries = 15
        tuning.settlingSlice = 7
        tuning.checkpointPages = 20
        tuning.manyPages = 40
        tuning.cachedNames = 4
        tuning.conversionBatch = 7
        tuning.writerSteps = 12
        tuning.readers = 1
        return tuning
    }()
}
