/// `HEAD`, a branch or a tag, and the commit that it points to.
struct GitReference: Equatable, Sendable {
    /// The full name, such as `refs/heads/main`: bytes, as a path is.
    var name: GitPath
    var commit: String
}

/// A repository on this machine, read through the `git` command.
struct GitRepository: Sendable {
    let path: String
    /// Whether merges are followed to their first parent alone: then a history is a line.
    var isLine = false

    private var line: [String] { isLine ? ["--first-parent"] : [] }

    /// `HEAD`, branches and tags, and the commits that they point to, in the order of git's names.
    ///
    /// A tag of something else than a commit is left out, and so is a name too long for a stream.
    func references() throws -> [GitReference] {
        // Both run at the same time.
        let head = try startHead()
        let format = "%(objectname) %(objecttype) %(*objectname) %(*objecttype) %(refname)"
        let lines = try git("for-each-ref", "--format=\(format)", "refs/heads", "refs/tags", "refs/remotes")
        var references: [GitReference] = []
        for line in lines.split(separator: UInt8(ascii: "\n")) {
            let words = line.split(separator: UInt8(ascii: " "), maxSplits: 4, omittingEmptySubsequences: false)
            guard words.count == 5 else { continue }
            let name = GitPath(bytes: words[4])
            let target = words[1].elementsEqual("commit".utf8) ? words[0] : words[2]
            let kind = words[1].elementsEqual("commit".utf8) ? words[1] : words[3]
            guard kind.elementsEqual("commit".utf8), name.text.utf8.count <= 500 else { continue }
            references.append(GitReference(name: name, commit: String(decoding: target, as: UTF8.self)))
        }
        if let commit = try Self.commit(from: head) {
            references.insert(GitReference(name: GitPath(text: "HEAD"), commit: commit), at: 0)
        }
        if isLine { references.removeAll { $0.name.text != "HEAD" } }
        return references
    }

    /// Starts `git log` over what is reachable from some commits and not from others, which need not exist here.
    func log(from commits: [String], excluding known: [String]) throws -> ChildProcess {
        try ChildProcess(["git", "-C", path] + GitLog.arguments + line, input: Self.revisions(commits, known))
    }

    /// How many commits ``log(from:excluding:)`` will tell.
    func count(from commits: [String], excluding known: [String]) throws -> Int? {
        let child = try ChildProcess(
            ["git", "-C", path, "rev-list", "--stdin", "--ignore-missing", "--count"] + line,
            input: Self.revisions(commits, known))
        let output = try child.readAll()
        return child.wait() == 0 ? Int(String(decoding: output.dropLast(), as: UTF8.self)) : nil
    }

    private func startHead() throws -> ChildProcess {
        try ChildProcess(["git", "-C", path, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"])
    }

    /// The commit that `HEAD` points to; `nil` in a repository without one.
    private static func commit(from head: ChildProcess) throws -> String? {
        let output = try head.readAll()
        return head.wait() == 0 ? String(decoding: output.dropLast(), as: UTF8.self) : nil
    }

    private func git(_ arguments: String...) throws -> [UInt8] {
        let child = try ChildProcess(["git", "-C", path] + arguments)
        let output = try child.readAll()
        try child.finish()
        return output
    }

    private static func revisions(_ commits: [String], _ known: [String]) -> String {
        (commits + known.map { "^\($0)" }).map { "\($0)\n" }.joined()
    }
}
