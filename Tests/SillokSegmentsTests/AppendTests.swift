import SillokCore
import SillokDisk
import SillokTestSupport
import Testing

@testable import SillokSegments

/// Groups are written, synced and read back, through any number of segments.
@Suite struct AppendTests {
    @Test("Groups of any size are read back in order, also after the log is opened again")
    func readsBack() throws {
        var numbers = SeededNumbers()
        let play = LogPlay()
        var log = try play.begin()
        var expected: [Int] = []
        for round in 0..<60 {
            let count = Int.random(in: 1...8, using: &numbers)
            let group = (0..<count).map { _ in Int.random(in: 0...900, using: &numbers) }
            try play.append(group: group, to: log)
            expected += group
            #expect(log.durableHead == UInt64(expected.count))
            if round.isMultiple(of: 13) {
                #expect(try play.payloads(of: log) == expected)
                log = try play.open()
            }
        }
        #expect(try play.payloads(of: log) == expected)
        for _ in 0..<200 {
            let position = UInt64.random(in: 1...log.durableHead, using: &numbers)
            let event = try log.reader.record(at: position) { try $0.event() }
            #expect(event.data == play.event(at: position, event.payload.count).event)
            #expect(event.payload.count == expected[Int(position) - 1])
            #expect(try log.reader.recorded(at: position) == Int64(position) * 10)
            #expect(try log.reader.link(at: position) == LogPlay.link(position))
        }
        #expect(try SystemDisk().names(in: play.folder + "/log").count > 5)
    }

    @Test("What is written is not durable before the sync, and a sync makes all groups durable")
    func durableHead() throws {
        let play = LogPlay()
        let log = try play.begin()
        try play.append([10, 20], to: log, sync: false)
        #expect(log.writtenHead == 2)
        #expect(log.durableHead == 0)
        #expect(log.reader.durableHead == 0)
        try log.sync()
        #expect(log.durableHead == 2)
        #expect(log.reader.durableHead == 2)
    }

    @Test("5: groups that end at, before and behind the last usable byte of a segment", arguments: [-8, 0, 8])
    func exactFit(distance: Int) throws {
        let play = LogPlay()
        let log = try play.begin()
        try play.append(group: [100], to: log)
        let used = try #require(play.groups(1).first).header.totalBytes
        // The free bytes behind the first group, without the header and the parts of a record besides the payload.
        let overhead = used - 64 - 100
        let free = 4096 - 64 - used - LogFormat.reservedBytes - 64
        let payload = free - overhead + distance
        try play.append(group: [payload], to: log)
        let isInFirst = try play.groups(1).filter { $0.header.events > 0 }.count == 2
        #expect(isInFirst == (distance <= 0))
        if distance == 0 {
            let last = try #require(play.groups(1).last)
            #expect(last.offset + last.header.totalBytes == 4096 - LogFormat.reservedBytes)
        }
        try log.writeMark()
        try play.append(group: [7], to: log)
        #expect(try play.payloads(of: log) == [100, payload, 7])
        #expect(try play.payloads(of: try play.open()) == [100, payload, 7])
        #expect(try play.groups(1).last?.header.isSeal == true)
    }

    @Test("A group that is larger than the segments gets one of its own size, also if a smaller one was prepared")
    func largeGroup() throws {
        for isPrepared in [false, true] {
            let play = LogPlay()
            let log = try play.begin()
            try play.append(group: [10], to: log)
            if isPrepared { try log.upkeep.prepareNextSegment() }
            try play.append(group: [9000, 9000], to: log)
            try play.append(group: [11], to: log)
            #expect(try play.payloads(of: log) == [10, 9000, 9000, 11])
            #expect(try play.payloads(of: try play.open()) == [10, 9000, 9000, 11])
            #expect(try play.bytes(2).count >= 18_000)
        }
    }

