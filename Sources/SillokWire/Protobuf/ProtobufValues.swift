package import SillokCore

extension Optional: ProtobufValue where Wrapped: ProtobufValue {
    // A message may be missing without the label.
    package static var declaration: String { "optional \(Wrapped.declaration)" }
    package static var unread: Wrapped? { nil }
    package var isAbsent: Bool { self == nil }

    package mutating func read(_ reader: inout ProtobufReader) throws(ProtobufError) {
        var value = self ?? Wrapped.unread
        self = nil
        try value.read(&reader)
        self = value
    }

    package func write(_ field: UInt32, _ writer: inout ProtobufWriter) { self?.write(field, &writer) }
}

extension Array: ProtobufValue where Element: ProtobufValue {
    package static var declaration: String { "repeated \(Element.declaration)" }
    package static var unread: [Element] { [] }

    package mutating func read(_ reader: inout ProtobufReader) throws(ProtobufError) {
        try reader.expectRoom(after: count)
        // `last` would copy the element.
        var element = isEmpty ? Element.unread : Element.unread(after: self[endIndex - 1])
        try element.read(&reader)
        append(element)
    }

    package func write(_ field: UInt32, _ writer: inout ProtobufWriter) {
        // A loop over the array would copy its elements.
        withUnsafeBufferPointer { elements in
            for index in elements.indices { elements[index].write(field, &writer) }
        }
    }
}

// MARK: Numbers

/// A value that is a number on the wire.
package protocol ProtobufNumber: ProtobufValue {
    init(wire number: UInt64)
    var wire: UInt64 { get }
}

extension ProtobufNumber {
    package static var declaration: String { "uint64" }
    package static var unread: Self { Self(wire: 0) }

    package mutating func read(_ reader: inout ProtobufReader) throws(ProtobufError) {
        self = Self(wire: try reader.number())
    }

    package func write(_ field: UInt32, _ writer: inout ProtobufWriter) { writer.number(field, wire) }
}

extension UInt64: ProtobufNumber {
    package init(wire number: UInt64) { self = number }
    package var wire: UInt64 { self }
}

extension Position: ProtobufNumber {
    package init(wire number: UInt64) { self.init(number) }
    package var wire: UInt64 { value }
}

extension Revision: ProtobufNumber {
    package init(wire number: UInt64) { self.init(number) }
    package var wire: UInt64 { value }
}

extension UInt32: ProtobufNumber {
    package static var declaration: String { "uint32" }
    package init(wire number: UInt64) { self.init(truncatingIfNeeded: number) }
    package var wire: UInt64 { UInt64(self) }
}

extension Int64: ProtobufNumber {
    package static var declaration: String { "int64" }
    package init(wire number: UInt64) { self.init(bitPattern: number) }
    package var wire: UInt64 { UInt64(bitPattern: self) }
}

/// A count. A number beyond the range of `Int` is clamped.
extension Int: ProtobufNumber {
    package static var declaration: String { "int64" }
    package init(wire number: UInt64) { self.init(clamping: Int64(bitPattern: number)) }
    package var wire: UInt64 { UInt64(bitPattern: Int64(self)) }
}

/// Microseconds since 1970 in UTC.
extension Timestamp: ProtobufNumber {
    package static var declaration: String { "int64" }
    package init(wire number: UInt64) { self.init(microsecondsSince1970: Int64(bitPattern: number)) }
    package var wire: UInt64 { UInt64(bitPattern: microsecondsSince1970) }
}

/// `false` is not written.
extension Bool: ProtobufNumber {
    package static var declaration: String { "bool" }
    package init(wire number: UInt64) { self = number != 0 }
    package var wire: UInt64 { self ? 1 : 0 }
    package var isAbsent: Bool { !self }
}

// MARK: Texts

extension String: ProtobufValue {
    package static var declaration: String { "string" }
    package static var unread: String { "" }

    package mutating func read(_ reader: inout ProtobufReader) throws(ProtobufError) { self = try reader.text() }

    package func write(_ field: UInt32, _ writer: inout ProtobufWriter) { writer.text(field, self) }
}

extension ProtobufValue where Self: Name {
    package static var declaration: String { "string" }
    package static var unread: Self { Self("") }

    package mutating func read(_ reader: inout ProtobufReader) throws(ProtobufError) { self = Self(try reader.text()) }

    package func write(_ field: UInt32, _ writer: inout ProtobufWriter) { writer.text(field, text) }
}

extension StreamCategory: ProtobufValue {}

extension ContentType: ProtobufValue {
    package mutating func read(_ reader: inout ProtobufReader) throws(ProtobufError) {
        var again = reader
        if Self.json.text.hasSameBytes(as: try reader.slice()) {
            // Most events are JSON, and the text of this value takes no memory.
            self = .json
        } else {
            self = ContentType(try again.text())
        }
    }
}

extension EventType: ProtobufValue {}
extension StreamID: ProtobufValue {}
extension EventTag: ProtobufValue {}
extension TrackingSource: ProtobufValue {}

// MARK: Ids

/// The 16 bytes of an id. A message must have the field, unless the value is an optional one.
extension ProtobufValue where Self: UniqueID {
    package static var declaration: String { "bytes" }
    package static var unread: Self { Self(high: 0, low: 0) }
    package static var isRequired: Bool { true }

    package mutating func read(_ reader: inout ProtobufReader) throws(ProtobufError) { self = try reader.id() }

    package func write(_ field: UInt32, _ writer: inout ProtobufWriter) { writer.id(field, self) }
}

extension EventID: ProtobufValue {}
extension StoreID: ProtobufValue {}

// MARK: Enumerations

/// An enumeration. It has the name that it has in the `.proto` file, and its cases have theirs in camel case. Zero is
/// not written.
package protocol ProtobufEnum: ProtobufValue, CaseIterable, RawRepresentable<UInt64> {}

extension ProtobufEnum {
    package static var declaration: String { "\(Self.self)" }
    package var isAbsent: Bool { rawValue == 0 }

    package mutating func read(_ reader: inout ProtobufReader) throws(ProtobufError) {
        self = Self(rawValue: try reader.number()) ?? .unread
    }

    package func write(_ field: UInt32, _ writer: inout ProtobufWriter) { writer.number(field, rawValue) }
}
