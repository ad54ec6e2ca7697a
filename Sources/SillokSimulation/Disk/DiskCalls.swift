import SillokCore
public import SillokDisk
import SillokSystem

extension SimulatedDisk {
    /// Opens a file, or creates one that must not exist.
    public func open(_ path: String, _ mode: DiskFileMode) throws(DiskError) -> any DiskFile {
        guard mode == .create else {
            return try call(.open, path) { state -> CallResult<any DiskFile> in
                guard let node = state.image.node(path) else { return .failure(ENOENT) }
                guard !state.image.isFolder(node) else { return .failure(EISDIR) }
                return .success(SimulatedFile(self, path, node, state.system, isWritable: mode == .write))
            }
        }
        return try call(.create, path) { state -> CallResult<any DiskFile> in
            if let code = state.cannotCreate(path) { return .failure(code) }
            let node = state.image.create(path, isFolder: false)
            return .success(SimulatedFile(self, path, node, state.system, isWritable: true))
        }
    }

    /// Makes a folder, which must not exist.
    public func makeFolder(_ path: String) throws(DiskError) {
        try call(.makeFolder, path) { state -> CallResult<Void> in
            if let code = state.cannotCreate(path) { return .failure(code) }
            _ = state.image.create(path, isFolder: true)
            return .success(())
        }
    }

    /// Returns the names in a folder, sorted by their bytes.
    public func names(in folder: String) throws(DiskError) -> [String] {
        try call(.names, folder) { state -> CallResult<[String]> in
            guard let node = state.image.node(folder) else { return .failure(ENOENT) }
            return state.image.isFolder(node) ? .success(state.image.names(in: folder)) : .failure(ENOTDIR)
        }
    }

    /// Renames a file and replaces the file that has the new name.
    public func rename(_ path: String, to newPath: String) throws(DiskError) {
        try call(.rename, path) { state -> CallResult<Void> in
            guard let node = state.image.node(path) else { return .failure(ENOENT) }
            guard !state.image.isFolder(node), DiskImage.folder(of: path) == DiskImage.folder(of: newPath) else {
                return .failure(EINVAL)
            }
            state.image.rename(path, to: newPath)
            return .success(())
        }
    }

    /// Removes a file.
    public func remove(_ path: String) throws(DiskError) {
        try call(.remove, path) { state -> CallResult<Void> in
            guard let node = state.image.node(path) else { return .failure(ENOENT) }
            guard !state.image.isFolder(node) else { return .failure(EISDIR) }
            state.image.remove(path)
            return .success(())
        }
    }

    /// Makes the names in a folder durable.
    public func syncFolder(_ path: String) throws(DiskError) {
        try call(.syncFolder, path) { state -> CallResult<Void> in
            guard let node = state.image.node(path) else { return .failure(ENOENT) }
            guard state.image.isFolder(node) else { return .failure(ENOTDIR) }
            state.image.syncFolder(path)
            return .success(())
        }
    }

    /// Runs a call that takes place as a whole or not at all. A call in which the system stops may have taken place.
    private func call<Value>(
        _ call: DiskCall, _ path: String, _ body: (inout State) -> CallResult<Value>
    ) throws(DiskError) -> Value {
        let result = state.withLock { state -> CallResult<Value> in
            let begun = state.begin(call)
            guard let failure = begun.failure else { return body(&state) }
            if begun.isStopping, call != .syncFolder, state.numbers.happens(500) { _ = body(&state) }
            return .failure(failure)
        }
        switch result {
        case .success(let value): return value
        case .failure(let code): throw DiskError(call.operation, path, code: code)
        }
    }
}

private enum CallResult<Value> {
    case success(Value)
    case failure(Int32)
}

extension SimulatedDisk.State {
    fileprivate func cannotCreate(_ path: String) -> Int32? {
        if image.node(path) != nil { return EEXIST }
        guard let folder = image.node(DiskImage.folder(of: path)) else { return ENOENT }
        if !image.isFolder(folder) { return ENOTDIR }
        return room == 0 ? ENOSPC : nil
    }
}

/// An open file of a simulated disk.
final class SimulatedFile: DiskFile {
    private let disk: SimulatedDisk
    private let path: String
    private let node: Int
    private let system: Int
    private let isWritable: Bool

