import SillokDisk
import SillokTestSupport
import Testing

/// The disk of the system keeps the promises of the protocol.
@Suite struct SystemDiskTests {
    private let folder = TemporaryFolder()
    private let disk = SystemDisk()

    @Test("Written bytes are read back at any offset, fewer at the end, none behind it")
    func readsBack() throws {
        let file = try disk.open(folder("file"), .create)
        try file.writeAll([1, 2, 3, 4, 5], at: 3)
        #expect(try file.size() == 8)
        #expect(try file.bytes(at: 0, count: 8) == [0, 0, 0, 1, 2, 3, 4, 5])
        #expect(try file.bytes(at: 6, count: 100) == [4, 5])
        #expect(try file.bytes(at: 8, count: 100).isEmpty)
        #expect(try file.bytes(at: 1000, count: 1).isEmpty)
        try file.sync(.data)
        try file.sync(.all)
        #expect(try disk.open(folder("file"), .read).bytes(at: 0, count: 4) == [0, 0, 0, 1])
    }

    @Test("Reserved space has its size and reads as zeros, if the file system can reserve it")
    func reserves() throws {
        let file = try disk.open(folder("file"), .create)
        let isReserved = try file.reserve(100_000)
        #expect(try file.size() == (isReserved ? 100_000 : 0))
        #expect(try file.bytes(at: 0, count: 200_000).allSatisfy { $0 == 0 })
        try file.writeAll([1, 2], at: 50_000)
        #expect(try file.bytes(at: 50_000, count: 2) == [1, 2])
        #expect(throws: DiskError.self) { try disk.open(folder("file"), .read).writeAll([1], at: 0) }
    }

    @Test("A mode decides whether the file must exist, and what may be done with it")
    func modes() throws {
        #expect(throws: DiskError(.open, folder("file"), code: 2)) { try disk.open(folder("file"), .write) }
        #expect(throws: DiskError(.open, folder("file"), code: 2)) { try disk.open(folder("file"), .read) }
        _ = try disk.open(folder("file"), .create)
        let error = #expect(throws: DiskError.self) { try disk.open(folder("file"), .create) }
        #expect(error?.isExisting == true)
        let reader = try disk.open(folder("file"), .read)
        #expect(throws: DiskError.self) { try reader.writeAll([1], at: 0) }
        try disk.open(folder("file"), .write).writeAll([1], at: 0)
        #expect(try reader.bytes(at: 0, count: 2) == [1])
    }

    @Test("Names are sorted by bytes; renaming replaces; removing removes")
    func names() throws {
        for name in ["b", "a", "é", "A", "10", "9"] { _ = try disk.open(folder(name), .create) }
        #expect(try disk.names(in: folder.path) == ["10", "9", "A", "a", "b", "é"])
        try disk.open(folder("a"), .write).writeAll([7], at: 0)
        try disk.rename(folder("a"), to: folder("b"))
        #expect(try disk.open(folder("b"), .read).bytes(at: 0, count: 9) == [7])
        try disk.remove(folder("9"))
        try disk.syncFolder(folder.path)
        #expect(try disk.names(in: folder.path) == ["10", "A", "b", "é"])
        let error = #expect(throws: DiskError.self) { try disk.remove(folder("9")) }
        #expect(error?.isMissing == true)
    }

    @Test("A folder is made once, and its errors name the call and the path")
    func folders() throws {
        try disk.makeFolder(folder("log"))
        let error = #expect(throws: DiskError.self) { try disk.makeFolder(folder("log")) }
        #expect(error?.isExisting == true)
        #expect(error?.description.hasPrefix("make folder failed: \(folder("log")): ") == true)
        #expect(throws: DiskError(.list, folder("none"), code: 2)) { try disk.names(in: folder("none")) }
        #expect(throws: DiskError(.syncFolder, folder("none"), code: 2)) { try disk.syncFolder(folder("none")) }
    }

    @Test("A full disk is recognized, and also a disk that takes no bytes without an error")
    func full() {
        #expect(DiskError(.write, "file", code: DiskError.noSpace).isFull)
        #expect(!DiskError(.write, "file", code: 5).isFull)
        let error = #expect(throws: DiskError.self) { try ShortFile(step: 0).writeAll([1, 2], at: 0) }
        #expect(error?.isFull == true)
    }

    @Test("Whole reads and writes continue after short counts", arguments: 1...7)
    func shortCounts(step: Int) throws {
        let file = ShortFile(step: step)
        let bytes = (0..<100).map { UInt8($0) }
        try file.writeAll(bytes, at: 5)
        #expect(try file.bytes(at: 5, count: 100) == bytes)
        #expect(try file.bytes(at: 50, count: 1000) == Array(bytes[45...]))
    }
}

/// A file that reads and writes a few bytes a call.
private final class ShortFile: DiskFile, @unchecked Sendable {
    private let step: Int
    private var contents: [UInt8] = []

    init(step: Int) { self.step = step }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) -> Int {
        let count = max(0, min(step, buffer.count, contents.count - offset))
        for index in 0..<count { buffer[index] = contents[offset + index] }
        return count
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) -> Int {
        let count = min(step, bytes.count)
        while contents.count < offset + count { contents.append(0) }
        for index in 0..<count { contents[offset + index] = bytes[index] }
        return count
    }

    func sync(_ scope: SyncScope) throws(DiskError) {}

    func size() throws(DiskError) -> Int { contents.count }
}
