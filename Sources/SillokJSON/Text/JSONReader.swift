/// One JSON text, checked as a whole and read on demand: no tree, no dictionary, values stay bytes until asked for.
///
/// Strict: exactly one value, UTF-8, no key twice in an object (which of two values counts would depend on the
/// reader), no half surrogates, at most 128 levels.
package struct JSONReader: Sendable {
    /// The whole text.
    package let bytes: [UInt8]

    let nodes: [JSONIndexer.Node]

    /// Whether no text in it has an escape or a character beyond ASCII.
    let isPlain: Bool

    /// Checks and indexes a text.
    package init(_ bytes: [UInt8]) throws(JSONSyntaxError) {
        self.bytes = bytes
        let indexer = try JSONIndexer(bytes)
        nodes = indexer.nodes
        isPlain = indexer.isPlain
    }

    /// The value of the text.
    package var root: Value { Value(reader: self, node: 0) }

    /// Whether the bytes are exactly one JSON value, with nothing but space around it.
    package static func isValue(_ bytes: some Collection<UInt8>) -> Bool {
        (try? JSONReader(Array(bytes))) != nil
    }

    /// What keeps the bytes from being a JSON value, or `nil`.
    package static func syntaxError(of bytes: [UInt8]) -> JSONSyntaxError? {
        do {
            _ = try JSONIndexer(bytes)
            return nil
        } catch {
            return error
        }
    }

    /// A value in a text.
    package struct Value: Sendable {
        let reader: JSONReader
        let node: Int

        /// The bytes of the value in the text, including quotes and inner space.
        package var raw: ArraySlice<UInt8> { reader.nodes[node].raw(in: reader.bytes) }

        /// Whether it is `null`.
        package var isNull: Bool { reader.nodes[node].kind == .null }

        /// The text of a string, or `nil`.
        package var string: String? { reader.nodes[node].string(in: reader.bytes) }

        /// An integer that fits, or `nil`.
        package func integer<Integer: FixedWidthInteger>(as type: Integer.Type = Integer.self) -> Integer? {
            reader.nodes[node].integer(in: reader.bytes)
        }

        /// An integer that fits, or `nil`. Not generic, so that other modules call specialized code.
        package func integer(as type: Int.Type = Int.self) -> Int? { reader.nodes[node].integer(in: reader.bytes) }

        /// An integer that fits, or `nil`. Not generic, so that other modules call specialized code.
        package func integer(as type: UInt64.Type = UInt64.self) -> UInt64? {
            reader.nodes[node].integer(in: reader.bytes)
        }

        /// The keys and values of an object in order, or `nil`.
        package var members: [(key: String, value: Value)]? {
            guard reader.nodes[node].kind == .object else { return nil }
            return reader.nodes.children(of: node).map { key in
                (reader.nodes[key].string(in: reader.bytes) ?? "", Value(reader: reader, node: key + 1))
            }
        }

        /// The values of an array in order, or `nil`.
        package var elements: [Value]? {
            guard reader.nodes[node].kind == .array else { return nil }
            return reader.nodes.children(of: node).map { Value(reader: reader, node: $0) }
        }
    }
}
