import SillokDisk
import SillokLogFormat

/// A part of a file in memory, for readers that move forward in small steps.
struct ByteWindow: ~Copyable {
    private let file: any DiskFile
    private var memory: UnsafeMutableRawPointer
    private var capacity: Int
    private let mostCapacity: Int
    private var start = 0
    private var count = 0

    /// Creates an empty window. It is small at first, because many readers need only the first header of a file, and
    /// grows to `capacity` with each further read.
    init(_ file: any DiskFile, capacity mostCapacity: Int = 256 << 10) {
        self.file = file
        self.mostCapacity = mostCapacity
        capacity = min(mostCapacity, 4 << 10)
        memory = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { memory.deallocate() }

    /// Returns bytes at an offset, fewer if the file ends before. They are valid until the next call.
    mutating func bytes(at offset: Int, _ wanted: Int) throws(LogError) -> UnsafeRawBufferPointer {
        if offset < start || offset + wanted > start + count {
            let least = max(wanted, count > 0 ? min(mostCapacity, capacity * 4) : capacity)
            if least > capacity {
                memory.deallocate()
                capacity = least
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