    init(_ disk: SimulatedDisk, _ path: String, _ node: Int, _ system: Int, isWritable: Bool) {
        (self.disk, self.path, self.node, self.system) = (disk, path, node, system)
        self.isWritable = isWritable
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) -> Int {
        let (count, code) = disk.state.withLock { state -> (Int, Int32?) in
            if let code = state.begin(.read, of: system).failure { return (0, code) }
            var count = min(buffer.count, max(0, state.image[node].seen.count - offset))
            guard count > 0 else { return (0, nil) }
            if state.numbers.happens(state.faults.shortCounts) { count = state.numbers.number(1...count) }
            if !state.unreadable.isEmpty {
                for sector in offset / sectorBytes...(offset + count - 1) / sectorBytes
                where state.unreadable.contains(.init(node: node, sector: sector)) {
                    let sound = sector * sectorBytes - offset
                    guard sound > 0 else { return (0, EIO) }
                    count = sound
                    break
                }
            }
            state.image[node].seen.withUnsafeBytes { bytes in
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
            }
            return (count, nil)
        }
        if let code { throw failure(.read, code) }
        return count
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) -> Int {
        guard isWritable else { throw failure(.write, EBADF) }
        let (count, code) = disk.state.withLock { state -> (Int, Int32?) in
            let begun = state.begin(.write, of: system)
            if let code = begun.failure {
                // The kernel may have taken a part of the bytes before the call failed or the system stopped.
                guard begun.isStopping || !state.isStopped, system == state.system else { return (0, code) }
                let part = state.numbers.element([0, bytes.count, state.numbers.below(bytes.count + 1)]) ?? 0
                state.write(bytes.prefix(part), at: offset, of: node, path)
                return (0, code)
            }
            var count = bytes.count
            if state.numbers.happens(state.faults.shortCounts) { count = state.numbers.number(min(1, count)...count) }
            if state.faults.capacity != nil {
                let size = state.image[node].seen.count
                count = min(count, max(0, size - offset) + state.room)
                if count == 0, !bytes.isEmpty { return (0, ENOSPC) }
            }
            state.write(bytes.prefix(count), at: offset, of: node, path)
            return (count, nil)
        }
        if let code { throw failure(.write, code) }
        return count
    }

    func reserve(_ bytes: Int) throws(DiskError) -> Bool {
        guard disk.canReserve, isWritable else { return false }
        let code = disk.state.withLock { state -> Int32? in
            if let code = state.begin(.write, of: system).failure { return code }
            if bytes - state.image[node].seen.count > state.room { return ENOSPC }
            state.image[node].extend(to: bytes)
            return nil
        }
        if let code { throw failure(.write, code) }
        return true
    }

    func sync(_ scope: SyncScope) throws(DiskError) {
        let code = disk.state.withLock { state -> Int32? in
            let begun = state.begin(.sync, of: system)
            guard let code = begun.failure else {
                state.image[node].sync(withLength: scope == .all)
                return nil
            }
            if begun.isStopping || state.isStopped || system != state.system { return code }
            var numbers = state.numbers
            state.image[node].failSync { numbers.below($0 + 1) }
            state.numbers = numbers
            return code
        }
        if let code { throw failure(.sync, code) }
    }

    func dropCache() { disk.state.withLock { $0.image[node].evict() } }

    func size() throws(DiskError) -> Int {
        let (size, code) = disk.state.withLock { state -> (Int, Int32?) in
            (state.image[node].seen.count, state.begin(.size, of: system).failure)
        }
        if let code { throw failure(.size, code) }
        return size
    }

    private func failure(_ call: DiskCall, _ code: Int32) -> DiskError {
        DiskError(call.operation, path, code: code)
    }
}

extension SimulatedDisk.State {
    fileprivate mutating func write(
        _ bytes: Slice<UnsafeRawBufferPointer>, at offset: Int, of node: Int, _ path: String
    ) {
        guard !bytes.isEmpty else { return }
        let range = offset..<offset + bytes.count
        image[node].write(UnsafeRawBufferPointer(rebasing: bytes), at: offset)
        if !unreadable.isEmpty {
            for sector in range.lowerBound / sectorBytes...(range.upperBound - 1) / sectorBytes {
                unreadable.remove(.init(node: node, sector: sector))
            }
        }
        guard observed != nil else { return }
        if let last = observed?.last, last.path == path, last.range.upperBound == offset {
            observed?.removeLast()
            observed?.append(.init(path: path, range: last.range.lowerBound..<range.upperBound))
        } else {
            observed?.append(.init(path: path, range: range))
        }
    }
}
