import SillokCore
public import SillokDisk
import SillokSystem

/// A disk in memory that loses, tears and damages what real disks do, always in the same way for the same seed.
///
/// It keeps three things apart: what processes see, what a power cut leaves, and each write between the two. Its
/// assumptions are the worst that file systems allow:
/// - A power cut keeps any subset of the sectors (512 bytes) that were written since the last sync of their file.
/// - A new name, a rename and a removal are durable only after their folder was synced, and a file only if the names of
///   all folders above it are durable.
/// - A new length is durable only after a sync of all, not after one of the data. So it is for reserved space, which
///   reads as zeros.
/// - After a failed sync the cache keeps the new bytes, the disk has any of the versions, and no later sync writes
///   them.
///
/// One system at a time runs on the disk. ``cutPower()`` and ``killProcess()`` end it: all of its files fail from then
/// on.
public final class SimulatedDisk: Disk {
    struct State: Sendable {
        var image = DiskImage()
        var numbers: SimulationNumbers
        var faults = DiskFaults()
        var changes = 0
        var stop: Int?
        var failingChange: (left: Int, code: Int32)?
        var isStopped = false
        var planned: [PlannedFailure] = []
        var system = 0
        var observed: [ObservedWrite]?
        var unreadable: Set<UnreadableSector> = []
    }

    /// A call that is going to fail once.
    struct PlannedFailure: Sendable {
        let call: DiskCall
        var skipped: Int
        let code: Int32
    }

    /// A sector that cannot be read.
    struct UnreadableSector: Hashable, Sendable {
        let node: Int
        let sector: Int
    }

    /// A write as a file received it.
    package struct ObservedWrite: Hashable, Sendable {
        package let path: String
        package var range: Range<Int>
    }

    let state: Lock<State>
    /// Whether its file system can reserve space: three of four can.
    let canReserve: Bool

    /// Creates an empty disk.
    public init(seed: UInt64) {
        canReserve = seed % 4 != 3
        state = Lock(State(numbers: SimulationNumbers(seed: seed, purpose: 1)))
    }

    /// Begins new random numbers.
    package func reseed(_ seed: UInt64) {
        state.withLock { $0.numbers = SimulationNumbers(seed: seed, purpose: 1) }
    }

    // MARK: What goes wrong

    /// What goes wrong from now on.
    public var faults: DiskFaults {
        get { state.withLock { $0.faults } }
        set { state.withLock { $0.faults = newValue } }
    }

    /// The code of an I/O error: `EIO`.
    public static let failureCode = EIO

    /// Lets a call of this kind fail once, after `skipped` others of its kind.
    public func fail(_ call: DiskCall, after skipped: Int = 0, code: Int32 = SimulatedDisk.failureCode) {
        state.withLock { $0.planned.append(PlannedFailure(call: call, skipped: skipped, code: code)) }
    }

    /// Forgets the failures that ``fail(_:after:code:)`` has planned and that have not happened.
    public func forgetPlannedFailures() {
        state.withLock { ($0.planned, $0.failingChange) = ([], nil) }
    }

    /// The number of calls so far that can change the disk or its cache.
    public var changes: Int { state.withLock { $0.changes } }

    /// Stops the system in the middle of a later call that changes the disk, 0 for the next one: this call and all
    /// later ones fail, until the power is cut or the process is killed.
    public func stop(inChange index: Int?) { state.withLock { $0.stop = index.map { $0 + 1 } } }

    /// Lets a later call that changes the disk fail once, 0 for the next one.
    public func fail(inChange index: Int, code: Int32 = SimulatedDisk.failureCode) {
        state.withLock { $0.failingChange = (index + 1, code) }
    }

    /// Whether the system has been stopped in the middle of a call.
    public var isStopped: Bool { state.withLock { $0.isStopped } }

    /// Cuts the power: any of the unsynced writes and names are lost. The disk can then be used by a new system.
    public func cutPower() {
        state.withLock { state in
            let kept = state.numbers.element([0, 100, 500, 900, 1_000]) ?? 500
            var numbers = state.numbers
            state.image.cut { _, versions in
                guard numbers.happens(kept) else { return versions > 1 ? numbers.below(versions) : 0 }
                return versions
            }
            state.numbers = numbers
            state.restart()
        }
    }

