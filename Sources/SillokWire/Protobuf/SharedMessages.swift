package import SillokCore

/// A key and a value of an event's metadata. Both protocols use this message.
package struct MetadataEntry: ProtobufReadable, Sendable {
    package var key = ""
    package var value = ""

    package init() {}

    package mutating func read(
        _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
    ) throws(ProtobufError) {
        switch field.number {
        case 1: key = try reader.text(field)
        case 2: value = try reader.text(field)
        default: try reader.skip(field)
        }
    }
}

/// Progress in another log. Both protocols use this message.
package struct TrackingInfo: ProtobufReadable, Sendable {
    package var source = ""
    package var position: UInt64 = 0
    /// Only in `sillok.v1`.
    private var event: EventID?

    package init() {}

    package mutating func read(
        _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
    ) throws(ProtobufError) {
        switch field.number {
        case 1: source = try reader.text(field)
        case 2: position = try reader.number(field)
        case 3 where field.type == .lengthDelimited: event = try reader.id(field)
        default: try reader.skip(field)
        }
    }

    /// The same progress as a value of the core.
    package var tracking: Tracking { Tracking(source: TrackingSource(source), position: position, event: event) }
}

extension Metadata {
    /// Creates metadata from these entries in their order; returns `nil` if a key occurs twice.
    package init?(_ entries: [MetadataEntry]) {
        var bytes: [UInt8] = []
        for (index, entry) in entries.enumerated() {
            // There are few keys: comparing all of them costs less than a set.
            let isKnown =
                entries.count <= 16
                ? entries[..<index].contains { $0.key.hasSameBytes(as: entry.key) } : false
            if isKnown { return nil }
            for text in [entry.key, entry.value] {
                bytes.appendLength(text.utf8.count)
                bytes.append(contentsOf: text.utf8)
            }
        }
        if entries.count > 16 && Set(entries.map { Array($0.key.utf8) }).count < entries.count { return nil }
        self.init(trusted: bytes)
    }
}

extension ProtobufWriter {
    /// Writes a metadata entry.
    package mutating func entry(_ field: UInt32, _ key: String, _ value: String) {
        let mark = begin(field)
        text(1, key)
        text(2, value)
        end(mark)
    }

    /// Writes all entries of metadata directly from their stored bytes. Returns the value of a key that is left out.
    @discardableResult
    package mutating func write(_ field: UInt32, _ metadata: Metadata, without hidden: String? = nil) -> String? {
        let kept = metadata.bytes
        var found: String?
        kept.withUnsafeBytes { all in
            var index = 0
            while let key = kept.range(at: &index), let value = kept.range(at: &index) {
                if let hidden, key.count == hidden.utf8.count, all[key].elementsEqual(hidden.utf8) {
                    found = String(decoding: all[value], as: UTF8.self)
                    continue
                }
                let mark = begin(field)
                bytes(1, UnsafeRawBufferPointer(rebasing: all[key]))
                bytes(2, UnsafeRawBufferPointer(rebasing: all[value]))
                end(mark)
            }
        }
        return found
    }

    /// Writes the progress in another log.
    package mutating func write(_ field: UInt32, _ tracking: Tracking) {
        let mark = begin(field)
        text(1, tracking.source.text)
        number(2, tracking.position)
        if let event = tracking.event { id(3, event) }
        end(mark)
    }

    /// Writes an id as text: lower case with hyphens.
    package mutating func text(_ field: UInt32, _ id: some UniqueID) {
        withUnsafeTemporaryAllocation(byteCount: 36, alignment: 1) { text in
            var index = 0
            for half in 0...1 {
                let value = half == 0 ? id.high : id.low
                for shift in stride(from: UInt64(60), through: 0, by: -4) {
                    if index == 8 || index == 13 || index == 18 || index == 23 {
                        text[index] = UInt8(ascii: "-")
                        index += 1
                    }
                    let digit = UInt8(truncatingIfNeeded: value >> shift & 15)
                    text[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                    index += 1
                }
            }
            bytes(field, UnsafeRawBufferPointer(text))
        }
    }
}

extension [UInt8] {
    /// Returns the range of the text whose length is at `index`, and moves past it; `nil` at the end.
    fileprivate func range(at index: inout Int) -> Range<Int>? {
        guard let length = length(at: &index), length <= count - index else { return nil }
        defer { index += length }
        return index..<index + length
    }
}
