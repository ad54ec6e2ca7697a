import Foundation
import SillokProjections
import SillokReadSide
import SillokSnapshots
import SillokSQLite
import SillokTesting
import Testing

@testable import git_history

/// The past of a line of commits. `SILLOK_GIT_REPOSITORY` names a repository to look back in; its HEAD is taken.
@Suite(.serialized) struct TreeLineTests {
    private static let large = ProcessInfo.processInfo.environment["SILLOK_GIT_REPOSITORY"]

    @Test func `trees as of commits and times are what git lists, through snapshots and without`() async throws {
        let scratch = try ScratchRepository()
        try scratch.addEveryKindOfChange()
        try scratch.write()
        try await lookBack(in: scratch.path, count: 20, every: 5)
        let line = try ScratchRepository()
        var last = line.commit([put("0", at: "d0/f0")])
        for number in 1..<60 {
            var changes = [put("\(number)", at: "d\(number % 3)/f\(number % 7)")]
            if number % 5 == 0 { changes.append("R d\(number % 3)/f\(number % 7) moved\(number % 2)/f\(number)") }
            if number % 11 == 0 { changes = ["D d\((number - 1) % 3)/f\((number - 1) % 7)"] }
            last = line.commit(changes, parents: [last])
        }
        try line.write()
        try await lookBack(in: line.path, count: 20, every: 7)
    }

    @Test(.enabled(if: TreeLineTests.large != nil)) func `fifty random commits and times of a large repository`()
        async throws
    {
        try await lookBack(in: try #require(Self.large), count: 50)
    }

    private func lookBack(in path: String, count: Int, every events: Int? = nil) async throws {
        let seed = Environment.seed
        var random = SeededGenerator(seed: seed)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("line-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let store = try SQLiteEventStore(path: folder.appendingPathComponent("history.sqlite").path)
        let repository = GitRepository(path: path, isLine: true)
        _ = try await Importer(repository: repository, store: store).run()
        try await TreeLine.checkLine(of: store)
        let commits = lines(try git(path, "rev-list", "--first-parent", "HEAD"))
        let times = lines(try git(path, "log", "--first-parent", "--format=%ct", "HEAD")).compactMap { Int64($0) }
        let newest = try #require(times.max())
        let oldest = try #require(times.min())
        let head = try await store.head()
        let interval = events ?? Int(head.value) / 40 + 1
        let told = Told()
        let snapshots = Snapshots(
            in: try SQLiteReadModel(), .every(interval).retaining(1000), onMeasurement: { told.hear($0) })
        for _ in 0..<count {
            let commit = try #require(commits.randomElement(using: &random))
            try await expectTree(of: commit, store, snapshots, path, "SILLOK_SEED=\(seed)")
            let time = Int64.random(in: oldest...newest + 1, using: &random)
            let text = Timestamp(microsecondsSince1970: time * 1_000_000).description
            let git = lines(try self.git(path, "rev-list", "-1", "--first-parent", "--before=\(time)", "HEAD")).first
            #expect(try await TreeLine.commit(at: text, from: commits[0], in: store) == git, "SILLOK_SEED=\(seed)")
        }
        await snapshots.flush()
        #expect(told.used > 0)
        #expect(try await snapshots.verify(TreeLine.self, in: store, sample: 5).findings.isEmpty)
        await store.close()
    }

    private func expectTree(
        of commit: String, _ store: any EventStore, _ snapshots: Snapshots, _ path: String, _ comment: Comment
    ) async throws {
        let expected = try git(path, "-c", "core.quotePath=true", "ls-tree", "-r", "--full-tree", commit)
        #expect(try await TreeLine.tree(of: commit, in: store, snapshots).listing == expected, comment)
        await snapshots.flush()
        #expect(try await TreeLine.tree(of: commit, in: store, nil).listing == expected, comment)
        #expect(try await FileTree(of: commit, in: store).listing == expected, comment)
    }

    private func git(_ path: String, _ arguments: String...) throws -> [UInt8] {
        let clean = ["env", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "git", "-C", path]
        let child = try ChildProcess(clean + arguments)
        let output = try child.readAll()
        try child.finish()
        return output
    }

    private func lines(_ bytes: [UInt8]) -> [String] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}

/// How often a snapshot was used.
private final class Told: Sendable {
    private let count = Lock(0)
    var used: Int { count.withLock { $0 } }
    func hear(_ measurement: SnapshotMeasurement) {
        if measurement.outcome == .used { count.withLock { $0 += 1 } }
    }
}
