/// A piece of a sorted run of entries: each entry takes the same number of bytes.
///
/// An entry is the distance of its key from the first one, and the distance of its position from the lowest one, both
/// little-endian. Behind the entries are their number (2 bytes), the two widths (a byte each), the first key and the
/// lowest position (8 bytes each).
package struct RunChunk {
    /// The number of entries.
    package let count: Int
    private let bytes: UnsafeRawBufferPointer
    private let widths: (key: Int, position: Int)
    private let start: IndexEntry

    private static let endBytes = 20

    /// Reads a chunk; `nil` if the bytes are none.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        let end = bytes.count - Self.endBytes
        guard end >= 0 else { return nil }
        self.bytes = bytes
        count = Int(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: end, as: UInt16.self)))
        widths = (Int(bytes[end + 2]), Int(bytes[end + 3]))
        let numbers = [end + 4, end + 12].map {
            Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: Int64.self))
        }
        start = IndexEntry(key: numbers[0], position: numbers[1])
        guard count > 0, widths.key <= 8, widths.position <= 8, end == count * (widths.key + widths.position) else {
            return nil
        }
    }

    /// An entry by its place.
    package subscript(index: Int) -> IndexEntry {
        let offset = index * (widths.key + widths.position)
        let position = UInt64(bitPattern: start.position) &+ number(at: offset + widths.key, widths.position)
        return IndexEntry(key: key(offset), position: Int64(bitPattern: position))
    }

    /// Returns the place of the first entry whose key is not below `key`.
    package func firstIndex(from key: Int64) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self.key(middle * (widths.key + widths.position)) < key { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func key(_ offset: Int) -> Int64 {
        Int64(bitPattern: UInt64(bitPattern: start.key) &+ number(at: offset, widths.key))
    }

    /// Reads 8 bytes, which the end of the chunk always allows, and takes some of them.
    private func number(at offset: Int, _ width: Int) -> UInt64 {
        let number = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        // A shift by 64 returns 0.
        return number & ~(UInt64.max << UInt64(8 * width))
    }

    /// Replaces `bytes` by a chunk of the first entries, as many as fit, but at least one. They must be sorted.
    ///
    /// - Returns: the number of entries.
    package static func encode(
        _ entries: ArraySlice<IndexEntry>, maximumBytes: Int, into bytes: inout [UInt8]
    ) -> Int {
        guard let first = entries.first else { return 0 }
        var (count, low, high, widths) = (0, first.position, first.position, (key: 0, position: 0))
        for entry in entries {
            let (lower, upper) = (min(low, entry.position), max(high, entry.position))
            let wider = (key: width(first.key, entry.key), position: width(lower, upper))
            let size = (count + 1) * (wider.key + wider.position) + endBytes
            if count > 0, size > maximumBytes || count >= Int(UInt16.max) { break }
            (count, low, high, widths) = (count + 1, lower, upper, wider)
        }
        let size = widths.key + widths.position
        bytes.removeAll(keepingCapacity: true)
        bytes.append(contentsOf: repeatElement(0, count: count * size + endBytes))
        bytes.withUnsafeMutableBytes { bytes in
            var offset = 0
            for entry in entries.prefix(count) {
                // What is written beyond the width is overwritten by what follows.
                store(entry.key &- first.key, at: offset, in: bytes)
                store(entry.position &- low, at: offset + widths.key, in: bytes)
                offset += size
            }
            bytes.storeBytes(of: UInt16(count).littleEndian, toByteOffset: offset, as: UInt16.self)
            (bytes[offset + 2], bytes[offset + 3]) = (UInt8(widths.key), UInt8(widths.position))
            store(first.key, at: offset + 4, in: bytes)
            store(low, at: offset + 12, in: bytes)
        }
        return count
    }

    private static func store(_ number: Int64, at offset: Int, in bytes: UnsafeMutableRawBufferPointer) {
        bytes.storeBytes(of: number.littleEndian, toByteOffset: offset, as: Int64.self)
    }

    /// The number of bytes of the distance between two numbers.
    private static func width(_ low: Int64, _ high: Int64) -> Int {
        (71 - (UInt64(bitPattern: high) &- UInt64(bitPattern: low)).leadingZeroBitCount) / 8
    }
}
