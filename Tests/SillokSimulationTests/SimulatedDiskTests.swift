import SillokDisk
import SillokTestSupport
import SillokSystem
import Testing

@testable import SillokSimulation

/// What a simulated disk keeps and loses.
@Suite struct SimulatedDiskTests {
    let disk = SimulatedDisk(seed: 1)

    private func file(_ path: String = "a", _ bytes: [UInt8] = [], isDurable: Bool = true) throws -> any DiskFile {
        let file = try disk.open(path, .create)
        try file.writeAll(bytes, at: 0)
        guard isDurable else { return file }
        try file.sync(.all)
        try disk.syncFolder(DiskImage.folder(of: path))
        return file
    }

    @Test("a synced file survives every power cut")
    func synced() throws {
        _ = try file("a", [1, 2, 3])
        for _ in 0..<10 { disk.cutPower() }
        #expect(disk.bytes(of: "a") == [1, 2, 3])
    }

    @Test("an unsynced name is lost with its bytes, and comes back under the old name after a rename")
    func names() throws {
        _ = try file("a", [1])
        try disk.rename("a", to: "b")
        #expect(try disk.names(in: "") == ["b"])
        disk.cutPower { _, _ in 0 }
        #expect(try disk.names(in: "") == ["a"])
        let new = try file("c", [1], isDurable: false)
        try new.sync(.all)
        disk.cutPower { _, _ in 0 }
        #expect(try disk.names(in: "") == ["a"])
        try disk.makeFolder("folder")
        _ = try file("folder/d", [1])
        disk.cutPower { _, _ in 0 }
        #expect(disk.bytes(of: "folder/d") == nil)
    }

    @Test("every subset of unsynced sectors can stay")
    func subsets() throws {
        let file = try file("a", [UInt8](repeating: 0, count: 4 * sectorBytes))
        let empty = disk.image
        try file.writeAll([UInt8](repeating: 7, count: 4 * sectorBytes), at: 0)
        let full = disk.image
        #expect(full.unsynced == [1, 1, 1, 1])
        var seen: Set<[UInt8]> = []
        for mask in 0..<16 {
            disk.image = full
            disk.cutPower { index, versions in mask >> index & 1 == 1 ? versions : 0 }
            let bytes = try #require(disk.bytes(of: "a"))
            for sector in 0..<4 { #expect(bytes[sector * sectorBytes] == (mask >> sector & 1 == 1 ? 7 : 0)) }
            seen.insert(bytes)
        }
        #expect(seen.count == 16)
        disk.image = empty
        #expect(disk.bytes(of: "a")?.allSatisfy { $0 == 0 } == true)
    }

    @Test("a power cut leaves any of the versions of a sector")
    func versions() throws {
        let file = try file("a", [0])
        for byte in 1...3 as ClosedRange<UInt8> { try file.writeAll([byte], at: 0) }
        let full = disk.image
        #expect(full.unsynced == [3])
        for version in 0...3 {
            disk.image = full
            disk.cutPower { _, _ in version }
            #expect(disk.bytes(of: "a") == [UInt8(version)])
        }
    }

    @Test("a new length is durable only after a sync of all")
    func lengths() throws {
        let file = try file("a", [1])
        try file.writeAll([UInt8](repeating: 2, count: 1_000), at: 0)
        try file.sync(.data)
        let synced = disk.image
        disk.cutPower { _, _ in 0 }
        #expect(disk.bytes(of: "a") == [2])
        disk.image = synced
        disk.cutPower { _, versions in versions }
        #expect(disk.bytes(of: "a")?.count == 1_000)
    }

    @Test("reserved space reads as zeros, counts as used, and is lost in a power cut before a sync of all")
    func reserved() throws {
        let file = try file("a", [])
        #expect(try file.reserve(1_000))
        #expect(try file.bytes(at: 0, count: 2_000) == [UInt8](repeating: 0, count: 1_000))
        disk.cutPower { _, _ in 0 }
        #expect(disk.bytes(of: "a") == [])
        let again = try disk.open("a", .write)
        #expect(try again.reserve(1_000))
        try again.sync(.all)
        try again.writeAll([1, 2], at: 600)
        try again.sync(.data)
        disk.cutPower { _, _ in 0 }
        #expect(disk.bytes(of: "a")?.count == 1_000 && disk.bytes(of: "a")?[600...601] == [1, 2])
        disk.faults.capacity = 2_000
        #expect(throws: DiskError(.write, "b", code: DiskError.noSpace)) { try self.file("b", []).reserve(1_001) }
        #expect(try SimulatedDisk(seed: 3).open("a", .create).reserve(1_000) == false)
    }

    @Test("after a failed sync the cache has what the disk has not, and a later sync does not write it")
    func failedSync() throws {
        var differs = 0
        for seed in 0..<20 as Range<UInt64> {
            let disk = SimulatedDisk(seed: seed)
            let file = try disk.open("a", .create)
            try file.writeAll([1], at: 0)
            try file.sync(.all)
            try disk.syncFolder("")
            try file.writeAll([2], at: 0)
            disk.fail(.sync)
            #expect(throws: DiskError(.sync, "a", code: EIO)) { try file.sync(.data) }
            try file.sync(.all)
            #expect(disk.bytes(of: "a") == [2])
            disk.cutPower { _, versions in versions }
            if disk.bytes(of: "a") == [1] { differs += 1 }
        }
        #expect(differs > 3 && differs < 17)
    }

    @Test("bytes that are written again after a failed sync become durable")
    func writtenAgain() throws {
        for seed in 0..<20 as Range<UInt64> {
            let disk = SimulatedDisk(seed: seed)
            let file = try disk.open("a", .create)
            try file.writeAll([1], at: 0)
            try file.sync(.all)
            try disk.syncFolder("")
            try file.writeAll([2], at: 0)
            disk.fail(.sync)
            #expect(throws: DiskError.self) { try file.sync(.data) }
            try file.writeAll([2], at: 0)
            try file.sync(.data)
            disk.cutPower { _, _ in 0 }
            #expect(disk.bytes(of: "a") == [2])
        }
    }

    @Test("a stop ends the system in the middle of a call, and files of an ended system fail")
    func stops() throws {
        let file = try file("a", [1])
        disk.stop(inChange: 1)
        try file.writeAll([2], at: 0)
        #expect(throws: DiskError.self) { try file.writeAll([3], at: 0) }
        #expect(disk.isStopped)
        #expect(throws: DiskError.self) { _ = try file.bytes(at: 0, count: 1) }
        #expect(throws: DiskError.self) { _ = try disk.names(in: "") }
        disk.killProcess()
        #expect(throws: DiskError.self) { _ = try file.bytes(at: 0, count: 1) }
        #expect(try [[2], [3]].contains(disk.open("a", .read).bytes(at: 0, count: 1)))
    }

    @Test("a full disk refuses new bytes and takes those that replace others")
    func full() throws {
        disk.faults.capacity = 1_000
        let file = try file("a", [UInt8](repeating: 1, count: 900))
        #expect(throws: DiskError(.write, "a", code: ENOSPC)) {
            try file.writeAll([UInt8](repeating: 2, count: 200), at: 900)
        }
        try file.writeAll([UInt8](repeating: 3, count: 900), at: 0)
        #expect(throws: DiskError(.open, "b", code: ENOSPC)) { _ = try disk.open("b", .create) }
        try disk.remove("a")
        _ = try disk.open("b", .create)
    }

