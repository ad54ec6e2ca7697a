/// A commit as `git log` prints it: relative to its first parent.
struct GitCommit: Equatable, Sendable {
    var id: String
    var parents: [String]
    /// Name and address, as one text.
    var author: String
    /// Seconds since 1970 at which it was written; `nil` when git has no number there.
    var authoredAt: Int64?
    /// Seconds since 1970 at which it was committed; `nil` when git has no number there.
    var committedAt: Int64?
    /// The first paragraph of the message on one line, cut at 1,000 bytes.
    var subject: String
    var changes: [FileChange] = []
}

/// Reads commits from the bytes of `git log`, one at a time.
struct GitLog: ~Copyable {
    /// What makes git print what this reads: parents before children, each commit against its first parent, renames
    /// found, full ids, under any configuration of the user. Revisions are read from standard input.
    static let arguments = [
        "log", "--stdin", "--ignore-missing", "--reverse", "--topo-order", "--raw", "-z", "-M", "--root",
        "--diff-merges=first-parent", "--no-abbrev", "--no-relative", "--ignore-submodules=none", "--no-notes",
        "--no-mailmap", "--no-show-signature", "--no-color", "--no-ext-diff", "--encoding=UTF-8",
        "--format=%H%x00%P%x00%an <%ae>%x00%at%x00%ct%x00%s",
    ]

    private var tokens: TokenReader
    private var nextID: String?
    private var isStarted = false

    init(_ tokens: consuming TokenReader) { self.tokens = tokens }

    /// The next commit with all of its changes, or `nil` at the end.
    mutating func next() throws -> GitCommit? {
        if !isStarted {
            isStarted = true
            nextID = try tokens.next { Self.text($0) }
        }
        guard let id = nextID else { return nil }
        nextID = nil
        var commit = GitCommit(
            id: id, parents: try field { Self.text($0).split(separator: " ").map(String.init) },
            author: try field { Self.text($0.prefix(500)) }, authoredAt: try field { Int64(Self.text($0)) },
            committedAt: try field { Int64(Self.text($0)) },
            subject: try field { Self.text($0.prefix(1000)) })
        while let token = try tokens.next({ Token($0) }) {
            switch token {
            case .commit(let id):
                nextID = id
                return commit
            case .change(let status, let content): commit.changes += try change(status, content)
            case .unknown(let text): throw GitLogError.unexpected(text)
            }
        }
        return commit
    }

    private mutating func field<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        guard let result = try tokens.next(body) else { throw TokenError.endsInside }
        return result
    }

    private mutating func change(_ status: UInt8, _ content: FileContent) throws -> [FileChange] {
        let path = try field { GitPath(bytes: $0) }
        switch status {
        case UInt8(ascii: "A"): return [.added(path, content)]
        case UInt8(ascii: "M"), UInt8(ascii: "T"): return [.modified(path, content)]
        case UInt8(ascii: "D"): return [.deleted(path)]
        case UInt8(ascii: "R"): return [.renamed(from: path, to: try field { GitPath(bytes: $0) }, content)]
        case UInt8(ascii: "C"): return [.added(try field { GitPath(bytes: $0) }, content)]
        default: throw GitLogError.unexpected("status \(status)")
        }
    }

    private static func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    /// `:100644 100755 <old id> <new id> M`, or the id of the next commit.
    private enum Token {
        case commit(String)
        case change(status: UInt8, FileContent)
        case unknown(String)

        init(_ bytes: UnsafeRawBufferPointer) {
            var bytes = bytes[...]
            if bytes.first == UInt8(ascii: "\n") { bytes = bytes.dropFirst() }
            if bytes.first == UInt8(ascii: ":") {
                let words = bytes.split(separator: UInt8(ascii: " "))
                if words.count == 5, let status = words[4].first {
                    self = .change(status: status, FileContent(mode: text(words[1]), blob: text(words[3])))
                    return
                }
            } else if bytes.count == 40 || bytes.count == 64 {
                self = .commit(text(bytes))
                return
            }
            self = .unknown(text(bytes))
        }
    }
}

/// git printed what it is not known to print.
enum GitLogError: Error, Equatable { case unexpected(String) }
