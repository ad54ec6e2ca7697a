import CSillok
import SillokCore

/// What an id of a record follows from: the input, and what was done with it.
package enum InputID: Hashable, Sendable {
    /// An event of the source.
    case event(EventID)
    /// The end of a request or an effect.
    case result(EventID)
    /// An effect whose outcome is unknown.
    case unknown(EventID)
    /// The first call of an effect.
    case start(EventID)
    /// A deadline.
    case deadline(EventID)
    /// An event that parks the instance, at a revision.
    case parking(EventID, Revision)
    /// The command that a request means. Its id is the id of its first event, so it differs from that of the step.
    case command(EventID)
    /// An act of an operator.
    case act(EventID)
}

/// The first 128 bits of SHA-256 over the process, the instance, its generation, the input and the number of the step.
///
/// So every runner derives the same ids from the same input, and the log refuses or answers a second record of it. Ids
/// that count up would collide, because the events of a command have consecutive ids.
package struct DerivedID: Sendable {
    package let process: String
    package let key: String

    package init(process: String, key: String) {
        self.process = process
        self.key = key
    }

    /// Returns the id of the record with this index that follows from an input.
    package func id(generation: Int, _ input: InputID, _ index: Int) -> EventID {
        var bytes: [UInt8] = []
        func append(_ word: UInt64) { withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) } }
        for text in [process, key] {
            append(UInt64(text.utf8.count))
            bytes.append(contentsOf: text.utf8)
        }
        append(UInt64(bitPattern: Int64(generation)))
        let (kind, id, number) = input.parts
        for word in [kind, id.high, id.low, number, UInt64(bitPattern: Int64(index))] { append(word) }
        let digest = sha256(of: bytes)
        func word(_ bytes: Range<Int>) -> UInt64 { digest[bytes].reduce(0) { $0 << 8 | UInt64($1) } }
        return EventID(high: word(0..<8), low: word(8..<16))
    }
}

extension InputID {
    fileprivate var parts: (kind: UInt64, id: EventID, number: UInt64) {
        switch self {
        case .event(let id): (1, id, 0)
        case .result(let id): (2, id, 0)
        case .unknown(let id): (3, id, 0)
        case .start(let id): (4, id, 0)
        case .deadline(let id): (5, id, 0)
        case .parking(let id, let revision): (6, id, revision.value)
        case .act(let id): (7, id, 0)
        case .command(let id): (8, id, 0)
        }
    }
}

/// Returns the 32 bytes of SHA-256.
func sha256(of bytes: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 32) { digest, count in
        sillok_sha256(bytes, bytes.count, digest.baseAddress)
        count = 32
    }
}
