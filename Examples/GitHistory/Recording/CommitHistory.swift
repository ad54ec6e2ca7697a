import Sillok

/// One commit as a stream `commit-<id>`: that it was made, then what it changed relative to its first parent.
///
/// Author, time and parents are metadata of its events: the decisions do not need them. A commit of more changes than
/// one append takes comes in parts, each of them a command; a part that is recorded already changes nothing, so an
/// import may be killed and run again at any moment.
struct CommitHistory: Decider {
    enum Command: Sendable {
        /// Records a commit and the first of its changes; `count` says how many it has in all.
        case record(subject: String, count: Int, changes: [FileChange])
        /// Records further changes, from number `index` on, counted from 0.
        case add(changes: [FileChange], index: Int)
    }

    enum Event: Codable, Equatable, Sendable {
        case commitRecorded(subject: String, changes: Int)
        case fileAdded(path: GitPath, mode: String, blob: String)
        case fileModified(path: GitPath, mode: String, blob: String)
        case fileDeleted(path: GitPath)
        case fileRenamed(from: GitPath, path: GitPath, mode: String, blob: String)
    }

    enum Refusal: Error, Equatable {
        /// The commit itself is not recorded yet.
        case notRecorded
        /// Changes before these are missing; `next` is the number of the first one.
        case gap(next: Int)
        /// More changes than the commit has.
        case tooMany(count: Int)
    }

    /// How many changes the commit has; `nil` until it is recorded.
    private(set) var count: Int?
    /// How many of them are recorded.
    private(set) var recorded = 0

    /// Whether all changes are there.
    var isComplete: Bool { count == recorded }

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .record(let subject, let count, let changes):
            if self.count != nil { return [] }
            guard changes.count <= count else { throw .tooMany(count: count) }
            return [.commitRecorded(subject: subject, changes: count)] + changes.map(\.event)
        case .add(let changes, let index):
            guard let count else { throw .notRecorded }
            if index < recorded { return [] }
            guard index == recorded else { throw .gap(next: recorded) }
            guard changes.count <= count - recorded else { throw .tooMany(count: count) }
            return changes.map(\.event)
        }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .commitRecorded(_, let changes): count = changes
        case .fileAdded, .fileModified, .fileDeleted, .fileRenamed: recorded += 1
        }
    }
}

/// What a commit did to one file, as git reports it.
enum FileChange: Equatable, Sendable {
    case added(GitPath, FileContent)
    case modified(GitPath, FileContent)
    case deleted(GitPath)
    case renamed(from: GitPath, to: GitPath, FileContent)

    var event: CommitHistory.Event {
        switch self {
        case .added(let path, let content): .fileAdded(path: path, mode: content.mode, blob: content.blob)
        case .modified(let path, let content): .fileModified(path: path, mode: content.mode, blob: content.blob)
        case .deleted(let path): .fileDeleted(path: path)
        case .renamed(let from, let path, let content):
            .fileRenamed(from: from, path: path, mode: content.mode, blob: content.blob)
        }
    }

    /// About how many bytes its event takes.
    var size: Int {
        switch self {
        case .added(let path, _), .modified(let path, _), .deleted(let path): path.bytes.count
        case .renamed(let from, let path, _): from.bytes.count + path.bytes.count
        }
    }
}

/// What stands at a path: a mode such as `100644`, `120000` for a link, `160000` for a commit of a submodule, and the
/// id of the blob or the commit.
struct FileContent: Equatable, Codable, Sendable {
    var mode: String
    var blob: String
}

extension FileContent {
    /// The type that `git ls-tree` prints for it.
    var kind: String { mode == "160000" ? "commit" : "blob" }
}
