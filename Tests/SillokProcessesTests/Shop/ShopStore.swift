import Sillok
import SillokCore
import SillokLog
import SillokSQLite
import SillokTestSupport
import SillokTesting
import Testing

/// Which store a shop has.
enum ShopStore: CaseIterable, CustomTestStringConvertible, Sendable {
    case memory, file, folder

    /// Those on a disk.
    static let onDisk: [ShopStore] = [.file, .folder]

    var testDescription: String {
        switch self {
        case .memory: "memory"
        case .file: "SQLite"
        case .folder: "a folder"
        }
    }

    /// Opens a new store below a folder.
    func open(in folder: TemporaryFolder, _ clock: ManualClock) throws -> any EventStore {
        switch self {
        case .memory: MemoryEventStore(clock: clock.wallClock)
        case .file: try SQLiteEventStore(path: folder("shop.sqlite"), clock: clock.wallClock)
        case .folder: try LogEventStore(path: folder("shop.sillok"), clock: clock.wallClock)
        }
    }

    /// Opens a store of a folder as another process does while one writes.
    func openToRead(in folder: TemporaryFolder) throws -> any EventStore {
        self == .folder
            ? try LogEventStore(path: folder("shop.sillok"), mode: .readOnly)
            : try SQLiteEventStore(path: folder("shop.sqlite"), mode: .readOnly)
    }
}

extension World {
    /// Creates a world whose stores are of this kind and are removed with it.
    ///
    /// - Parameter hasOther: whether the stock and the outcomes are in a store of their own.
    convenience init(on kind: ShopStore, hasOther: Bool = false) throws {
        let clock = ManualClock()
        let folders = (0..<(hasOther ? 2 : 1)).map { _ in TemporaryFolder(inMemory: true) }
        let stores = try folders.map { try kind.open(in: $0, clock) }
        try self.init(stores[0], clock, other: hasOther ? stores[1] : nil, folders: folders)
    }
}
