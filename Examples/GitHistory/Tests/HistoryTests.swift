import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

@testable import git_history

@Suite(.serialized) struct HistoryTests {
    private struct HotFile: Decodable {
        let path: String
        let changes: Int
    }

    private struct Author: Decodable {
        let author: String
        let commits: Int
    }

    @Test func `the tree of every commit is what git lists`() async throws {
        let scratch = try ScratchRepository()
        try scratch.addEveryKindOfChange()
        let store = MemoryEventStore()
        let report = try await Importer(repository: scratch.repository, store: store).run()
        let commits = try scratch.commits()
        #expect(report.newCommits == commits.count)
        try await expectTrees(of: commits, in: store, like: scratch)
    }

    @Test(arguments: 0..<4) func `the tree of every commit of a random history is what git lists`(run: Int) async throws
    {
        var random = RandomHistory(seed: Environment.seed &+ UInt64(run))
        let scratch = try ScratchRepository()
        let store = MemoryEventStore()
        let sizes = CommitBatches(commits: 1 + run * 3, events: 3 + run * 2, bytes: 500 + run * 1000)
        let importer = Importer(repository: scratch.repository, store: store, sizes: sizes)
        for _ in 0..<3 {
            random.grow(scratch, by: 15)
            try scratch.write()
            _ = try await importer.run()
        }
        try await expectTrees(
            of: try scratch.commits(), in: store, like: scratch, "SILLOK_SEED=\(random.seed &- UInt64(run))")
    }

    @Test func `an import that failed continues where it ended`() async throws {
        let scratch = try ScratchRepository()
        try scratch.addEveryKindOfChange()
        let store = MemoryEventStore()
        let sizes = CommitBatches(commits: 2, events: 4)
        var failures = 0
        var budget = 0
        while true {
            let weak = FailingStore(store, appends: budget)
            do {
                _ = try await Importer(repository: scratch.repository, store: weak, sizes: sizes).run()
                break
            } catch let error as StoreError where error.code == .full {
                failures += 1
                budget = 1
            }
        }
        let whole = MemoryEventStore()
        _ = try await Importer(repository: scratch.repository, store: whole, sizes: sizes).run()
        #expect(failures > 5)
        #expect(try await store.head() == whole.head())
        try await expectTrees(of: try scratch.commits(), in: store, like: scratch)
    }

