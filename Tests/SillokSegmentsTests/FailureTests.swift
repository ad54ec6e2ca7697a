import SillokCore
import SillokDisk
import SillokTestSupport
import Testing

@testable import SillokSegments

/// What the log does when calls to the disk fail, and in which order it makes things durable.
@Suite struct FailureTests {
    private static let failed: Int32 = 5

    @Test("10: a segment is filled, synced and its name is synced before a group is written to it; parents too")
    func orderOfCreation() throws {
        let play = LogPlay()
        let disk = ScriptedDisk()
        (play.disk, play.settings.zeroedBytes) = (disk, 0)
        let log = try play.begin()
        let creation = disk.calls
        let store = try #require(creation.firstIndex { $0 == .init(operation: .rename, name: "store.new") })
        for folder in ["bank.sillok", "log", play.files.path.split(separator: "/").last.map { String($0) } ?? ""] {
            let synced = creation.firstIndex { $0 == .init(operation: .syncFolder, name: folder) }
            #expect(try #require(synced) < store, "\(folder) is synced before the log has a name")
        }
        #expect(creation[store...].contains(.init(operation: .syncFolder, name: "bank.sillok")))
        try play.append(group: [3000], to: log)
        disk.forgetCalls()
        try play.append(group: [3000], to: log)
        let first = "00000000000000000001.seg", second = "00000000000000000002.seg"
        #expect(
            disk.calls.filter { $0.name != "durable" } == [
                .init(operation: .open, name: second),
                .init(operation: .write, name: second), .init(operation: .sync, name: second),
                .init(operation: .write, name: second), .init(operation: .sync, name: second),
                .init(operation: .syncFolder, name: "log"),
                // The seal.
                .init(operation: .write, name: first), .init(operation: .sync, name: first),
                .init(operation: .write, name: second), .init(operation: .sync, name: second),
            ])
    }

    @Test("7, 8: after a failed write or sync the log takes nothing more, and a later opening has what was durable")
    func failStop() throws {
        for operation in [DiskError.Operation.write, .sync] {
            let play = LogPlay()
            let disk = ScriptedDisk()
            play.disk = disk
            let log = try play.begin()
            try play.append([100], to: log)
            disk.fail { $0.operation == operation && $0.name.hasSuffix(".seg") ? FailureTests.failed : nil }
            let error = #expect(throws: LogError.self) { try play.append([200], to: log) }
            guard case .disk(let cause) = error else { throw try #require(error) }
            #expect(cause.operation == operation && cause.code == FailureTests.failed)
            disk.succeed()
            #expect(log.failure != nil)
            #expect(log.durableHead == 1)
            disk.forgetCalls()
            for call in [{ try play.append([300], to: log) }, { try log.sync() }, { try log.writeMark() }] {
                let error = #expect(throws: LogError.self) { try call() }
                guard case .stopped = error else { throw try #require(error) }
            }
            #expect(!disk.calls.contains { $0.operation == .write || $0.operation == .sync })
            // A failed write left nothing; what a failed sync left is whole in the cache, and is made durable.
            #expect(try play.payloads(of: try play.open()) == (operation == .write ? [100] : [100, 200]))
        }
    }

    @Test("7: a write that ends in the middle is no group, and the next opening cuts it")
    func partialWrite() throws {
        let play = LogPlay()
        let disk = ScriptedDisk()
        play.disk = disk
        let log = try play.begin()
        try play.append([100], to: log)
        disk.state.withLock { $0.step = 50 }
        let writes = Lock(0)
        disk.fail { call in
            guard call.operation == .write, call.name.hasSuffix(".seg") else { return nil }
            return writes.withLock { count in
                count += 1
                return count == 4 ? FailureTests.failed : nil
            }
        }
        #expect(throws: LogError.self) { try play.append([300], to: log) }
        disk.succeed()
        disk.state.withLock { $0.step = .max }
        let opened = try play.open()
        try play.append([10], to: opened)
        #expect(try play.payloads(of: try play.open()) == [100, 10])
    }

    @Test("Reads and writes of a few bytes a call are as good as whole ones")
    func shortCounts() throws {
        let play = LogPlay()
        let disk = ScriptedDisk()
        play.disk = disk
        disk.state.withLock { $0.step = 37 }
        let log = try play.begin()
        try play.append([100, 2000, 3000, 5], to: log)
        #expect(try play.payloads(of: log) == [100, 2000, 3000, 5])
        #expect(try play.payloads(of: try play.open()) == [100, 2000, 3000, 5])
    }

    @Test("21: without space for the next segment nothing is written, and the log continues when there is space")
    func full() throws {
        let play = LogPlay()
        let disk = ScriptedDisk()
        play.disk = disk
        let log = try play.begin()
        try play.append([3000], to: log)
        let before = try play.bytes(1)
        for failing in [DiskError.Operation.open, .write, .sync, .syncFolder] {
            disk.fail { call in
                let isNew = call.name == "00000000000000000002.seg" || call.name == "log"
                return call.operation == failing && isNew ? DiskError.noSpace : nil
            }
            let error = #expect(throws: LogError.self) { try play.append([3000], to: log) }
            guard case .full = error else { throw try #require(error) }
            let prepared = #expect(throws: LogError.self) { try log.upkeep.prepareNextSegment() }
            guard case .full = prepared else { throw try #require(prepared) }
            #expect(log.failure == nil)
            #expect(log.writtenHead == 1)
            #expect(try play.bytes(1) == before)
            #expect(try SystemDisk().names(in: play.folder + "/log") == ["00000000000000000001.seg"])
        }
        // A smaller group still fits.
        try play.append([10], to: log)
        disk.succeed()
        try play.append([3000], to: log)
        #expect(try play.payloads(of: try play.open()) == [3000, 10, 3000])
    }

    @Test("A failed preparation stops nothing")
    func failedPreparation() throws {
        let play = LogPlay()
        let disk = ScriptedDisk()
        play.disk = disk
        let log = try play.begin()
        try play.append([2500], to: log)
        disk.fail { $0.name == "00000000000000000002.seg" && $0.operation == .sync ? FailureTests.failed : nil }
        #expect(throws: LogError.self) { try log.upkeep.prepareNextSegment() }
        #expect(log.nextSegmentIsDue)
        disk.succeed()
        try play.append([10, 3000], to: log)
        #expect(try play.payloads(of: try play.open()) == [2500, 10, 3000])
    }

    @Test("The file durable is only a help: the log works without it")
    func withoutDurableFile() throws {
        let play = LogPlay()
        let disk = ScriptedDisk()
        play.disk = disk
        disk.fail { $0.name == "durable" ? FailureTests.failed : nil }
        let log = try play.begin()
        try play.append([100, 3000, 3000], to: log)
        #expect(try play.payloads(of: try play.open()) == [100, 3000, 3000])
    }

    @Test("An interrupted creation is completed, at every call")
    func interruptedCreation() throws {
        let counted = LogPlay()
        let counter = ScriptedDisk()
        counted.disk = counter
        try counted.create()
        for failing in 0..<counter.calls.count {
            let play = LogPlay()
            let disk = ScriptedDisk()
            play.disk = disk
            let calls = Lock(0)
            disk.fail { _ in
                calls.withLock { number in
                    number += 1
                    return number > failing ? FailureTests.failed : nil
                }
            }
            #expect(throws: LogError.self) { try play.create() }
            disk.succeed()
            if try !SegmentLog.exists(play.folder, on: disk) { try play.create() }
            let log = try play.open()
            try play.append([1], to: log)
            #expect(try play.payloads(of: log) == [1])
        }
    }

    @Test("A log is created once, and segments without the file store are left alone")
    func existing() throws {
        let play = LogPlay()
        let log = try play.begin()
        try play.append([1], to: log)
        let error = #expect(throws: LogError.self) { try play.create() }
        guard case .exists = error else { throw try #require(error) }
        try SystemDisk().remove(play.folder + "/store")
        let before = try play.bytes(1)
        let lost = #expect(throws: LogError.self) { try play.create() }
        #expect(lost?.damage?.reason.contains("no file `store`") == true)
        #expect(try play.bytes(1) == before)
    }

    @Test("The file store of another format or with a flip is refused, and a missing one is not created")
    func storeFile() throws {
        let play = LogPlay()
        let missing = #expect(throws: LogError.self) { try play.open() }
        guard case .missing = missing else { throw try #require(missing) }
        #expect(try !SegmentLog.exists(play.folder, on: play.disk))
        try play.create()
        let sound = try SystemDisk().open(play.folder + "/store", .read).bytes(at: 0, count: 100)
        let file = try SystemDisk().open(play.folder + "/store", .write)
        for bit in 0..<sound.count * 8 {
            var bytes = sound
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            try file.writeAll(bytes, at: 0)
            #expect(throws: LogError.self) { try play.open() }
        }
        try file.writeAll(sound, at: 0)
        #expect(try play.open().identity == play.identity)
        try file.writeAll([2], at: 8)
        let newer = #expect(throws: LogError.self) { try play.open() }
        #expect(newer?.description.contains("version 2") == true)
    }
}