    @Test("an unreadable sector fails until it is written")
    func unreadable() throws {
        let file = try file("a", [UInt8](repeating: 1, count: 4 * sectorBytes))
        disk.makeUnreadable("a", sector: 2)
        #expect(try file.bytes(at: 0, count: 2 * sectorBytes).count == 2 * sectorBytes)
        #expect(throws: DiskError.self) { _ = try file.bytes(at: 0, count: 4 * sectorBytes) }
        try file.writeAll([UInt8](repeating: 2, count: sectorBytes), at: 2 * sectorBytes)
        #expect(try file.bytes(at: 0, count: 4 * sectorBytes).count == 4 * sectorBytes)
    }

    @Test("a name that was not synced may be lost, as the landing page says")
    func example() throws {
        let bytes: [UInt8] = [1, 2, 3]
        let disk = SimulatedDisk(seed: 7)
        let file = try disk.open("log", .create)
        try file.writeAll(bytes, at: 0)
        try file.sync(.all)

        // The bytes were synced, but not the name: the file may be gone.
        disk.cutPower()
        let kept = try disk.names(in: "")
        #expect(kept.isEmpty || kept == ["log"])
    }

    @Test("without faults it answers as the system's disk does")
    func systemDisk() throws {
        let folder = TemporaryFolder()
        let numbers = SeededNumbers()
        var random = SimulationNumbers(seed: numbers.seed)
        let disks: [(disk: any Disk, root: String)] = [(SystemDisk(), folder("r")), (disk, "r")]
        for (disk, root) in disks { try disk.makeFolder(root) }
        for _ in 0..<2_000 {
            let seed = random.next()
            let answers = disks.map { RandomCall(disk: $0.disk, root: $0.root, seed: seed).answer() }
            #expect(answers[0] == answers[1], "seed \(numbers.seed)")
        }
    }
}

/// A call with a file that is opened for it.
private struct RandomCall {
    let disk: any Disk
    let root: String
    let seed: UInt64

    func answer() -> String {
        var numbers = SimulationNumbers(seed: seed)
        let (name, other) = ("\(root)/\(numbers.below(4))", "\(root)/\(numbers.below(4))")
        let (offset, count) = (numbers.below(3_000), numbers.below(2_000))
        do throws(DiskError) {
            switch numbers.below(9) {
            case 0: _ = try disk.open(name, .create)
            case 1: return try "\(disk.names(in: root))"
            case 2: try disk.remove(name)
            case 3: try disk.rename(name, to: other)
            case 4: try disk.syncFolder(root)
            case 5: return try "\(disk.open(name, .read).size())"
            case 6: return try "\(disk.open(name, .read).bytes(at: offset, count: count))"
            case 7:
                let bytes = [UInt8](repeating: UInt8(count % 256), count: count)
                try disk.open(name, .write).writeAll(bytes, at: offset)
            default: try disk.makeFolder(name == other ? root : "\(root)/folder-\(count % 3)")
            }
            return "done"
        } catch {
            return "\(error.operation) \(error.code)"
        }
    }
}
