import SillokCore
import SillokDisk
import SillokTestSupport
import Testing

@testable import SillokSegments

/// An opening keeps every acknowledged event or names the damage; it cuts only what was never acknowledged.
@Suite struct RecoveryTests {
    @Test("1: any subset of the records of the last, unproven group may be torn; the log opens without the group")
    func tornRecords() throws {
        let play = LogPlay()
        var log = try play.begin()
        try play.append([100, 200], to: log)
        let acknowledged = try play.snapshot()
        try play.append(group: [20, 30, 40, 50, 60, 70, 80, 90], to: log)
        let group = try #require(play.groups(1).last)
        let whole = try play.bytes(1)
        var places: [Int] = []
        var walk = try GroupWalk(try play.disk.open(play.segmentPath(1), .read), 1, files(play))
        _ = try walk.records(of: group.header, at: group.offset) { _, place in
            places.append(place)
            return true
        }
        for subset in 1..<256 {
            try play.restore(acknowledged)
            var torn = whole
            for index in 0..<8 where subset & (1 << index) != 0 {
                for byte in places[index]..<places[index] + 40 { torn[byte] = 0 }
            }
            try play.setBytes(1, torn)
            log = try play.open()
            #expect(try play.payloads(of: log) == [100, 200])
            try play.append(group: [5], to: log)
            #expect(try play.payloads(of: try play.open()) == [100, 200, 5])
        }
    }

    @Test("1: an unproven group that is torn is cut together with whole groups behind it")
    func tornWithFollowers() throws {
        let play = LogPlay()
        var log = try play.begin()
        try play.append([100], to: log)
        let acknowledged = try play.snapshot()
        // Three groups in flight, none synced: their headers say that only the first group is durable.
        try play.append([10, 20, 30], to: log, sync: false)
        let groups = try play.groups(1)
        let bytes = try play.bytes(1)
        for torn in 1...3 {
            try play.restore(acknowledged)
            var changed = bytes
            changed[groups[torn].offset + 70] ^= 1
            try play.setBytes(1, changed)
            log = try play.open()
            #expect(try play.payloads(of: log) == [100] + [10, 20, 30].prefix(torn - 1))
            // The same sizes again: old groups behind the new one must not come back.
            try play.append([10], to: log)
            #expect(try play.payloads(of: try play.open()) == [100] + [10, 20, 30].prefix(torn - 1) + [10])
        }
    }

    @Test("2, 4, 13: no bit of a proven group can change, and no sector become zero, without an error")
    func flips() throws {
        let play = LogPlay()
        let log = try play.begin()
        try play.append([10, 0], to: log)
        try play.append(group: [1, 2], to: log)
        try play.append(group: [40], to: log)
        let proven = try #require(play.groups(1).last).offset
        play.removeDurableFile()
        let sound = try play.bytes(1)
        let padding = try self.padding(play)
        for bit in 0..<proven * 8 {
            try play.setBytes(1, sound)
            try play.change(1) { $0[bit / 8] ^= 1 << UInt8(bit % 8) }
            if padding.contains(bit / 8) {
                #expect(try play.payloads(of: try play.open()) == [10, 0, 1, 2, 40])
            } else {
                try expectDamage(play, before: 5)
            }
        }
        for start in stride(from: 0, to: proven, by: 512) {
            try play.setBytes(1, sound)
            try play.change(1) { bytes in for index in start..<min(start + 512, proven) { bytes[index] = 0 } }
            try expectDamage(play, before: 5)
        }
        try play.setBytes(1, sound)
        #expect(try play.payloads(of: try play.open()) == [10, 0, 1, 2, 40])
    }

    /// The offsets of the bytes between records, which mean nothing.
    private func padding(_ play: LogPlay) throws -> Set<Int> {
        var padding: Set<Int> = []
        var walk = try GroupWalk(try play.disk.open(play.segmentPath(1), .read), 1, files(play))
        for group in try play.groups(1) {
            _ = try walk.records(of: group.header, at: group.offset) { record, place in
                padding.formUnion(place + record.prefix.count + record.body.count..<place + record.size)
                return true
            }
        }
        return padding
    }

