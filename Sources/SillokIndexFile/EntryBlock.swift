import SillokCore
package import SillokStorage

/// The form of a row of the table `entries`: adjacent positions of one key, from the last one backwards.
package enum EntryBlock {
    /// The maximum number of positions in a block.
    package static let size = 128

    /// Appends the distances from each position to the one before it, as LEB128. Positions rise.
    package static func encode(_ entries: UnsafeBufferPointer<IndexEntry>, into bytes: inout [UInt8]) {
        bytes.removeAll(keepingCapacity: true)
        // Many names are those of one event.
        guard entries.count > 1, var last = entries.last?.position else { return }
        for entry in entries.dropLast().reversed() {
            var rest = UInt64(bitPattern: last - entry.position)
            while rest >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(truncatingIfNeeded: rest))
            last = entry.position
        }
    }

    /// Replaces the contents of `positions` with those of a block, from the last one backwards.
    package static func decode(last: Int64, _ earlier: UnsafeRawBufferPointer, into positions: inout [Int64]) throws {
        positions.removeAll(keepingCapacity: true)
        positions.append(last)
        var (position, distance, shift): (Int64, UInt64, UInt64) = (last, 0, 0)
        for byte in earlier {
            guard shift < 63 else { throw IndexFile.damaged }
            distance |= UInt64(byte & 0x7F) << shift
            shift += 7
            if byte >= 0x80 { continue }
            let (next, overflow) = position.subtractingReportingOverflow(Int64(bitPattern: distance))
            guard !overflow, distance > 0, next > 0 else { throw IndexFile.damaged }
            positions.append(next)
            (position, distance, shift) = (next, 0, 0)
        }
        if shift != 0 { throw IndexFile.damaged }
    }
}
