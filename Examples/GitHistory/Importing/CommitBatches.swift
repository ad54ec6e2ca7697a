import Sillok

/// Commands to carry out with one append, and how many commits end with them.
struct CommitBatch: Sendable {
    var parts: [(key: String, command: CommitHistory.Command, metadata: Metadata)] = []
    var events = 0
    var bytes = 0
    /// Whether it begins inside a commit, and so needs the batch before it to be recorded.
    var continues = false
    /// Commits whose last part is in this batch.
    var commits = 0
}

/// Puts commits together into batches, and takes a large commit apart.
struct CommitBatches {
    /// How large a batch may become; a store takes 1,000 events and 4 MiB in one append.
    var commits = 100
    var events = 1000
    var bytes = 2 << 20

    private var open = CommitBatch()

    init(commits: Int = 100, events: Int = 1000, bytes: Int = 2 << 20) {
        (self.commits, self.events, self.bytes) = (commits, events, bytes)
    }

    /// Takes in a commit and gives the batches that are full with it.
    mutating func add(_ commit: GitCommit) -> [CommitBatch] {
        let metadata = commit.metadata
        let overhead = metadata.size + 200
        var full: [CommitBatch] = []
        let whole = commit.changes.reduce(overhead + commit.subject.utf8.count) { $0 + $1.size + overhead }
        if !fits(events: commit.changes.count + 1, bytes: whole) { full += finish() }

        var start = 0
        repeat {
            let first = start == 0
            var size = first ? overhead + commit.subject.utf8.count : 0
            var end = start
            while end < commit.changes.count, end - start + (first ? 1 : 0) < events,
                end == start || size + commit.changes[end].size + overhead <= bytes
            {
                size += commit.changes[end].size + overhead
                end += 1
            }
            let changes = Array(commit.changes[start..<end])
            let command: CommitHistory.Command =
                first
                ? .record(subject: commit.subject, count: commit.changes.count, changes: changes)
                : .add(changes: changes, index: start)
            open.parts.append((commit.id, command, metadata))
            open.events += changes.count + (first ? 1 : 0)
            open.bytes += size
            start = end
            if start < commit.changes.count {
                full += finish()
                open.continues = true
            }
        } while start < commit.changes.count
        open.commits += 1
        if open.commits >= commits { full += finish() }
        return full
    }

    /// The batch that is not full yet, if there is anything in it.
    mutating func finish() -> [CommitBatch] {
        guard !open.parts.isEmpty else { return [] }
        defer { open = CommitBatch() }
        return [open]
    }

    private func fits(events: Int, bytes: Int) -> Bool {
        open.events + events <= self.events && open.bytes + bytes <= self.bytes
    }
}

extension GitCommit {
    /// Who made it, when, and from what.
    var metadata: Metadata {
        var metadata = Metadata(actor: author)
        metadata[MetadataKey.parents] = parents.joined(separator: " ")
        metadata[MetadataKey.authored] = time(authoredAt)
        metadata[MetadataKey.committed] = time(committedAt)
        return metadata
    }

    private func time(_ seconds: Int64?) -> String? {
        guard let (microseconds, overflow) = seconds?.multipliedReportingOverflow(by: 1_000_000), !overflow else {
            return nil
        }
        return Timestamp(microsecondsSince1970: microseconds).description
    }
}

/// The keys of a commit's metadata beside ``Metadata/actor``, who is the author.
enum MetadataKey {
    /// The ids of the parents in their order, a space between them.
    static let parents = "parents"
    /// When the author wrote it.
    static let authored = "authored"
    /// When it was committed.
    static let committed = "committed"
}

extension Metadata {
    /// About how many bytes it takes.
    fileprivate var size: Int { entries.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count + 4 } }
}
