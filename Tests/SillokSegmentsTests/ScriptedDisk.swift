import SillokCore
import SillokDisk

/// A disk that passes calls on, remembers them, and lets a script fail them or cut them short.
final class ScriptedDisk: Disk {
    struct Call: Hashable, Sendable {
        var operation: DiskError.Operation
        /// The last part of the path.
        var name: String
    }

    struct State {
        var calls: [Call] = []
        /// Returns the error code of the next call, or `nil` if it succeeds.
        var failure: @Sendable (Call) -> Int32? = { _ in nil }
        /// The largest number of bytes that a read or a write processes.
        var step = Int.max
    }

    private let disk: any Disk
    let state = Lock(State())

    init(_ disk: any Disk = SystemDisk()) { self.disk = disk }

    var calls: [Call] { state.withLock { $0.calls } }

    func fail(_ failure: @escaping @Sendable (Call) -> Int32?) { state.withLock { $0.failure = failure } }
    func succeed() { fail { _ in nil } }
    func forgetCalls() { state.withLock { $0.calls = [] } }

    fileprivate func begin(_ operation: DiskError.Operation, _ path: String) throws(DiskError) {
        let call = Call(operation: operation, name: path.split(separator: "/").last.map { String($0) } ?? path)
        let code = state.withLock { state in
            state.calls.append(call)
            return state.failure(call)
        }
        if let code { throw DiskError(operation, path, code: code) }
    }

    func open(_ path: String, _ mode: DiskFileMode) throws(DiskError) -> any DiskFile {
        try begin(.open, path)
        return ScriptedFile(try disk.open(path, mode), path, self)
    }

    func makeFolder(_ path: String) throws(DiskError) {
        try begin(.makeFolder, path)
        try disk.makeFolder(path)
    }

    func names(in folder: String) throws(DiskError) -> [String] {
        try begin(.list, folder)
        return try disk.names(in: folder)
    }

    func rename(_ path: String, to newPath: String) throws(DiskError) {
        try begin(.rename, path)
        try disk.rename(path, to: newPath)
    }

    func remove(_ path: String) throws(DiskError) {
        try begin(.remove, path)
        try disk.remove(path)
    }

    func syncFolder(_ path: String) throws(DiskError) {
        try begin(.syncFolder, path)
        try disk.syncFolder(path)
    }
}

private final class ScriptedFile: DiskFile {
    private let file: any DiskFile
    private let path: String
    private let disk: ScriptedDisk

    init(_ file: any DiskFile, _ path: String, _ disk: ScriptedDisk) {
        self.file = file
        self.path = path
        self.disk = disk
    }

    private var step: Int { disk.state.withLock { $0.step } }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) -> Int {
        try disk.begin(.read, path)
        return try file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(step)), at: offset)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) -> Int {
        try disk.begin(.write, path)
        return try file.write(UnsafeRawBufferPointer(rebasing: bytes.prefix(step)), at: offset)
    }

    func reserve(_ bytes: Int) throws(DiskError) -> Bool {
        try disk.begin(.write, path)
        return try file.reserve(bytes)
    }

    func sync(_ scope: SyncScope) throws(DiskError) {
        try disk.begin(.sync, path)
        try file.sync(scope)
    }

    func size() throws(DiskError) -> Int { try file.size() }
}