    private func expectDamage(_ play: LogPlay, before position: UInt64) throws {
        let before = try play.bytes(1)
        let error = #expect(throws: LogError.self) { try play.open() }
        let damage = try #require(error?.damage)
        #expect(damage.position <= position)
        #expect(damage.path == play.segmentPath(1))
        #expect(try play.bytes(1) == before)
    }

    @Test("2.3.5: a flip in the last group is damage once a mark, a seal or the file durable proves the group")
    func provenLastGroup() throws {
        for witness in ["none", "mark", "seal", "file"] {
            let play = LogPlay()
            let log = try play.begin()
            try play.append([100, 200], to: log)
            let last = try #require(play.groups(1).last).offset
            if witness == "mark" {
                try log.writeMark()
                // Once is enough.
                try log.writeMark()
                #expect(try play.groups(1).count == 3)
            }
            if witness == "seal" {
                try play.append([4000], to: log)
                try play.change(2) { bytes in
                    bytes.replaceSubrange(64..., with: repeatElement(0, count: bytes.count - 64))
                }
            }
            if witness != "file" { play.removeDurableFile() }
            try play.change(1) { $0[last + 80] ^= 4 }
            if witness == "none" {
                #expect(try play.payloads(of: try play.open()) == [100])
            } else {
                let error = #expect(throws: LogError.self) { try play.open() }
                #expect(error?.damage?.position == 2)
            }
        }
    }

    @Test("4: an end that is not filled with zeros does not hide groups, and is no group")
    func filling() throws {
        var numbers = SeededNumbers()
        let play = LogPlay()
        var log = try play.begin()
        try play.append([100], to: log)
        let end = try #require(play.groups(1).last)
        try play.change(1) { bytes in
            for index in (end.offset + end.header.totalBytes)..<bytes.count {
                bytes[index] = .random(in: 0...255, using: &numbers)
            }
        }
        log = try play.open()
        #expect(try play.payloads(of: log) == [100])
        try play.append([50], to: log)
        #expect(try play.payloads(of: try play.open()) == [100, 50])
    }

    @Test("6: groups of another segment or another store are not accepted")
    func foreignGroups() throws {
        let play = LogPlay()
        var log = try play.begin()
        try play.append([1700, 1700, 1700], to: log)
        let other = LogPlay(store: 8)
        let otherLog = try other.begin()
        try other.append([1700, 1700, 1700, 1700], to: otherLog)
        let own = try play.bytes(1)
        let last = try #require(play.groups(2).last)
        let free = last.offset + last.header.totalBytes
        let snapshot = try play.snapshot()
        // The second group of segment 1, and the one of the other store that would be next here.
        let foreign = try other.groups(2)
        for source in [own[64..<1900], try other.bytes(2)[foreign[1].offset..<foreign[1].offset + 1800]] {
            try play.restore(snapshot)
            try play.change(2) { $0.replaceSubrange(free..<free + source.count, with: source) }
            log = try play.open()
            #expect(try play.payloads(of: log) == [1700, 1700, 1700])
        }
    }

    @Test("26: two valid groups that have changed their places are damage")
    func misdirected() throws {
        let play = LogPlay()
        let log = try play.begin()
        try play.append([100, 100, 100, 100], to: log)
        let groups = try play.groups(1)
        try play.change(1) { bytes in
            let (a, b) = (groups[1], groups[2])
            let first = Array(bytes[a.offset..<a.offset + a.header.totalBytes])
            let second = Array(bytes[b.offset..<b.offset + b.header.totalBytes])
            bytes.replaceSubrange(a.offset..<a.offset + first.count, with: second)
            bytes.replaceSubrange(b.offset..<b.offset + second.count, with: first)
        }
        let error = #expect(throws: LogError.self) { try play.open() }
        #expect(error?.damage?.position == 2)
    }

