/// The reading of one JSON text through Codable.
///
/// A container is a place in the reader's index. An object remembers in its node which key follows the one that was
/// asked for last: synthesized code asks in the order in which it wrote, so the first comparison is nearly always
/// right.
final class JSONDecoding {
    let bytes: [UInt8]
    private(set) var nodes: [JSONIndexer.Node]
    private(set) var path: [any CodingKey] = []
    private let isPlain: Bool

    init(_ reader: JSONReader) {
        bytes = reader.bytes
        nodes = reader.nodes
        isPlain = reader.isPlain
    }

    /// Refuses an object with two names that are one to Swift, such as é as one character and as two: of a dictionary
    /// one of the values would be lost.
    func refuseNamesOfOneMeaning(in object: Int) throws {
        if isPlain { return }
        var seen: Set<String> = []
        for child in nodes.children(of: object) {
            guard let name = nodes[child].string(in: bytes), !seen.insert(name).inserted else { continue }
            let description =
                "an object in the JSON has the key \"\(name)\" twice, in two Unicode forms that Swift compares as equal"
            throw DecodingError.dataCorrupted(.init(codingPath: path, debugDescription: description))
        }
    }

    /// The index of a key's value, or `nil`.
    func value(of key: String, in object: Int) -> Int? {
        var key = key
        return key.withUTF8 { name in
            let end = nodes[object].next
            let expected = nodes[object].extra
            if expected < end, nodes[Int(expected)].isKey(name, in: bytes) { return advance(object, past: expected) }
            var candidate = UInt32(truncatingIfNeeded: object + 1)
            while candidate < end {
                if nodes[Int(candidate)].isKey(name, in: bytes) { return advance(object, past: candidate) }
                candidate = nodes[Int(candidate) + 1].next
            }
            return nil
        }
    }

    @inline(__always)
    private func advance(_ object: Int, past key: UInt32) -> Int {
        nodes[object].extra = nodes[Int(key) + 1].next
        return Int(key) + 1
    }

    /// Reads a value of any type.
    func decode<Value: Decodable>(_ type: Value.Type, at node: Int) throws -> Value {
        if isScalar(type), let scalar = type as? any JSONScalar.Type,
            let value = try decode(scalar: scalar, at: node) as? Value
        {
            return value
        }
        return try Value(from: JSONValueDecoder(decoding: self, node: node))
    }

    /// Reads a scalar.
    func decode<Scalar: JSONScalar>(scalar type: Scalar.Type, at node: Int) throws -> Scalar {
        guard let value = type.read(nodes[node], in: bytes) else { throw mismatch(type, at: node) }
        return value
    }

    /// Runs `body` with one more key in the path.
    @inline(__always)
    func within<Result>(_ key: any CodingKey, _ body: () throws -> Result) rethrows -> Result {
        path.append(key)
        defer { path.removeLast() }
        return try body()
    }

    func mismatch(_ type: any Any.Type, at node: Int, under key: (any CodingKey)? = nil) -> DecodingError {
        let found =
            switch nodes[node].kind {
            case .object: "an object"
            case .array: "an array"
            default: String(decoding: nodes[node].raw(in: bytes).prefix(80), as: UTF8.self)
            }
        let context = DecodingError.Context(
            codingPath: path + (key.map { [$0] } ?? []), debugDescription: "expected \(type), found \(found)")
        return nodes[node].kind == .null ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }

    func missing(_ key: any CodingKey) -> DecodingError {
        let context = DecodingError.Context(
            codingPath: path, debugDescription: "there is no key \"\(key.stringValue)\"")
        return .keyNotFound(key, context)
    }
}
