import Sillok
import SillokSnapshots

/// The files along a history that is a line, folded forwards: a state that grows long, and so is kept as snapshots.
///
/// Its boundary is all commits, so the state as of the position of a commit's last event is the tree of that commit.
struct TreeLine: BoundaryDecider, SnapshottedDecider {
    enum Command: Sendable { case look }
    enum Refusal: Error {}

    static let foldVersion = 1
    /// A tree every 2,000 events, all over the history.
    static let policy = SnapshotPolicy.every(2000).retaining(1000)

    private(set) var files: [GitPath: FileContent] = [:]

    static func boundary(of command: Command) -> EventQuery { .category(CommitStream.category) }

    func decide(_ command: Command) throws(Refusal) -> [CommitHistory.Event] { [] }

    mutating func evolve(_ event: CommitHistory.Event) {
        switch event {
        case .commitRecorded: break
        case .fileAdded(let path, let mode, let blob), .fileModified(let path, let mode, let blob):
            files[path] = FileContent(mode: mode, blob: blob)
        case .fileDeleted(let path): files[path] = nil
        case .fileRenamed(let from, let path, let mode, let blob):
            files[from] = nil
            files[path] = FileContent(mode: mode, blob: blob)
        }
    }

    /// The tree of a commit, folded from the nearest one that is kept.
    static func tree(of commit: String, in store: any EventStore, _ snapshots: Snapshots?) async throws -> FileTree {
        guard let facts = try await store.stream(CommitStream.id(of: commit)) else {
            throw HistoryError.unknownCommit(commit)
        }
        let options = snapshots.map { CommandHandler<TreeLine>.Options(snapshots: $0) } ?? .init()
        let handler = CommandHandler<TreeLine>(in: store, options: options)
        return FileTree(files: try await handler.state(for: .look, at: .position(facts.lastPosition)).files)
    }

    /// The last commit that was committed at or before a time, back from a commit along the first parents.
    static func commit(at time: String, from commit: String, in store: any EventStore) async throws -> String {
        guard let limit = Timestamp(time), let facts = try await store.stream(CommitStream.id(of: commit)) else {
            throw Timestamp(time) == nil ? HistoryError.nothingBefore(time) : HistoryError.unknownCommit(commit)
        }
        var wanted: StreamID? = facts.id
        let query = EventQuery([.init(category: CommitStream.category, types: ["commitRecorded"])])
        let request = ReadRequest(query, before: .position(facts.lastPosition.next), direction: .backward)
        for try await page in store.pages(request) {
            for event in page.events where event.stream == wanted {
                let committed = event.metadata[MetadataKey.committed].flatMap { Timestamp($0) }
                if let committed, committed <= limit { return event.stream?.key ?? commit }
                wanted = event.metadata[MetadataKey.parents]?.split(separator: " ").first.map {
                    CommitStream.id(of: String($0))
                }
            }
        }
        throw HistoryError.nothingBefore(time)
    }

    /// Throws unless each commit of a store is the first child of the one before it.
    static func checkLine(of store: any EventStore) async throws {
        var last: String?
        for try await page in store.pages(
            EventQuery([.init(category: CommitStream.category, types: ["commitRecorded"])]))
        {
            for event in page.events {
                let parent = event.metadata[MetadataKey.parents]?.split(separator: " ").first.map(String.init)
                guard parent == last else { throw HistoryError.notALine(event.stream?.key ?? "") }
                last = event.stream?.key
            }
        }
    }
}
