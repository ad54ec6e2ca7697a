import SillokDisk
import SillokLogFormat

/// What a segment contains behind its last sound group.
struct Leftover {
    /// The latest statement of a sound header about what is durable.
    var witness: LogPlace?
    /// The offset behind the last byte that is not 0; `nil` if all are.
    var end: Int?

    /// Searches a segment from an offset. A sound header may begin at every multiple of 8.
    init(in file: any DiskFile, _ ordinal: UInt32, from start: Int, size: Int, _ files: LogFiles) throws(LogError) {
        var window = ByteWindow(file, capacity: 1 << 20)
        var offset = start
        while offset < size {
            let bytes = try window.bytes(at: offset, min(1 << 20, size - offset))
            if bytes.isEmpty { break }
            if let last = bytes.lastNonZero {
                end = offset + last + 1
                search(bytes, at: offset, ordinal, files)
            }
            if offset + bytes.count >= size { break }
            // A header may lie across the end of these bytes.
            offset += max(LogFormat.alignment, bytes.count - LogFormat.headerBytes) & ~(LogFormat.alignment - 1)
        }
    }

    private mutating func search(
        _ bytes: UnsafeRawBufferPointer, at offset: Int, _ ordinal: UInt32, _ files: LogFiles
    ) {
        guard let start = bytes.baseAddress else { return }
        var index = 0
        while index + LogFormat.headerBytes <= bytes.count {
            if start.number(index, UInt32.self) == LogFormat.groupMagic,
                let header = GroupHeader(start + index, salt: files.salt),
                header.isAt(ordinal, offset + index) || files.faults.contains(.placeNotChecked)
            {
                witness = max(witness ?? header.durable, header.durable)
            }
            index += LogFormat.alignment
        }
    }
}
