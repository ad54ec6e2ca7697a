import SillokChain
import SillokCore

/// A head with its signature, in the form to publish.
///
/// Its text is ASCII with a line feed after each line. The signature covers all lines before the empty line:
///
///     sillok head 1
///     store 01a20a88-5887-7000-acea-8ed5ce39550b
///     start 1
///     position 120000
///     link 5b0c…                                   64 hexadecimal digits
///     signed 2026-11-25T18:30:00.000000Z
///     mark 60000 99f3…                             none or more, in order
///
///     ed25519 PUBLIC-KEY SIGNATURE                 64 and 128 hexadecimal digits
public struct SignedHead: Hashable, Sendable {
    /// The head that was signed.
    public let head: LogHead

    /// The public key that the text names. It is not proof: check the signature with ``isSigned(by:)`` and a key that
    /// you trust.
    public let publicKey: VerifyingKey

    /// The 64 bytes of the signature.
    public let signature: [UInt8]

    /// Creates a head with a signature, which is not checked.
    public init(head: LogHead, publicKey: VerifyingKey, signature: [UInt8]) {
        self.head = head
        self.publicKey = publicKey
        self.signature = signature
    }

    /// Parses the text form. It must be byte for byte in the form of ``text``.
    public init(text: String) throws(UnreadableHead) {
        var reader = HeadReader(text: text)
        try reader.expect("sillok head 1")
        let store = try reader.value("store") { StoreID($0) }
        let start = try reader.position("start")
        let position = try reader.position("position")
        let link = try reader.value("link") { ChainDigest($0) }
        let signedAt = try reader.value("signed") { Timestamp($0) }
        var marks: [ChainLink] = []
        while let mark = try reader.mark() { marks.append(mark) }
        try reader.expect("")
        (publicKey, signature) = try reader.signature()
        let places = [start.previous] + marks.map(\.position) + [position]
        guard start > .start,
            zip(places, places.dropFirst()).allSatisfy({ $0 < $1 }) || (marks.isEmpty && position == start.previous)
        else { throw UnreadableHead(line: 3, "the positions are not in order") }
        head = LogHead(
            chain: Chain(of: store, from: start), link: ChainLink(position: position, digest: link),
            signedAt: signedAt, marks: marks)
        // One head has one text, so that nothing can be written into it that is not signed.
        guard self.text.utf8.elementsEqual(text.utf8) else {
            throw UnreadableHead(line: 1, "it is not in the exact form that Sillok writes")
        }
    }

    /// The text form.
    public var text: String {
        String(decoding: head.signedBytes, as: UTF8.self) + "\ned25519 \(publicKey) \(signature.hexadecimal)\n"
    }

    /// Returns whether the signature of the head is valid for this key.
    public func isSigned(by key: VerifyingKey) -> Bool {
        key == publicKey && key.isValid(signature, of: head.signedBytes)
    }
}

/// A text that is not a signed head.
public struct UnreadableHead: Error, Hashable, CustomStringConvertible {
    /// The line that could not be read, counted from 1.
    public let line: Int
    /// What is wrong with it.
    public let message: String

    init(line: Int, _ message: String) {
        self.line = line
        self.message = message
    }

    /// What is wrong and where, in a sentence.
    public var description: String { "this is not a signed head of a log: line \(line): \(message)" }
}

extension LogHead {
    /// The bytes that are signed.
    var signedBytes: [UInt8] {
        var text = """
            sillok head 1
            store \(chain.store)
            start \(chain.start)
            position \(link.position)
            link \(link.digest)
            signed \(signedAt)

            """
        for mark in marks { text += "mark \(mark.position) \(mark.digest)\n" }
        return Array(text.utf8)
    }
}

private struct HeadReader {
    private let lines: [Substring]
    private var index = 0

    init(text: String) { lines = text.split(separator: "\n", omittingEmptySubsequences: false) }

    mutating func expect(_ text: String) throws(UnreadableHead) {
        guard lines.indices.contains(index), lines[index].utf8.elementsEqual(text.utf8) else {
            throw failure(text.isEmpty ? "an empty line is expected" : "\"\(text)\" is expected")
        }
        index += 1
    }

    mutating func value<Value>(
        _ name: String, _ read: (String) -> Value?
    ) throws(UnreadableHead) -> Value {
        guard let words = words(name, count: 1), let value = read(words[0]) else {
            throw failure("\"\(name)\" and a value are expected")
        }
        index += 1
        return value
    }

    mutating func position(_ name: String) throws(UnreadableHead) -> Position {
        try value(name) { UInt64($0).map { Position($0) } }
    }

    mutating func mark() throws(UnreadableHead) -> ChainLink? {
        guard let words = words("mark", count: 2) else { return nil }
        guard let position = UInt64(words[0]), let digest = ChainDigest(words[1]) else {
            throw failure("a position and a link are expected")
        }
        index += 1
        return ChainLink(position: Position(position), digest: digest)
    }

    mutating func signature() throws(UnreadableHead) -> (VerifyingKey, [UInt8]) {
        guard let words = words("ed25519", count: 2), let key = VerifyingKey(words[0]),
            let signature = [UInt8](hexadecimal: words[1]), signature.count == 64
        else { throw failure("\"ed25519\", a public key and a signature are expected") }
        index += 1
        return (key, signature)
    }

    /// The words after the name of the current line, if it has this name and `count` words.
    private func words(_ name: String, count: Int) -> [String]? {
        guard lines.indices.contains(index) else { return nil }
        let words = lines[index].split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        return words.count == count + 1 && words[0] == name ? Array(words.dropFirst()) : nil
    }

    private func failure(_ message: String) -> UnreadableHead { UnreadableHead(line: index + 1, message) }
}
