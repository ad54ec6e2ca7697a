public import CSillok

// Numbers in memory that has the bytes of the format: little-endian and not aligned.

extension UnsafeRawPointer {
    /// Reads a number of the format.
    @inlinable @inline(__always)
    package func number<Number: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _ type: Number.Type = Number.self)
        -> Number
    {
        Number(littleEndian: loadUnaligned(fromByteOffset: offset, as: Number.self))
    }

    /// Continues a checksum with bytes.
    @inlinable @inline(__always)
    package func checksum(_ range: Range<Int>, continuing checksum: UInt32 = 0) -> UInt32 {
        sillok_crc32c(checksum, self + range.lowerBound, range.count)
    }
}

extension UnsafeMutableRawPointer {
    /// Writes a number of the format.
    @inlinable @inline(__always)
    package func set<Number: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _ number: Number) {
        storeBytes(of: number.littleEndian, toByteOffset: offset, as: Number.self)
    }
}

extension UnsafeRawBufferPointer {
    /// Whether every byte is 0.
    package var isZero: Bool { lastNonZero == nil }

    /// The index of the last byte that is not 0.
    package var lastNonZero: Int? {
        guard let start = baseAddress else { return nil }
        var end = count
        while end >= 8 {
            if start.loadUnaligned(fromByteOffset: end - 8, as: UInt64.self) != 0 { break }
            end -= 8
        }
        while end > 0 {
            if self[end - 1] != 0 { return end - 1 }
            end -= 1
        }
        return nil
    }
}
