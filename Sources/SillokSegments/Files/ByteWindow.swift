import SillokDisk
import SillokLogFormat

/// A part of a file in memory, for readers that move forward in small steps.
struct ByteWindow: ~Copyable {
    private let file: any DiskFile
    private var memory: UnsafeMutableRawPointer
    private var capacity: Int
    private var start = 0
    private var count = 0

    init(_ file: any DiskFile, capacity: Int = 256 << 10) {
        self.file = file
        self.capacity = capacity
        memory = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { memory.deallocate() }

    /// Returns bytes at an offset, fewer if the file ends before. They are valid until the next call.
    mutating func bytes(at offset: Int, _ wanted: Int) throws(LogError) -> UnsafeRawBufferPointer {
        if offset < start || offset + wanted > start + count {
            if wanted > capacity {
                memory.deallocate()
                capacity = wanted
                memory = .allocate(byteCount: capacity, alignment: 16)
            }
            (start, count) = (offset, 0)
            let buffer = UnsafeMutableRawBufferPointer(start: memory, count: capacity)
            count = try onDisk { () throws(DiskError) in try file.readAll(into: buffer, at: offset) }
        }
        let available = min(wanted, max(0, start + count - offset))
        return UnsafeRawBufferPointer(start: memory + (offset - start), count: available)
    }
}