    @Test("11: the next segment is due at half of the size, and a prepared one is used without another creation")
    func prepared() throws {
        let play = LogPlay()
        let disk = ScriptedDisk()
        play.disk = disk
        let log = try play.begin()
        #expect(!log.nextSegmentIsDue)
        try play.append(group: [1700], to: log)
        #expect(!log.nextSegmentIsDue)
        try play.append(group: [300], to: log)
        #expect(log.nextSegmentIsDue)
        try log.upkeep.prepareNextSegment()
        #expect(!log.nextSegmentIsDue)
        try log.upkeep.prepareNextSegment()
        try play.append(group: [100], to: log)
        disk.forgetCalls()
        try play.append(group: [1750], to: log)
        #expect(!disk.calls.contains { $0.operation == .open || $0.operation == .syncFolder })
        #expect(try play.payloads(of: log) == [1700, 300, 100, 1750])
        #expect(!log.nextSegmentIsDue)
        #expect(try play.payloads(of: try play.open()) == [1700, 300, 100, 1750])
    }

    @Test("Zeros are written behind small groups, once for many of them, and not behind large ones")
    func zeros() throws {
        let play = LogPlay(segmentBytes: 1 << 16)
        let disk = ScriptedDisk()
        (play.disk, play.settings.zeroedBytes, play.settings.largeGroupBytes) = (disk, 4_000, 3_000)
        let log = try play.begin()
        func writes(_ sizes: [Int]) throws -> Int {
            disk.forgetCalls()
            try play.append(sizes, to: log)
            return disk.calls.count { $0.operation == .write && $0.name.hasSuffix(".seg") } - sizes.count
        }
        guard try disk.open(play.folder + "/probe", .create).reserve(9) else { return }
        #expect(try writes([100]) == 1)
        #expect(try writes([100, 200, 300, 100]) == 0)
        #expect(try writes([1_500]) == 0)
        #expect(try writes([2_500]) == 1)
        #expect(try writes([9_000, 3_000]) == 0)
        #expect(try writes([100, 100]) == 1)
        // The end of the segment takes fewer.
        #expect(try writes([20_000, 18_000, 2_000, 100]) == 1)
        let sizes = [100, 100, 200, 300, 100, 1_500, 2_500, 9_000, 3_000, 100, 100, 20_000, 18_000, 2_000, 100]
        #expect(try play.payloads(of: try play.open()) == sizes)
    }

    @Test("A failure to write zeros is none of the log")
    func failedZeros() throws {
        let play = LogPlay()
        let disk = ScriptedDisk()
        play.disk = disk
        let log = try play.begin()
        let writes = Lock(0)
        disk.fail { call in
            guard call.operation == .write, call.name.hasSuffix(".seg") else { return nil }
            return writes.withLock { count in
                count += 1
                return count == 2 ? DiskError.noSpace : nil
            }
        }
        try play.append([100, 200], to: log)
        #expect(log.failure == nil && log.durableHead == 2)
        #expect(try play.payloads(of: try play.open()) == [100, 200])
    }

    @Test("A prepared segment survives an opening, and is used then")
    func preparedSurvives() throws {
        let play = LogPlay()
        let disk = ScriptedDisk()
        play.disk = disk
        var log = try play.begin()
        try play.append(group: [2100], to: log)
        try log.upkeep.prepareNextSegment()
        // Only a header that is written later proves that the new segment is complete.
        log = try play.open()
        #expect(log.nextSegmentIsDue)
        try log.upkeep.prepareNextSegment()
        try play.append(group: [10], to: log)
        log = try play.open()
        #expect(!log.nextSegmentIsDue)
        disk.forgetCalls()
        try play.append(group: [2000], to: log)
        #expect(!disk.calls.contains { $0.operation == .syncFolder })
        #expect(try play.payloads(of: try play.open()) == [2100, 10, 2000])
    }

