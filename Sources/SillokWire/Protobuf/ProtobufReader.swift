package import SillokCore

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
    /// A field is missing without which the message says nothing.
    case missing(field: UInt32)
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
        case .missing(let field): "field \(field) of the message is missing"
        case .incomplete: "a part of the message is missing or unknown"
        }
    }
}

/// Reads the fields of a message in one pass when they come in the order of the message, as writers send them, and in
/// more passes otherwise. It is only valid as long as the bytes that it reads.
package struct ProtobufReader {
    /// The maximum number of elements of a list in a request. An element takes much more memory than bytes: an event of
    /// two bytes takes more than a hundred in memory. The maximum is far more than a store accepts in one request.
    package static let maximumElements = 1 << 16

    private let bytes: UnsafeRawBufferPointer
    private let maximumElements: Int
    private var index = 0
    /// The field whose value comes next; its number is 0 at the end.
    private var next: (number: UInt32, type: ProtobufWireType) = (0, .varint)
    /// The required fields of the message and those that were read, as bits by their numbers.
    private var (required, found): (UInt32, UInt32) = (0, 0)

    init(_ bytes: UnsafeRawBufferPointer, maximumElements: Int) {
        self.bytes = bytes
        self.maximumElements = maximumElements
    }

    package mutating func number() throws(ProtobufError) -> UInt64 {
        try expect(.varint)
        return try varint()
    }

    package mutating func text() throws(ProtobufError) -> String {
        let slice = try slice()
        let text = String(decoding: slice, as: UTF8.self)
        // Invalid UTF-8 was replaced, so the bytes differ then.
        guard text.hasSameBytes(as: slice) else { throw .invalidText(field: next.number) }
        return text
    }

    /// Reads an id of 16 bytes.
    package mutating func id<ID: UniqueID>(as type: ID.Type = ID.self) throws(ProtobufError) -> ID {
        let slice = try slice()
        guard slice.count == 16 else { throw .malformedID(field: next.number) }
        return ID(
            high: UInt64(bigEndian: slice.loadUnaligned(as: UInt64.self)),
            low: UInt64(bigEndian: slice.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }

    /// Reads a nested message. If a field occurs twice, the messages are merged, as protobuf requires.
    package mutating func message<Message: ProtobufMessage>(into message: inout Message) throws(ProtobufError) {
        var nested = ProtobufReader(try slice(), maximumElements: maximumElements)
        try nested.read(into: &message)
    }

    /// Throws if a list already has the maximum number of elements.
    package func expectRoom(after count: Int) throws(ProtobufError) {
        guard count < maximumElements else { throw .tooMany(field: next.number) }
    }

    /// Reads a whole message.
    mutating func read<Message: ProtobufMessage>(into message: inout Message) throws(ProtobufError) {
        try advance()
        repeat {
            let start = index
            try message.readFields(&self)
            if index == start, next.number != 0 {
                try skip()
                try advance()
            }
        } while next.number != 0
        if required & ~found != 0 {
            throw .missing(field: UInt32((required & ~found).trailingZeroBitCount))
        }
        try message.finish()
    }

    /// Returns the bytes of a text, of bytes or of a nested message.
    mutating func slice() throws(ProtobufError) -> UnsafeRawBufferPointer {
        try expect(.lengthDelimited)
        guard let length = Int(exactly: try varint()) else { throw .truncated }
        return try take(length)
    }

    /// Reads the tag of the next field.
    private mutating func advance() throws(ProtobufError) {
        next.number = 0
        if index == bytes.count { return }
        let tag = try varint()
        guard let type = ProtobufWireType(rawValue: UInt8(tag & 7)), let number = UInt32(exactly: tag >> 3),
            (1...0x1FFF_FFFF).contains(number)
        else { throw .malformedTag }
        next = (number, type)
    }

    private mutating func skip() throws(ProtobufError) {
        switch next.type {
        case .varint: _ = try varint()
        case .fixed64: _ = try take(8)
        case .fixed32: _ = try take(4)
        case .lengthDelimited: _ = try slice()
        }
    }

    private mutating func take(_ count: Int) throws(ProtobufError) -> UnsafeRawBufferPointer {
        guard count <= bytes.count - index else { throw .truncated }
        defer { index += count }
        return UnsafeRawBufferPointer(rebasing: bytes[index..<index + count])
    }

    private func expect(_ type: ProtobufWireType) throws(ProtobufError) {
        guard next.type == type else { throw .unexpectedWireType(field: next.number) }
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

extension ProtobufReader: ProtobufCoder {
    package mutating func field<Value: ProtobufValue>(
        _ number: UInt32, _ name: StaticString, _ value: inout Value
    ) throws(ProtobufError) {
        if Value.isRequired { required |= 1 << number }
        while next.number == number {
            if Value.isRequired { found |= 1 << number }
            try value.read(&self)
            try advance()
        }
    }

    package mutating func bytes(
        _ number: UInt32, _ name: StaticString, _ value: inout [UInt8]
    ) throws(ProtobufError) {
        while next.number == number {
            value = [UInt8](try slice())
            try advance()
        }
    }
}
