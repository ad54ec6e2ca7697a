import Foundation

@testable import git_history

/// A git repository in a temporary directory, made with `git fast-import` and gone with this object.
final class ScratchRepository {
    let path: String
    private var script = ""
    private var marks = 0

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("history-\(UUID().uuidString)").path
        try git("init", "--quiet", "--bare", "--initial-branch=main", path, inside: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var repository: GitRepository { GitRepository(path: path) }

    /// Adds a commit and gives its mark. `changes` are the lines of fast-import's language.
    @discardableResult
    func commit(
        on branch: String = "main", _ changes: [String] = [], parents: [Int] = [],
        author: String = "Ada <ada@example.org> 1700000000 +0000", message: String = "A change"
    ) -> Int {
        marks += 1
        let mark = marks
        var lines = ["commit refs/heads/\(branch)", "mark :\(mark)", "author \(author)"]
        lines += ["committer Grace <grace@example.org> \(1_700_000_000 + mark) +0100"]
        lines += ["data \(message.utf8.count)", message]
        if let first = parents.first { lines.append("from :\(first)") }
        lines += parents.dropFirst().map { "merge :\($0)" }
        lines += changes
        script += lines.joined(separator: "\n") + "\n\n"
        return mark
    }

    /// Makes a branch or a tag, or a root for the next commit on a branch.
    func reset(_ reference: String, to mark: Int? = nil) {
        script += "reset \(reference)\n" + (mark.map { "from :\($0)\n\n" } ?? "")
    }

    /// Writes what was added since the last time.
    func write() throws {
        // Marks live in a file, so that a later script can build on earlier commits.
        let marks = "--export-marks=\(path)/marks"
        try git("fast-import", "--quiet", "--force", "--import-marks-if-exists=\(path)/marks", marks, input: script)
        script = ""
    }

    /// All commits, and for each what `git ls-tree` prints.
    func commits() throws -> [String] {
        let list = try git("rev-list", "--all")
        return String(decoding: list, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    func listing(of commit: String) throws -> [UInt8] {
        try git("-c", "core.quotePath=true", "ls-tree", "-r", "--full-tree", commit)
    }

    @discardableResult
    func git(_ arguments: String..., input: String = "", inside: Bool = true) throws -> [UInt8] {
        let clean = ["env", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "git"]
        let child = try ChildProcess(clean + (inside ? ["-C", path] : []) + arguments, input: input)
        let output = try child.readAll()
        try child.finish()
        return output
    }
}

/// A line that puts a text at a path.
func put(_ text: String, at path: String, mode: String = "100644") -> String {
    "M \(mode) inline \(path)\ndata \(text.utf8.count)\n\(text)"
}
