import Sillok

/// The files of a repository at one commit: a fold of the log.
struct FileTree: Equatable, Sendable {
    let files: [GitPath: FileContent]

    init(files: [GitPath: FileContent]) { self.files = files }

    /// The lines of `git ls-tree -r --full-tree`, byte for byte.
    var listing: [UInt8] {
        var listing: [UInt8] = []
        for (path, content) in files.sorted(by: { $0.key.bytes.lexicographicallyPrecedes($1.key.bytes) }) {
            listing += "\(content.mode) \(content.kind) \(content.blob)\t".utf8
            listing += path.quoted
            listing.append(UInt8(ascii: "\n"))
        }
        return listing
    }

    /// Reads the log backwards from a commit along the first parents. The latest word on a path counts, so each event
    /// of those commits is looked at once and nothing is undone.
    init(of commit: String, in store: any EventStore) async throws {
        let start = CommitStream.id(of: commit)
        guard let facts = try await store.stream(start) else { throw HistoryError.unknownCommit(commit) }
        var fold = BackwardFold(commit: start)
        let request = ReadRequest(
            .category(CommitStream.category), before: .position(facts.lastPosition.next), direction: .backward)
        for try await page in store.pages(request) {
            for event in page.events where event.stream == fold.commit { try fold.apply(event) }
            if fold.commit == nil { break }
        }
        guard fold.commit == nil else { throw HistoryError.incomplete(commit) }
        files = fold.files
    }
}

/// The fold that ``FileTree`` is made with: what is known so far, and the commit whose events come next.
private struct BackwardFold {
    private(set) var files: [GitPath: FileContent] = [:]
    private(set) var commit: StreamID?
    private var settled: Set<GitPath> = []
    private var changes = 0
    private let coding = EventCoding<CommitHistory.Event>()

    init(commit: StreamID) { self.commit = commit }

    mutating func apply(_ event: RecordedEvent) throws {
        for fact in try coding.decode(event) { try apply(fact, event) }
    }

    private mutating func apply(_ fact: CommitHistory.Event, _ event: RecordedEvent) throws {
        switch fact {
        case .fileAdded(let path, let mode, let blob), .fileModified(let path, let mode, let blob):
            settle(path, FileContent(mode: mode, blob: blob))
        case .fileDeleted(let path): settle(path, nil)
        case .fileRenamed(let from, let path, let mode, let blob):
            settle(path, FileContent(mode: mode, blob: blob))
            settle(from, nil)
        case .commitRecorded(_, let count):
            guard changes == count else { throw HistoryError.incomplete(event.stream?.key ?? "") }
            commit = event.metadata[MetadataKey.parents]?.split(separator: " ").first.map {
                CommitStream.id(of: String($0))
            }
            changes = 0
            return
        }
        changes += 1
    }

    private mutating func settle(_ path: GitPath, _ content: FileContent?) {
        guard settled.insert(path).inserted else { return }
        files[path] = content
    }
}

/// Why a store does not have the answer.
enum HistoryError: Error, Equatable, CustomStringConvertible {
    case unknownCommit(String)
    case incomplete(String)
    case nothingBefore(String)
    case notALine(String)

    var description: String {
        switch self {
        case .unknownCommit(let name):
            "the store has no commit \(name): give a full id, HEAD, or a branch or tag that was imported."
        case .incomplete(let id):
            "commit \(id) is recorded only in part: run the import again, it continues where it ended."
        case .nothingBefore(let time): "nothing was committed before \(time)."
        case .notALine(let id):
            "commit \(id) does not follow the one before it: import with --first-parent to read the past by snapshots."
        }
    }
}