    /// Cuts the power and decides what stays; see ``DiskImage/cut(_:)``.
    package func cutPower(_ choose: (_ index: Int, _ versions: Int) -> Int) {
        state.withLock { state in
            state.image.cut(choose)
            state.restart()
        }
    }

    /// Kills the process and leaves the cache, of which the system may forget clean pages.
    public func killProcess() {
        state.withLock { state in
            if state.numbers.happens(300) { state.image.evict() }
            state.restart()
        }
    }

    // MARK: What is on it

    /// Everything on the disk and in its cache. Setting it ends the running system.
    package var image: DiskImage {
        get { state.withLock { $0.image } }
        set {
            state.withLock { state in
                state.image = newValue
                state.restart()
            }
        }
    }

    /// The bytes of a file as processes see them; `nil` if there is none.
    public func bytes(of path: String) -> [UInt8]? {
        state.withLock { state in state.image.node(path).map { state.image[$0].seen } }
    }

    /// Replaces the bytes of a file on the disk and in the cache, as damage does. The file must exist.
    public func damage(_ path: String, _ change: (inout [UInt8]) -> Void) {
        state.withLock { state in
            guard let node = state.image.node(path) else { return }
            var bytes = state.image[node].seen
            change(&bytes)
            state.image[node].replace(bytes)
        }
    }

    /// Makes a sector of a file unreadable: reads of it fail from now on, until the sector is written.
    public func makeUnreadable(_ path: String, sector: Int) {
        state.withLock { state in
            guard let node = state.image.node(path) else { return }
            state.unreadable.insert(UnreadableSector(node: node, sector: sector))
        }
    }

    /// Whether any sector of a range of a file is unreadable.
    package func isUnreadable(_ path: String, _ range: Range<Int>) -> Bool {
        state.withLock { state in
            guard let node = state.image.node(path) else { return false }
            return state.unreadable.contains {
                $0.node == node && $0.sector * sectorBytes < range.upperBound
                    && ($0.sector + 1) * sectorBytes > range.lowerBound
            }
        }
    }

    /// Makes all sectors readable again.
    public func makeReadable() { state.withLock { $0.unreadable = [] } }

    /// Starts to note the writes, or returns and forgets those noted so far.
    package func takeObservedWrites() -> [ObservedWrite] {
        state.withLock { state in
            defer { state.observed = [] }
            return state.observed ?? []
        }
    }
}

extension SimulatedDisk.State {
    mutating func restart() {
        system += 1
        (stop, isStopped) = (nil, false)
    }

    /// Begins a call: fails if the system has ended, or if the call is to fail.
    ///
    /// Returns whether the system stops in this call: it then may take place in part, and fails.
    mutating func begin(_ call: DiskCall, of system: Int? = nil) -> (failure: Int32?, isStopping: Bool) {
        if isStopped || system.map({ $0 != self.system }) ?? false { return (EIO, false) }
        if call.isChange {
            changes += 1
            if let left = stop {
                stop = left - 1
                if left == 1 {
                    isStopped = true
                    return (EIO, true)
                }
            }
            if let failing = failingChange {
                failingChange = failing.left > 1 ? (failing.left - 1, failing.code) : nil
                if failing.left == 1 { return (failing.code, false) }
            }
        }
        if let code = takePlanned(call) { return (code, false) }
        return (numbers.happens(faults[call]) ? EIO : nil, false)
    }

    private mutating func takePlanned(_ call: DiskCall) -> Int32? {
        guard !planned.isEmpty, let index = planned.firstIndex(where: { $0.call == call }) else { return nil }
        if planned[index].skipped > 0 {
            planned[index].skipped -= 1
            return nil
        }
        return planned.remove(at: index).code
    }

    /// The number of bytes that may still be allocated.
    var room: Int { faults.capacity.map { max(0, $0 - image.usedBytes) } ?? .max }
}