    @Test func `authors and hot files are what the log counts to, also after a mistake was mended`() async throws {
        let scratch = try ScratchRepository()
        try scratch.addEveryKindOfChange()
        let store = MemoryEventStore()
        _ = try await Importer(repository: scratch.repository, store: store).run()
        let counted = try await Statistics(of: store)
        let model = try SQLiteReadModel()
        try await Projector(Authors(), from: store, into: model).catchUp()
        let path = counted.changesByPath.max { $0.value < $1.value }?.key.text
        let mistaken = Projector(HotFiles(refused: path), from: store, into: model)
        try await mistaken.catchUp()
        #expect(try await !mistaken.readSide.deadLetters().isEmpty)
        let mended = Projector(HotFiles(), from: store, into: model)
        try await mended.readSide.retry("hot_files", by: Operator("Ada", because: "it is mended"))
        try await mended.catchUp()
        #expect(try await mended.readSide.deadLetters().isEmpty)
        var files: [String: Int] = [:]
        for file in try await model.rows("SELECT path, changes FROM hot_files", as: HotFile.self) {
            files[file.path, default: 0] += file.changes
        }
        #expect(files == Dictionary(counted.changesByPath.map { ($0.key.text, $0.value) }, uniquingKeysWith: +))
        let authors = try await model.rows("SELECT author, commits FROM authors", as: Author.self)
        #expect(authors.count == counted.commitsByAuthor.count)
        for author in authors { #expect(counted.commitsByAuthor[author.author] == author.commits) }
    }

    @Test func `importing again records nothing, and later only what is new`() async throws {
        let scratch = try ScratchRepository()
        let first = scratch.commit([put("a", at: "a")])
        try scratch.write()
        let store = MemoryEventStore()
        let importer = Importer(repository: scratch.repository, store: store)
        _ = try await importer.run()
        let head = try await store.head()
        #expect(try await importer.run().commits == 0)
        #expect(try await store.head() == head)
        scratch.commit([put("b", at: "b")], parents: [first])
        try scratch.write()
        let report = try await importer.run()
        #expect(report.commits == 1)
        #expect(report.newCommits == 1)
        #expect(report.newReferences == 2)
    }

    @Test func `branches, tags and HEAD name their commits`() async throws {
        let scratch = try ScratchRepository()
        let first = scratch.commit([put("a", at: "a")])
        scratch.commit([put("b", at: "b")], parents: [first])
        scratch.reset("refs/tags/v1", to: first)
        try scratch.write()
        let store = MemoryEventStore()
        _ = try await Importer(repository: scratch.repository, store: store).run()
        let commits = try scratch.commits()
        #expect(try await ReferenceStream.resolve("HEAD", in: store) == commits[0])
        #expect(try await ReferenceStream.resolve("main", in: store) == commits[0])
        #expect(try await ReferenceStream.resolve("v1", in: store) == commits[1])
        #expect(try await ReferenceStream.resolve(commits[1], in: store) == commits[1])
        await #expect(throws: HistoryError.unknownCommit("v2")) { try await ReferenceStream.resolve("v2", in: store) }
    }

    @Test func `a repository without commits is an import of nothing`() async throws {
        let scratch = try ScratchRepository()
        let store = MemoryEventStore()
        #expect(try await Importer(repository: scratch.repository, store: store).run().commits == 0)
        #expect(try await store.head() == .start)
    }

    @Test func `a batch is not appended when the one before it failed`() async throws {
        let store = MemoryEventStore()
        let full = StoreError(.full, "the disk is full.")
        let paced = PacedStore(base: store, times: PacedStore.Times()) { throw full }
        await #expect(throws: AppendError.self) { try await paced.append([EventData(type: "t", text: "{}")]) }
        #expect(try await store.head() == .start)
    }

    @Test func `parents are recorded before their children`() async throws {
        let scratch = try ScratchRepository()
        try scratch.addEveryKindOfChange()
        let store = MemoryEventStore()
        let sizes = CommitBatches(commits: 1, events: 3)
        _ = try await Importer(repository: scratch.repository, store: store, sizes: sizes).run()
        var seen: Set<String> = []
        for event in try await store.read(.types("commitRecorded")).events {
            let parents = event.metadata[MetadataKey.parents]?.split(separator: " ").map(String.init) ?? []
            #expect(seen.isSuperset(of: parents))
            seen.insert(event.stream?.key ?? "")
        }
        #expect(seen.count == (try scratch.commits().count))
    }

    @Test func `a commit that is recorded in part has no tree yet`() async throws {
        let store = MemoryEventStore()
        let commits = CommandHandler<CommitHistory>(CommitStream.category, in: store)
        try await commits.execute(.record(subject: "", count: 1, changes: []), on: "c1")
        await #expect(throws: HistoryError.incomplete("c1")) { try await FileTree(of: "c1", in: store) }
    }

    @Test func `author, time and parents are metadata of every event`() async throws {
        let scratch = try ScratchRepository()
        let first = scratch.commit([put("a", at: "a")])
        scratch.commit([put("b", at: "b")], parents: [first], author: "Bob <b@example.org> 1600000000 +0200")
        try scratch.write()
        let store = MemoryEventStore()
        _ = try await Importer(repository: scratch.repository, store: store).run()
        let commits = try scratch.commits()
        let events = try await store.read(.stream(CommitStream.id(of: commits[0]))).events
        #expect(events.map(\.type) == ["commitRecorded", "fileAdded"])
        for event in events {
            #expect(event.metadata.actor == "Bob <b@example.org>")
            #expect(event.metadata[MetadataKey.authored] == "2020-09-13T12:26:40.000000Z")
            #expect(event.metadata[MetadataKey.parents] == commits[1])
        }
    }

    private func expectTrees(
        of commits: [String], in store: any EventStore, like scratch: ScratchRepository, _ comment: String = ""
    ) async throws {
        #expect(!commits.isEmpty)
        for commit in commits {
            let listing = try await FileTree(of: commit, in: store).listing
            let expected = try scratch.listing(of: commit)
            #expect(
                listing == expected,
                """
                \(comment) \(commit)
                \(String(decoding: listing, as: UTF8.self))
                -- git --
                \(String(decoding: expected, as: UTF8.self))
                """)
        }
    }
}