    @Test("12: a last segment without a group is removed, at every step of its creation")
    func emptyLastSegment() throws {
        let whole = LogPlay()
        _ = try whole.begin()
        let header = Array(try whole.bytes(1)[..<64])
        let contents: [[UInt8]] = [
            [], [UInt8](repeating: 0, count: 100), [UInt8](repeating: 0, count: 4096),
            Array(header[..<30]) + [UInt8](repeating: 0, count: 4066), header + [UInt8](repeating: 0, count: 4032),
            [UInt8](repeating: 0xA5, count: 4096),
        ]
        for bytes in contents {
            let play = LogPlay()
            var log = try play.begin()
            try play.append([1000], to: log)
            try play.setBytes(2, bytes)
            log = try play.open()
            #expect(try SystemDisk().names(in: play.folder + "/log") == ["00000000000000000001.seg"])
            try play.append([3500, 10], to: log)
            #expect(try play.payloads(of: try play.open()) == [1000, 3500, 10])
        }
    }

    @Test("12: a missing or empty segment in the middle is damage, and so is one that is known to have had events")
    func missingSegments() throws {
        let play = LogPlay()
        let log = try play.begin()
        try play.append([3000, 3000, 3000, 3000], to: log)
        let snapshot = try play.snapshot()
        for ordinal in UInt32(1)...4 {
            try play.restore(snapshot)
            try SystemDisk().remove(play.segmentPath(ordinal))
            let error = #expect(throws: LogError.self) { try play.open() }
            #expect(error?.damage?.position == UInt64(ordinal))
            #expect(error?.damage?.path == play.segmentPath(ordinal))
        }
        for ordinal in UInt32(1)...4 {
            try play.restore(snapshot)
            try play.setBytes(ordinal, [])
            let error = #expect(throws: LogError.self) { try play.open() }
            #expect(error?.damage?.position == UInt64(ordinal))
        }
    }

    @Test("8: what no header proves is written again and synced before the log is open; proven bytes are not touched")
    func rewrites() throws {
        let play = LogPlay()
        let disk = ScriptedDisk()
        play.disk = disk
        var log = try play.begin()
        try play.append([100, 200], to: log)
        play.removeDurableFile()
        disk.forgetCalls()
        log = try play.open()
        let name = "00000000000000000001.seg"
        let changes = disk.calls.filter { $0.name == name && ($0.operation == .write || $0.operation == .sync) }
        #expect(changes == [.init(operation: .write, name: name), .init(operation: .sync, name: name)])
        // The file `durable` now proves all of it.
        disk.forgetCalls()
        log = try play.open()
        #expect(!disk.calls.contains { $0.name == name && ($0.operation == .write || $0.operation == .sync) })
        #expect(try play.payloads(of: log) == [100, 200])
    }

    @Test("14: a recovery that fails at any call can be repeated")
    func repeatedRecovery() throws {
        let play = LogPlay()
        let log = try play.begin()
        try play.append([100], to: log)
        try play.append(group: [10, 20], to: log, sync: false)
        try play.change(1) { $0[$0.lastIndex { $0 != 0 } ?? 0] ^= 1 }
        try play.setBytes(2, [1, 2, 3])
        let torn = try play.snapshot()
        let disk = ScriptedDisk()
        play.disk = disk
        _ = try play.open()
        let count = disk.calls.count
        for failing in 0..<count {
            try play.restore(torn)
            let calls = Lock(0)
            disk.fail { _ in
                calls.withLock { number in
                    number += 1
                    return number == failing + 1 ? 5 : nil
                }
            }
            // Calls for the file `durable` may fail without harm.
            if let log = try? play.open() { #expect(try play.payloads(of: log) == [100]) }
            disk.succeed()
            #expect(try play.payloads(of: try play.open()) == [100])
        }
    }

    private func files(_ play: LogPlay) -> LogFiles { LogFiles(play.folder, play.disk, play.identity, play.settings) }
}
