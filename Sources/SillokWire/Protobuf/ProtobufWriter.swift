package import NIOCore
package import SillokCore

/// A writer of the fields of a protobuf message into growing memory, optionally after the five bytes of a gRPC frame.
///
/// Nested messages are written in one pass. Two bytes are reserved for a length; in the rare case that it needs another
/// number of bytes, the contents are moved.
package struct ProtobufWriter: ~Copyable {
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    /// The number of bytes that were written, including the frame.
    package private(set) var count: Int
    private let start: Int

    /// The number of bytes before a gRPC message: the compression flag and the length.
    package static let frameBytes = 5

    package init(framed: Bool, capacity: Int = 256) {
        self.capacity = max(capacity, 64)
        base = .allocate(byteCount: self.capacity, alignment: 16)
        start = framed ? Self.frameBytes : 0
        count = start
    }

    deinit { base.deallocate() }

    /// Removes everything that was written and keeps the memory.
    package mutating func removeAll() { count = start }

    /// Returns everything that was written, with the frame before it if there is one.
    package func finished(_ allocator: ByteBufferAllocator = ByteBufferAllocator()) -> ByteBuffer {
        if start > 0 {
            base.storeBytes(of: 0, as: UInt8.self)
            base.storeBytes(of: UInt32(clamping: count - start).bigEndian, toByteOffset: 1, as: UInt32.self)
        }
        var buffer = allocator.buffer(capacity: count)
        buffer.writeBytes(UnsafeRawBufferPointer(start: base, count: count))
        return buffer
    }

    /// Writes an unsigned number, or a Boolean as 1 or 0.
    package mutating func number(_ field: UInt32, _ value: UInt64) {
        tag(field, .varint)
        varint(value)
    }

    /// Writes a text.
    package mutating func text(_ field: UInt32, _ value: String) {
        var value = value
        value.withUTF8 { bytes(field, UnsafeRawBufferPointer($0)) }
    }

    /// Writes bytes.
    package mutating func bytes(_ field: UInt32, _ value: UnsafeRawBufferPointer) {
        tag(field, .lengthDelimited)
        varint(UInt64(value.count))
        reserve(value.count)
        if let source = value.baseAddress { (base + count).copyMemory(from: source, byteCount: value.count) }
        count += value.count
    }

    /// Writes bytes.
    package mutating func bytes(_ field: UInt32, _ value: [UInt8]) {
        value.withUnsafeBytes { bytes(field, $0) }
    }

    /// Writes an id as 16 bytes.
    package mutating func id(_ field: UInt32, _ id: some UniqueID) {
        withUnsafeBytes(of: (id.high.bigEndian, id.low.bigEndian)) { bytes(field, $0) }
    }

    /// Writes an id as the text of a UUID, in lower case with hyphens.
    package mutating func uuid(_ field: UInt32, _ id: some UniqueID) {
        tag(field, .lengthDelimited)
        varint(36)
        reserve(36)
        id.writeText(to: UnsafeMutableRawBufferPointer(start: base + count, count: 36))
        count += 36
    }

    /// Writes the fields of a message.
    package mutating func write(_ message: some ProtobufMessage) {
        var message = message
        message.writeFields(&self)
    }

    /// Writes a nested message.
    package mutating func write(_ field: UInt32, _ message: some ProtobufMessage) {
        let start = begin(field)
        write(message)
        end(start)
    }

    /// Begins a nested message and returns where it starts, for ``end(_:)``.
    package mutating func begin(_ field: UInt32) -> Int {
        tag(field, .lengthDelimited)
        reserve(2)
        count += 2
        return count
    }

    /// Ends a nested message.
    package mutating func end(_ mark: Int) {
        let length = count - mark
        let needed = Self.bytes(ofVarint: UInt64(length))
        if needed != 2 {
            reserve(max(0, needed - 2))
            (base + mark - 2 + needed).copyMemory(from: base + mark, byteCount: length)
        }
        count = mark - 2
        varint(UInt64(length))
        count += length
    }

    private mutating func tag(_ field: UInt32, _ type: ProtobufWireType) {
        varint(UInt64(field) << 3 | UInt64(type.rawValue))
    }

    @inline(__always)
    private mutating func varint(_ value: UInt64) {
        guard value < 0x80, count < capacity else { return longVarint(value) }
        base.storeBytes(of: UInt8(truncatingIfNeeded: value), toByteOffset: count, as: UInt8.self)
        count += 1
    }

    private mutating func longVarint(_ value: UInt64) {
        reserve(10)
        var rest = value
        while rest >= 0x80 {
            base.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: count, as: UInt8.self)
            count += 1
            rest >>= 7
        }
        base.storeBytes(of: UInt8(truncatingIfNeeded: rest), toByteOffset: count, as: UInt8.self)
        count += 1
    }

    private mutating func reserve(_ bytes: Int) {
        if capacity - count >= bytes { return }
        let larger = max(capacity * 2, count + bytes)
        let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        moved.copyMemory(from: base, byteCount: count)
        base.deallocate()
        (base, capacity) = (moved, larger)
    }

    private static func bytes(ofVarint value: UInt64) -> Int { max(1, (70 - value.leadingZeroBitCount) / 7) }
}

extension ProtobufWriter: ProtobufCoder {
    // Inlined, so that the compiler sees that no value is changed and copies none.
    @inline(__always)
    package mutating func field<Value: ProtobufValue>(_ number: UInt32, _ name: StaticString, _ value: inout Value) {
        if !value.isAbsent { value.write(number, &self) }
    }

    @inline(__always)
    package mutating func bytes(_ number: UInt32, _ name: StaticString, _ value: inout [UInt8]) {
        if !value.isEmpty { bytes(number, value) }
    }
}

/// The wire types that our messages use.
package enum ProtobufWireType: UInt8, Sendable {
    case varint = 0
    case fixed64 = 1
    case lengthDelimited = 2
    case fixed32 = 5
}
