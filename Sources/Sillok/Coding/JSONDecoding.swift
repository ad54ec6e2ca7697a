/// The reading of one JSON text through Codable.
///
/// A container is a place in the reader's index. An object remembers in its node which key follows the one that was
/// asked for last: synthesized code asks in the order in which it wrote, so the first comparison is nearly always right.
final class JSONDecoding {
    var reader: JSONReader
    var path: [any CodingKey] = []

    init(_ reader: JSONReader) { self.reader = reader }

    /// The node of a key's value, or `nil`.
    func value(of key: any CodingKey, in object: Int) -> Int? {
        var name = key.stringValue
        return name.withUTF8 { name in
            let end = reader.nodes[object].next
            let expected = reader.nodes[object].extra
            if expected < end, reader.isKey(Int(expected), name) { return advance(object, past: Int(expected)) }
            var candidate = UInt32(truncatingIfNeeded: object + 1)
            while candidate < end {
                if candidate != expected, reader.isKey(Int(candidate), name) {
                    return advance(object, past: Int(candidate))
                }
                candidate = reader.nodes[Int(candidate) + 1].next
            }
            return nil
        }
    }

    private func advance(_ object: Int, past key: Int) -> Int {
        reader.nodes[object].extra = reader.nodes[key + 1].next
        return key + 1
    }

    /// Reads a value of any type at a node.
    func decode<Value: Decodable>(_ type: Value.Type, at node: Int) throws -> Value {
        if isScalar(type), let scalar = type as? any JSONScalar.Type {
            if let value = try decode(scalar: scalar, at: node) as? Value { return value }
        }
        return try Value(from: JSONValueDecoder(decoding: self, node: node))
    }

    /// Reads a scalar at a node.
    @inline(__always)
    func decode<Scalar: JSONScalar>(scalar type: Scalar.Type, at node: Int) throws -> Scalar {
        guard let value = type.read(node, of: reader) else { throw mismatch(type, at: node) }
        return value
    }

    /// Runs `body` with one more key in the path.
    @inline(__always)
    func within<Result>(_ key: any CodingKey, _ body: () throws -> Result) rethrows -> Result {
        path.append(key)
        defer { path.removeLast() }
        return try body()
    }

    func mismatch(_ type: any Any.Type, at node: Int) -> DecodingError {
        let context = context("expected \(type), found \(summary(of: node))")
        return reader.nodes[node].kind == .null ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }

    func context(_ message: String) -> DecodingError.Context {
        DecodingError.Context(codingPath: path, debugDescription: message)
    }

    private func summary(of node: Int) -> String {
        switch reader.nodes[node].kind {
        case .object: "an object"
        case .array: "an array"
        default: String(decoding: reader.raw(node).prefix(80), as: UTF8.self)
        }
    }
}

extension JSONReader {
    /// Whether a key node has this name, byte for byte.
    @inline(__always)
    fileprivate func isKey(_ node: Int, _ name: UnsafeBufferPointer<UInt8>) -> Bool {
        let key = nodes[node]
        let range = Int(key.start)..<Int(key.end)
        if key.kind == .escapedString { return Self.unescaped(bytes[range]).elementsEqual(name) }
        if range.count != name.count { return false }
        for offset in 0..<name.count where bytes[range.lowerBound + offset] != name[offset] { return false }
        return true
    }
}
