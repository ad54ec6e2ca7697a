package import SillokCore

/// A key and a value of an event's metadata. The protocols of Sillok and of UmaDB have the same message. A value is
/// only valid as long as the bytes that it was read from.
package struct MetadataEntry: ProtobufMessage {
    package static var unread: MetadataEntry { MetadataEntry() }

    fileprivate var key = Text()
    fileprivate var value = Text()

    package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, "key", &key)
        try coder.field(2, "value", &value)
    }

    /// Writes an entry.
    package static func write(_ field: UInt32, _ writer: inout ProtobufWriter, _ key: String, _ value: String) {
        var (key, value) = (key, value)
        key.withUTF8 { key in
            value.withUTF8 { write(field, &writer, UnsafeRawBufferPointer(key), UnsafeRawBufferPointer($0)) }
        }
    }

    /// Writes an entry.
    static func write(
        _ field: UInt32, _ writer: inout ProtobufWriter, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
    ) {
        writer.write(field, MetadataEntry(key: Text(bytes: key), value: Text(bytes: value)))
    }

    /// A text in memory that something else keeps.
    fileprivate struct Text: ProtobufValue {
        static let declaration = "string"
        static var unread: Text { Text() }

        var bytes = UnsafeRawBufferPointer(start: nil, count: 0)

        mutating func read(_ reader: inout ProtobufReader) throws(ProtobufError) {
            var ahead = reader
            bytes = try reader.slice()
            // Most texts are ASCII; for others a string is made, which checks them.
            if bytes.contains(where: { $0 >= 0x80 }) { _ = try ahead.text() }
        }

        func write(_ field: UInt32, _ writer: inout ProtobufWriter) { writer.bytes(field, bytes) }
    }
}

/// Metadata is read into and written from its stored bytes.
extension Metadata: ProtobufValue {
    package static let declaration = "repeated MetadataEntry"
    package static let unread = Metadata()

    package mutating func read(_ reader: inout ProtobufReader) throws(ProtobufError) {
        var entry = MetadataEntry()
        try reader.message(into: &entry)
        var bytes = bytes
        // Otherwise each entry would copy those before it.
        self = .unread
        for text in [entry.key, entry.value] {
            bytes.appendLength(text.bytes.count)
            bytes.append(contentsOf: text.bytes)
        }
        self = Metadata(trusted: bytes)
    }

    package func write(_ field: UInt32, _ writer: inout ProtobufWriter) { _ = write(field, &writer, without: nil) }

    /// Writes all entries but that of a key, and returns the value of that key.
    func write(_ field: UInt32, _ writer: inout ProtobufWriter, without hidden: String?) -> String? {
        var found: String?
        bytes.withUnsafeBytes { all in
            forEachEntry { key, value in
                let key = MetadataEntry.Text(bytes: UnsafeRawBufferPointer(rebasing: all[key]))
                let value = MetadataEntry.Text(bytes: UnsafeRawBufferPointer(rebasing: all[value]))
                if let hidden, hidden.hasSameBytes(as: key.bytes) {
                    found = String(decoding: value.bytes, as: UTF8.self)
                } else {
                    writer.write(field, MetadataEntry(key: key, value: value))
                }
            }
        }
        return found
    }

    /// Whether a key occurs twice.
    package var repeatsKey: Bool {
        var keys: [Range<Int>] = []
        forEachEntry { key, _ in keys.append(key) }
        if keys.count < 2 { return false }
        // There are few keys: comparing all of them costs less than a set.
        guard keys.count <= 16 else { return Set(keys.map { bytes[$0] }).count < keys.count }
        return keys.indices.contains { index in
            keys[..<index].contains { $0.count == keys[index].count && bytes[$0] == bytes[keys[index]] }
        }
    }

    private func forEachEntry(_ body: (_ key: Range<Int>, _ value: Range<Int>) -> Void) {
        var index = 0
        while let key = range(at: &index), let value = range(at: &index) { body(key, value) }
    }

    /// Returns the range of the text whose length is at `index`, and moves past it; `nil` at the end.
    private func range(at index: inout Int) -> Range<Int>? {
        guard let length = bytes.length(at: &index), length <= bytes.count - index else { return nil }
        defer { index += length }
        return index..<index + length
    }
}
