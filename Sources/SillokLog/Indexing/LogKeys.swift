import CSillok
import SillokCore
import SillokSegments
import SillokStorage

/// The functions that compute the keys of the index. They are hashes with the secret of the store.
///
/// Different names, and different ids, may share a key. So a key finds candidates, and the event decides. Unlike in a
/// store of rows, no table gives numbers to names.
struct LogKeys: Sendable {
    /// The kind of a name, which is part of its hash.
    enum Kind: UInt8 {
        case stream = 0
        case category = 1
        case type = 2
        case tag = 3
    }

    private let secret: LogIdentity.HashKey
    private let ids: IDKeys
    /// The bits of a hash that are used: all of them, except in tests.
    private let mask: UInt64
    private static let all: UInt64 = .max >> 1

    init(_ secret: LogIdentity.HashKey, hashBits: Int) {
        self.secret = secret
        ids = IDKeys(secret: IDKeys.Secret(low: secret.low, high: secret.high))
        mask = hashBits >= 63 ? Self.all : 1 << UInt64(hashBits) - 1
    }

    /// Returns the key of an event id: 0 or more. Keys of time-ordered ids rise with time.
    func key(_ id: EventID) -> Int64 {
        if mask == Self.all { return ids.key(id) }
        let hash = sillok_siphash(secret.low, secret.high, id.high, id.low)
        return IndexKey.firstUnordered | Int64(bitPattern: hash & mask)
    }

    /// Returns whether the key of an id rises with time.
    func isTimeOrdered(_ id: EventID) -> Bool { mask == Self.all && IndexKey.isTimeOrdered(id) }

    /// Returns the key of a name: below 0.
    func key(_ kind: Kind, _ text: UnsafeRawBufferPointer) -> Int64 {
        let hash = sillok_siphash_text(secret.low, secret.high, kind.rawValue, text.baseAddress, text.count)
        return -1 - Int64(bitPattern: hash & mask)
    }

    /// Returns the key of a name: below 0.
    func key(_ kind: Kind, _ text: String) -> Int64 {
        var text = text
        return text.withUTF8 { key(kind, UnsafeRawBufferPointer($0)) }
    }

    /// Returns the key of a stream.
    func key(_ stream: StreamID) -> Int64 { key(.stream, stream.text) }

    /// Appends the keys of the names of an event to a list, each once.
    func append(_ event: EventData, in stream: StreamID?, to keys: inout [Int64]) {
        let first = keys.count
        keys.append(key(.type, event.type.text))
        for tag in event.tags { Self.add(key(.tag, tag.text), to: &keys, from: first) }
        guard let stream else { return }
        var text = stream.text
        text.withUTF8 { appendStream(UnsafeRawBufferPointer($0), to: &keys, from: first) }
    }

    /// Appends every key of a recorded event to a list, each once.
    func append(_ record: RecordView, to keys: inout [Int64]) throws {
        let first = keys.count
        keys.append(key(try record.id))
        try record.forEachName { kind, text in
            switch kind {
            case .type: keys.append(key(.type, text))
            case .stream: appendStream(text, to: &keys, from: first)
            case .tag: Self.add(key(.tag, text), to: &keys, from: first)
            case .contentType, .trackingSource: break
            }
        }
    }

    /// Adds the keys of a stream and of its category, which is the part of the name before the first dash.
    private func appendStream(_ text: UnsafeRawBufferPointer, to keys: inout [Int64], from first: Int) {
        let dash = text.firstIndex(of: UInt8(ascii: "-")) ?? text.count
        Self.add(key(.stream, text), to: &keys, from: first)
        Self.add(key(.category, UnsafeRawBufferPointer(rebasing: text[..<dash])), to: &keys, from: first)
    }

    /// Adds a key unless the event has it already: by an equal tag, or because two names share it.
    private static func add(_ key: Int64, to keys: inout [Int64], from first: Int) {
        if !keys[first...].contains(key) { keys.append(key) }
    }
}
