import Sillok

@testable import git_history

extension ScratchRepository {
    /// Adds every kind of change: roots, merges of two and of three, an evil merge, renames, copies, modes, links. Also
    /// a submodule, names of all kinds, empty commits, a file that becomes a folder and back, an odd author.
    func addEveryKindOfChange() throws {
        let long = (0..<40).map { "line \($0)" }.joined(separator: "\n")
        let root = commit([
            put(long, at: "long.txt"), put("b", at: "dir/b"), put("c", at: "dir.c"), put("d", at: "dir-d"),
        ])
        let renamed = commit(["R long.txt moved/long.txt"], parents: [root])
        let changed = commit([put(long + "\nmore", at: "moved/again.txt"), "D moved/long.txt"], parents: [renamed])
        let modes = commit(
            [put("#!/bin/sh", at: "run", mode: "100755"), put("run", at: "link", mode: "120000")], parents: [changed])
        let kinds = commit(
            [
                put("run", at: "run", mode: "120000"), put("plain", at: "link"),
                "M 160000 \(String(repeating: "5", count: 40)) module",
            ], parents: [modes])
        let names = commit(
            [
                put("1", at: #""tab\there""#), put("2", at: #""new\nline""#), put("3", at: #""quote\"back\\slash""#),
                put("4", at: #""\377\376.bin""#), put("5", at: "caf\u{e9}"), put("6", at: "cafe\u{301}"),
                put("7", at: " space "),
                put("8", at: #""\302\205\001""#),
            ], parents: [kinds], author: "J\u{f6}rg \u{1F600} <> 1700000000 +0000", message: "Names\n\nof all kinds")
        let empty = commit(parents: [names], message: "")
        let folder = commit(["D run", put("x", at: "run/x"), "D module", put("y", at: "module/y")], parents: [empty])
        let file = commit(["D run", put("z", at: "run")], parents: [folder])
        let side = commit(on: "side", ["R dir/b dir/renamed", put("s", at: "side")], parents: [root])
        let other = commit(on: "other", [put("o", at: "other"), "D dir.c"], parents: [root])
        let merge = commit([put("s", at: "side"), "R dir/b dir/renamed"], parents: [file, side])
        let evil = commit([put("evil", at: "in-no-parent"), put("o", at: "other")], parents: [merge, other])
        reset("refs/heads/island")
        let island = commit(on: "island", [put("i", at: "island")])
        let octopus = commit([put("i", at: "island")], parents: [evil, island, side])
        commit(on: "side", ["deleteall"], parents: [side, octopus])
        commit(["D side", "C island island-copy"], parents: [octopus])
        reset("refs/tags/a/tag", to: evil)
        try write()
    }
}

/// A history of any shape, the same again for the same seed.
struct RandomHistory {
    let seed: UInt64
    private var state: UInt64
    private var commits: [(mark: Int, files: Set<String>)] = []

    init(seed: UInt64) { (self.seed, state) = (seed, seed &* 0x9E37_79B9_7F4A_7C15 | 1) }

    mutating func grow(_ scratch: ScratchRepository, by count: Int) {
        for _ in 0..<count {
            let branch = "branch\(next(3))"
            var parents: [Int] = []
            var files: Set<String> = []
            if !commits.isEmpty, next(8) > 0 {
                let first = commits[max(0, commits.count - 1 - next(6))]
                (parents, files) = ([first.mark], first.files)
                for _ in 0..<[0, 0, 1, 2][next(4)] {
                    let other = commits[next(commits.count)].mark
                    if !parents.contains(other) { parents.append(other) }
                }
            } else {
                scratch.reset("refs/heads/\(branch)")
            }
            let changes = (0..<next(6)).map { _ in change(&files) }
            commits.append((scratch.commit(on: branch, changes, parents: parents), files))
        }
    }

    private mutating func change(_ files: inout Set<String>) -> String {
        let old = files.sorted().dropFirst(next(max(1, files.count))).first
        let new = "d\(next(3))/\(["a", "a.b", "a-b", "\u{e9}"][next(4)])\(next(4))"
        switch (next(5), old) {
        case (0, let old?):
            files.remove(old)
            return "D \(old)"
        case (1, let old?) where old != new && !files.contains(new):
            files.remove(old)
            files.insert(new)
            return "R \(old) \(new)"
        default:
            files.insert(new)
            let text = (0..<20).map { "\(new) \($0 / 18 * next(3))" }.joined(separator: "\n")
            return put(text, at: new, mode: ["100644", "100755", "120000"][next(3)])
        }
    }

    private mutating func next(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(bound))
    }
}

/// A store that fails after some appends.
final class FailingStore: ForwardingEventStore {
    let base: any EventStore
    private let appends: Counter

    init(_ store: MemoryEventStore, appends: Int) { (base, self.appends) = (store, Counter(appends)) }

    func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        guard await appends.takeOne() else { throw .failed(StoreError(.full, "the disk is full.")) }
        return try await base.append(request)
    }

    private actor Counter {
        private var left: Int
        init(_ left: Int) { self.left = left }
        func takeOne() -> Bool {
            left -= 1
            return left >= 0
        }
    }
}
