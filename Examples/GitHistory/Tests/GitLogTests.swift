import Testing

@testable import git_history

@Suite struct GitLogTests {
    /// A log of two commits, as git prints it with `-z`.
    private static let bytes: [UInt8] = {
        let first = String(repeating: "a", count: 40)
        let second = String(repeating: "b", count: 40)
        let zero = String(repeating: "0", count: 40)
        let fields = [
            first, "", "Ada <a@x>", "1700000000", "1700000001", "Begin",
            "\n:000000 100644 \(zero) \(first) A", "a.txt", ":000000 120000 \(zero) \(second) A", "link",
            second, first, "Bob <b@x>", "not a number", "", "Continue",
            "\n:100644 100755 \(first) \(first) R100", "a.txt", "b.txt", ":120000 000000 \(second) \(zero) D", "link",
        ]
        return fields.flatMap { Array($0.utf8) + [0] }
    }()

    @Test(arguments: [1, 2, 3, 7, 64, 4096])
    func `commits are read from pieces of any size`(size: Int) throws {
        var log = GitLog(TokenReader(capacity: 128, read: Pieces(Self.bytes, size: size).read))
        let first = try #require(try log.next())
        #expect(first.parents.isEmpty)
        #expect(first.author == "Ada <a@x>")
        #expect(first.authoredAt == 1_700_000_000)
        #expect(first.committedAt == 1_700_000_001)
        #expect(first.changes.count == 2)
        let second = try #require(try log.next())
        #expect(second.parents == [first.id])
        #expect(second.authoredAt == nil)
        #expect(
            second.changes == [
                .renamed(
                    from: GitPath(text: "a.txt"), to: GitPath(text: "b.txt"),
                    FileContent(mode: "100755", blob: first.id)),
                .deleted(GitPath(text: "link")),
            ])
        #expect(try log.next() == nil)
    }

    @Test func `a log that breaks off is an error`() {
        for length in [1, 39, 45, 60, 130] {
            var log = GitLog(TokenReader(read: Pieces(Array(Self.bytes.prefix(length)), size: 64).read))
            #expect(throws: TokenError.endsInside) { while try log.next() != nil {} }
        }
    }

    @Test func `a token larger than the buffer is an error`() {
        var tokens = TokenReader(capacity: 16, read: Pieces(Self.bytes, size: 64).read)
        var error: TokenError?
        do { _ = try tokens.next { $0.count } } catch let failure { error = failure as? TokenError }
        #expect(error == .tooLong)
    }
}

/// Bytes that come in pieces of at most a size.
private final class Pieces {
    private var rest: ArraySlice<UInt8>
    private let size: Int

    init(_ bytes: [UInt8], size: Int) { (rest, self.size) = (bytes[...], size) }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(size, buffer.count, rest.count)
        buffer.copyBytes(from: rest.prefix(count))
        rest = rest.dropFirst(count)
        return count
    }
}
