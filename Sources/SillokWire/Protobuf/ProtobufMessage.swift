package import NIOCore

/// A message of a protocol. Its ``fields(_:)`` says each field once: with it the message is read, written, and compared
/// with the `.proto` file.
package protocol ProtobufMessage: ProtobufValue {
    /// The name of the message in the `.proto` file, by default that of the type.
    static var name: String { get }

    /// The maximum number of elements of a list when the message is read.
    static var maximumElements: Int { get }

    /// About the number of bytes of the message.
    var expectedBytes: Int { get }

    /// Passes every field to the coder with its number and its name, in the order in which they are written.
    ///
    /// A reader calls this until it has read all fields. An implementation that changes copies of lists must not keep
    /// the originals meanwhile: each call would copy them.
    mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure)

    /// Checks what was read.
    func finish() throws(ProtobufError)

    // `fields` for one coder each. The compiler specializes them for the message, wherever they are called from.
    mutating func readFields(_ reader: inout ProtobufReader) throws(ProtobufError)
    mutating func writeFields(_ writer: inout ProtobufWriter)
}

/// What is done with the fields of a message.
package protocol ProtobufCoder: ~Copyable {
    associatedtype Failure: Error

    mutating func field<Value: ProtobufValue>(
        _ number: UInt32, _ name: StaticString, _ value: inout Value
    ) throws(Failure)

    /// A field of the type `bytes`.
    mutating func bytes(_ number: UInt32, _ name: StaticString, _ value: inout [UInt8]) throws(Failure)
}

/// A value of a field, or the list of the values of a repeated field.
package protocol ProtobufValue {
    /// The label and the type of such a field in the `.proto` file, such as `optional string`.
    static var declaration: String { get }

    /// The value before anything was read.
    static var unread: Self { get }

    /// The value before anything was read, for an element of a list that follows another one.
    static func unread(after previous: Self) -> Self

    /// Whether a message without the field is malformed.
    static var isRequired: Bool { get }

    /// Whether the value is not written.
    var isAbsent: Bool { get }

    mutating func read(_ reader: inout ProtobufReader) throws(ProtobufError)
    func write(_ field: UInt32, _ writer: inout ProtobufWriter)
}

extension ProtobufValue {
    package static func unread(after previous: Self) -> Self { unread }
    package static var isRequired: Bool { false }
    package var isAbsent: Bool { false }
}

extension ProtobufMessage {
    package static var name: String { "\(Self.self)" }
    package static var declaration: String { name }
    package static var maximumElements: Int { ProtobufReader.maximumElements }

    package var expectedBytes: Int { 256 }

    package func finish() throws(ProtobufError) {}

    package mutating func readFields(_ reader: inout ProtobufReader) throws(ProtobufError) { try fields(&reader) }

    package mutating func writeFields(_ writer: inout ProtobufWriter) { fields(&writer) }

    package mutating func read(_ reader: inout ProtobufReader) throws(ProtobufError) {
        try reader.message(into: &self)
    }

    package func write(_ field: UInt32, _ writer: inout ProtobufWriter) { writer.write(field, self) }

    /// Reads a whole message.
    package init(reading bytes: UnsafeRawBufferPointer) throws(ProtobufError) {
        self = .unread
        var reader = ProtobufReader(bytes, maximumElements: Self.maximumElements)
        try reader.read(into: &self)
    }

    /// Reads a whole message.
    package init(reading buffer: ByteBuffer) throws(ProtobufError) {
        let result = buffer.withUnsafeReadableBytes { bytes in
            Result { () throws(ProtobufError) in try Self(reading: bytes) }
        }
        self = try result.get()
    }

    /// Returns the bytes of the message after the five bytes of a gRPC frame.
    package func framed() -> ByteBuffer {
        var writer = ProtobufWriter(framed: true, capacity: expectedBytes)
        writer.write(self)
        return writer.finished()
    }

    /// Returns the bytes of the message.
    package func unframed() -> [UInt8] {
        var writer = ProtobufWriter(framed: false)
        writer.write(self)
        return Array(writer.finished().readableBytesView)
    }
}
