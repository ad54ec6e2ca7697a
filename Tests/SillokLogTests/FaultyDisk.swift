import SillokCore
import SillokDisk
import SillokTestSupport

/// The disk of the system, which a test can make fail.
final class FaultyDisk: Disk {
    struct Faults: Sendable {
        /// The code with which no file can be created.
        var creating: Int32?
        /// The code with which segments cannot be synced.
        var syncing: Int32?
    }

    /// A moment in the work of the thread that appends.
    enum Moment: String, Sendable {
        case beforeWrite, beforeSync, afterSync
    }

    let faults = Lock(Faults())
    /// The numbers of bytes of the writes to segments.
    let writes = Lock<[Int]>([])
    /// The segments that were read.
    let reads = Lock<Set<String>>([])
    /// How often a file could not be created.
    let failedCreations = Lock(0)
    /// Is called on the thread that writes or syncs a segment.
    let onMoment = Lock<(@Sendable (Moment) -> Void)?>(nil)
    private let disk = SystemDisk()

    func open(_ path: String, _ mode: DiskFileMode) throws(DiskError) -> any DiskFile {
        if mode == .create, let code = faults.withLock({ $0.creating }) {
            failedCreations.withLock { $0 += 1 }
            throw DiskError(.open, path, code: code)
        }
        return FaultyFile(try disk.open(path, mode), path, self)
    }

    fileprivate func note(_ moment: Moment, _ path: String) {
        if path.hasSuffix(".seg"), let onMoment = onMoment.withLock({ $0 }) { onMoment(moment) }
    }

    func makeFolder(_ path: String) throws(DiskError) { try disk.makeFolder(path) }

    func names(in folder: String) throws(DiskError) -> [String] { try disk.names(in: folder) }

    func rename(_ path: String, to newPath: String) throws(DiskError) { try disk.rename(path, to: newPath) }

    func remove(_ path: String) throws(DiskError) { try disk.remove(path) }

    func syncFolder(_ path: String) throws(DiskError) { try disk.syncFolder(path) }
}

private final class FaultyFile: DiskFile {
    private let file: any DiskFile
    private let path: String
    private let disk: FaultyDisk

    init(_ file: any DiskFile, _ path: String, _ disk: FaultyDisk) {
        (self.file, self.path, self.disk) = (file, path, disk)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) -> Int {
        if path.hasSuffix(".seg") { _ = disk.reads.withLock { $0.insert(path) } }
        return try file.read(into: buffer, at: offset)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) -> Int {
        if path.hasSuffix(".seg") { disk.writes.withLock { $0.append(bytes.count) } }
        disk.note(.beforeWrite, path)
        return try file.write(bytes, at: offset)
    }

    func reserve(_ bytes: Int) throws(DiskError) -> Bool { try file.reserve(bytes) }

    func sync(_ scope: SyncScope) throws(DiskError) {
        if path.hasSuffix(".seg"), let code = disk.faults.withLock({ $0.syncing }) {
            throw DiskError(.sync, path, code: code)
        }
        disk.note(.beforeSync, path)
        try file.sync(scope)
        disk.note(.afterSync, path)
    }

    func size() throws(DiskError) -> Int { try file.size() }
}
