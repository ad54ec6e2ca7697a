import CSillok
import SillokDisk

// Numbers in memory that has the bytes of the format: little-endian and not aligned.

extension UnsafeRawPointer {
    /// Reads a number of the format.
    @inline(__always)
    func number<Number: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _ type: Number.Type = Number.self) -> Number {
        Number(littleEndian: loadUnaligned(fromByteOffset: offset, as: Number.self))
    }

    /// Continues a checksum with bytes.
    @inline(__always)
    func checksum(_ range: Range<Int>, continuing checksum: UInt32 = 0) -> UInt32 {
        sillok_crc32c(checksum, self + range.lowerBound, range.count)
    }
}

extension UnsafeMutableRawPointer {
    /// Writes a number of the format.
    @inline(__always)
    func set<Number: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _ number: Number) {
        storeBytes(of: number.littleEndian, toByteOffset: offset, as: Number.self)
    }
}

extension UnsafeRawBufferPointer {
    /// Whether every byte is 0.
    var isZero: Bool { lastNonZero == nil }

    /// The index of the last byte that is not 0.
    var lastNonZero: Int? {
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

/// Runs a call to the disk and throws its error as one of the log.
@inline(__always)
func onDisk<Result>(_ call: () throws(DiskError) -> Result) throws(LogError) -> Result {
    do throws(DiskError) {
        return try call()
    } catch {
        throw .disk(error)
    }
}
