package import NIOCore
import SillokCore

/// The bytes are not a message of the expected kind.
package enum ProtobufError: Error, Hashable, CustomStringConvertible {
    /// A field extends beyond the end.
    case truncated
    /// A number has more than ten bytes.
    case malformedNumber
    /// A field number is 0, or a wire type does not exist.
    case malformedTag
    /// A field has another wire type than the message defines.
    case unexpectedWireType(field: UInt32)
    /// A text is not UTF-8.
    case invalidText(field: UInt32)
    /// An id does not have 16 bytes.
    case malformedID(field: UInt32)
    /// A repeated field has more elements than ``ProtobufReader/maximumElements``.
    case tooMany(field: UInt32)
    /// A metadata key occurs twice.
    case repeatedKey
    /// A required part is missing, or has a value that does not exist.
    case incomplete

    package var description: String {
        switch self {
        case .truncated: "the message ends within a field"
        case .malformedNumber: "a number of the message is malformed"
        case .malformedTag: "a field number of the message is malformed"
        case .unexpectedWireType(let field): "field \(field) of the message has an unexpected wire type"
        case .invalidText(let field): "field \(field) of the message is not UTF-8"
        case .malformedID(let field): "field \(field) of the message is no id of 16 bytes"
        case .tooMany(let field):
            "field \(field) of the message comes more than \(ProtobufReader.maximumElements) times"
        case .repeatedKey: "a metadata key of the message comes twice"
        case .incomplete: "a part of the message is missing or unknown"
        }
    }
}

/// A message that can be read from protobuf. It reads field by field and skips unknown fields.
package protocol ProtobufReadable {
    init()
    mutating func read(_ field: ProtobufReader.Field, _ reader: inout ProtobufReader) throws(ProtobufError)
}

/// A reader of the fields of a protobuf message. It is only valid as long as the bytes that it reads.
package struct ProtobufReader {
    /// The number of a field and its wire type.
    package struct Field: Hashable, Sendable {
        package let number: UInt32
        package let type: ProtobufWireType
    }

    /// The maximum number of elements of a repeated field whose elements take much more memory than bytes: an event of
    /// two bytes takes more than a hundred in memory. The maximum is far more than a store accepts in one request.
    package static let maximumElements = 1 << 16

    private let bytes: UnsafeRawBufferPointer
    private var index = 0

    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Returns the next field, or `nil` at the end. Its value must be read or skipped before the next call.
    package mutating func next() throws(ProtobufError) -> Field? {
        if index == bytes.count { return nil }
        let tag = try varint()
        guard let type = ProtobufWireType(rawValue: UInt8(tag & 7)), let number = UInt32(exactly: tag >> 3),
            (1...0x1FFF_FFFF).contains(number)
        else { throw .malformedTag }
        return Field(number: number, type: type)
    }

    package mutating func number(_ field: Field) throws(ProtobufError) -> UInt64 {
        try expect(.varint, field)
        return try varint()
    }

    package mutating func signed(_ field: Field) throws(ProtobufError) -> Int64 {
        Int64(bitPattern: try number(field))
    }

    package mutating func truth(_ field: Field) throws(ProtobufError) -> Bool { try number(field) != 0 }

    package mutating func text(_ field: Field) throws(ProtobufError) -> String {
        let slice = try slice(field)
        let text = String(decoding: slice, as: UTF8.self)
        // Invalid UTF-8 was replaced, so the bytes differ then.
        guard text.hasSameBytes(as: slice) else { throw .invalidText(field: field.number) }
        return text
    }

    package mutating func bytes(_ field: Field) throws(ProtobufError) -> [UInt8] { [UInt8](try slice(field)) }

    /// Reads a nested message. If a field occurs twice, the messages are merged, as protobuf requires.
    package mutating func message<Message: ProtobufReadable>(
        _ field: Field, into message: inout Message
    ) throws(ProtobufError) {
        var nested = ProtobufReader(try slice(field))
        try nested.read(into: &message)
    }

    /// Reads an optional nested message.
    package mutating func message<Message: ProtobufReadable>(
        _ field: Field, into message: inout Message?
    ) throws(ProtobufError) {
        var merged = message ?? Message()
        try self.message(field, into: &merged)
        message = merged
    }

    /// Returns a new nested message.
    package mutating func message<Message: ProtobufReadable>(
        _ field: Field, as type: Message.Type = Message.self
    ) throws(ProtobufError) -> Message {
        var message = Message()
        try self.message(field, into: &message)
        return message
    }

    /// Reads a nested message as one more element of a list.
    package mutating func message<Message: ProtobufReadable>(
        _ field: Field, addedTo messages: inout [Message]
    ) throws(ProtobufError) {
        try expectRoom(field, after: messages.count)
        messages.append(try message(field))
    }

    /// Throws if a repeated field already has the maximum number of elements.
    package func expectRoom(_ field: Field, after count: Int) throws(ProtobufError) {
        guard count < Self.maximumElements else { throw .tooMany(field: field.number) }
    }

    /// Reads all remaining fields.
    package mutating func read<Message: ProtobufReadable>(into message: inout Message) throws(ProtobufError) {
        while let field = try next() { try message.read(field, &self) }
    }

    /// Skips a value.
    package mutating func skip(_ field: Field) throws(ProtobufError) {
        switch field.type {
        case .varint: _ = try varint()
        case .fixed64: _ = try take(8)
        case .fixed32: _ = try take(4)
        case .lengthDelimited: _ = try slice(field)
        }
    }

    private mutating func slice(_ field: Field) throws(ProtobufError) -> UnsafeRawBufferPointer {
        try expect(.lengthDelimited, field)
        guard let length = Int(exactly: try varint()) else { throw .truncated }
        return try take(length)
    }

    private mutating func take(_ count: Int) throws(ProtobufError) -> UnsafeRawBufferPointer {
        guard count <= bytes.count - index else { throw .truncated }
        defer { index += count }
        return UnsafeRawBufferPointer(rebasing: bytes[index..<index + count])
    }

    private func expect(_ type: ProtobufWireType, _ field: Field) throws(ProtobufError) {
        guard field.type == type else { throw .unexpectedWireType(field: field.number) }
    }

    private mutating func varint() throws(ProtobufError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
            if shift > 63 { throw .malformedNumber }
        }
        throw .truncated
    }
}

extension ProtobufReadable {
    /// Reads a whole message.
    package init(reading bytes: UnsafeRawBufferPointer) throws(ProtobufError) {
        self.init()
        var reader = ProtobufReader(bytes)
        try reader.read(into: &self)
    }

    /// Reads a whole message.
    package init(reading buffer: ByteBuffer) throws(ProtobufError) {
        let result = buffer.withUnsafeReadableBytes { bytes in
            Result { () throws(ProtobufError) in try Self(reading: bytes) }
        }
        self = try result.get()
    }
}