    @Test("Tracking is recorded before the events of its append, and also without events")
    func tracking() throws {
        let play = LogPlay()
        let log = try play.begin()
        let source: TrackingSource = "orders"
        var group = play.group()
        func track(_ position: UInt64) -> Tracking {
            Tracking(source: source, position: position, event: EventID(high: position, low: 9))
        }
        group.begin(first: 1)
        play.add(play.event(at: 1, 5), tracking: track(100), to: &group)
        group.add(EncodedAppend([], tracking: track(101), hasLinks: true)) { _ in
            EventStamp(revision: 0, recorded: 0, link: nil)
        }
        play.add(play.event(at: 2, 5), to: &group)
        try log.write(&group)
        group.begin(first: 3)
        group.add(EncodedAppend([], tracking: Tracking(source: source, position: 102), hasLinks: true)) { _ in
            EventStamp(revision: 0, recorded: 0, link: nil)
        }
        try log.write(&group)
        try log.sync()
        for log in [log, try play.open()] {
            var seen: [String] = []
            try log.reader.forEachRecord(from: 1, through: 2) { record in
                switch record.kind {
                case .event: seen.append("event \(record.position) of \(try record.event().tracking?.position ?? 0)")
                case .tracking:
                    let tracking = try record.tracking()
                    seen.append("tracking \(tracking.position) at \(record.position), \(tracking.event?.high ?? 0)")
                }
                return true
            }
            #expect(
                seen == [
                    "tracking 100 at 1, 100", "event 1 of 100", "tracking 101 at 2, 101", "event 2 of 0",
                    "tracking 102 at 3, 0",
                ])
            #expect(log.durableHead == 2)
        }
    }

    @Test("Records from any position on are those that an index has not seen, through all segments")
    func recordsFromAnywhere() throws {
        let play = LogPlay()
        let log = try play.begin()
        for round in 0..<30 {
            var group = play.group()
            group.begin(first: log.writtenHead + 1)
            let tracking = Tracking(source: "feed", position: UInt64(round + 1))
            if round.isMultiple(of: 3) {
                group.add(EncodedAppend([], tracking: tracking, hasLinks: true)) { _ in
                    EventStamp(revision: 0, recorded: 0, link: nil)
                }
            } else {
                play.add(play.event(at: group.nextPosition, 300), tracking: tracking, to: &group)
            }
            try log.write(&group)
            try log.sync()
        }
        for first in 1...log.durableHead + 1 {
            var events: [UInt64] = []
            var last: UInt64 = 0
            try log.reader.forEachRecord(from: first, through: log.durableHead) { record in
                #expect(record.position >= first)
                if record.kind == .event { events.append(record.position) }
                if record.kind == .tracking { last = try record.tracking().position }
                return true
            }
            #expect(events == Array(first..<log.durableHead + 1))
            // The last tracking record comes before the last event.
            #expect(last == (first > log.durableHead ? 0 : 30))
        }
    }

    @Test("The names of an event are visited as bytes, without decoding")
    func names() throws {
        let play = LogPlay()
        let log = try play.begin()
        var group = play.group()
        group.begin(first: 1)
        let event = EventData(
            id: EventID(high: 1, low: 2), type: "größer", tags: ["a:1", "b:2"], metadata: Metadata(actor: "Ada"),
            contentType: .bytes, payload: [1])
        play.add(
            AppendRequest.Entry(stream: "s-1", event: event), tracking: Tracking(source: "feed", position: 4),
            to: &group)
        try log.write(&group)
        var names: [String] = []
        try log.reader.record(at: 1) { record in
            #expect(try record.id == event.id)
            #expect(try record.event().data == event)
            #expect(try record.event().tracking == Tracking(source: "feed", position: 4))
            try record.forEachName { kind, bytes in names.append("\(kind) \(String(decoding: bytes, as: UTF8.self))") }
        }
        #expect(
            names == [
                "type größer", "contentType application/octet-stream", "stream s-1", "trackingSource feed", "tag a:1",
                "tag b:2",
            ])
    }
}
