import Foundation
import Sillok
import SillokLog
import SillokSQL
import SillokSQLite
import SillokTerminal

/// A store in a file or in a folder of this machine, to which one process at a time writes.
protocol LocalStore: SelfChecking {
    /// The path of the file or of the folder.
    var path: String { get }

    /// The number of bytes that its files take.
    var storedBytes: UInt64 { get }

    /// The read model in the store's own files.
    var readModel: StoreReadModel { get }

    /// Calls `observe` after every commit that contains appends.
    func onCommit(_ observe: @escaping @Sendable (CommitMeasurement) -> Void)

    /// Writes a copy of the store to a new path, and verifies it.
    func backup(to path: String, progress: @escaping @Sendable (WorkProgress) -> Void) async throws -> BackupReport

    /// Closes the store, and removes its files if this opening has made it and nothing was written to it.
    func closeIfUnusedRemoving() async

    func close() async
}

extension LogEventStore.Mode {
    init(_ mode: SQLiteEventStore.Mode) {
        self =
            switch mode {
            case .create: .create
            case .existing: .existing
            case .readOnly: .readOnly
            }
    }
}

/// The kind of a store, which its path shows.
enum StoreKind {
    case file
    /// A folder with a log in segments, whose name ends with `.sillok`.
    case folder

    init(path: String) {
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        self = exists && isFolder.boolValue || !exists && path.hasSuffix(".sillok") ? .folder : .file
    }

    /// Returns whether a store is at a path. It has a read model in its own files.
    static func isStore(at path: String) -> Bool {
        StoreKind(path: path) == .folder || SQLiteEventStore.isStore(at: path)
    }

    /// Says why a store at a path may be lost although it is synced; `nil` on the file system of a disk.
    static func warning(at path: String) -> String? { SQLiteEventStore.fileSystemWarning(at: path) }

    /// Opens the store at a path.
    func open(
        _ path: String, _ mode: SQLiteEventStore.Mode, _ limits: Limits,
        progress: @escaping @Sendable (WorkProgress) -> Void
    ) throws -> any LocalStore {
        switch self {
        case .file: try SQLiteEventStore(path: path, mode: mode, limits: limits, progress: progress)
        case .folder: try LogEventStore(path: path, mode: .init(mode), limits: limits, progress: progress)
        }
    }
}

extension StoreArgument {
    /// Opens the store and the read model in it, and closes both after `body`.
    func withOwnModel<Result>(
        _ mode: SQLiteEventStore.Mode, _ body: (any LocalStore, any ReadModel) async throws -> Result
    ) async throws -> Result {
        try await with(mode) { opened in
            try await body(opened, opened.readModel)
        }
    }
}

extension LocalStore {
    /// Closes the store after `body`. If `body` fails, a store that was made for it and that nothing was written to is
    /// removed.
    func closing<Result>(after body: (Self) async throws -> Result) async throws -> Result {
        do {
            let result = try await body(self)
            await close()
            return result
        } catch {
            await closeIfUnusedRemoving()
            throw error
        }
    }

    /// The bytes of the files of its path with these endings.
    func bytes(ofFiles endings: [String]) -> UInt64 {
        endings.reduce(0) { sum, ending in
            let attributes = try? FileManager.default.attributesOfItem(atPath: path + ending)
            return sum + ((attributes?[.size] as? NSNumber)?.uint64Value ?? 0)
        }
    }
}

extension SQLiteEventStore: LocalStore {
    func closeIfUnusedRemoving() async { await closeRemovingFiles(onlyIfUnused: true) }
    var storedBytes: UInt64 { bytes(ofFiles: ["", "-wal"]) }
}

extension LogEventStore: LocalStore {
    func closeIfUnusedRemoving() async { await closeRemovingFiles(onlyIfUnused: true) }

    var storedBytes: UInt64 {
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []
        return bytes(ofFiles: names.map { "/" + $0 })
    }
}
