import SillokDisk

/// A call of a disk.
public enum DiskCall: Int, CaseIterable, Sendable {
    case read, write, sync, size, open, create, makeFolder, names, rename, remove, syncFolder

    /// Whether the call can change what is on the disk or in the cache, so that it matters where in it the power is
    /// cut.
    package var isChange: Bool {
        switch self {
        case .read, .size, .open, .names: false
        case .write, .sync, .create, .makeFolder, .rename, .remove, .syncFolder: true
        }
    }

    var operation: DiskError.Operation {
        switch self {
        case .read, .size: .read
        case .write: .write
        case .sync: .sync
        case .open, .create: .open
        case .makeFolder: .makeFolder
        case .names: .list
        case .rename: .rename
        case .remove: .remove
        case .syncFolder: .syncFolder
        }
    }
}

/// What goes wrong on a simulated disk while its power is on.
public struct DiskFaults: Sendable {
    /// How many of 1,000 calls of each kind fail with an I/O error, by ``DiskCall``.
    private var failures = [Int](repeating: 0, count: DiskCall.allCases.count)
    /// How many of 1,000 reads and writes process only a part of their bytes.
    public var shortCounts = 0
    /// The number of bytes that fit on the disk, or `nil` if it is never full.
    public var capacity: Int?

    /// Creates faults of which none ever happens.
    public init() {}

    /// How many of 1,000 calls of this kind fail.
    public subscript(call: DiskCall) -> Int {
        get { failures[call.rawValue] }
        set { failures[call.rawValue] = newValue }
    }
}
