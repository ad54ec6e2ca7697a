import Foundation
import SillokCore
import SillokDisk
import SillokTestSupport
import Testing

@testable import SillokSegments

/// Readers find every event, with or without files of places, next to a writer, and in what is left of a damaged log.
@Suite struct ReaderTests {
    @Test("Places are read from files once they are written; missing, short or wrong files are rebuilt")
    func places() throws {
        let play = LogPlay()
        let sizes = (0..<40).map { 200 + $0 * 7 }
        var log = try play.begin()
        try play.append(sizes, to: log)
        #expect(log.upkeep.placesAreDue)
        try log.upkeep.settlePlaces()
        #expect(!log.upkeep.placesAreDue)
        #expect(try play.payloads(of: log) == sizes)
        let path = play.placesPath(2)
        let sound = try Data(contentsOf: URL(filePath: path))
        var damaged: [Data?] = [nil, Data(), sound.prefix(70), Data(count: sound.count)]
        for byte in 0..<sound.count {
            var bytes = sound
            bytes[byte] ^= 0x10
            damaged.append(bytes)
        }
        for contents in damaged {
            if let contents { try contents.write(to: URL(filePath: path)) } else { try SystemDisk().remove(path) }
            log = try play.open()
            for position in UInt64(1)...40 {
                let size = try log.reader.record(at: position) { try $0.event().payload.count }
                #expect(size == sizes[Int(position) - 1])
            }
            #expect(try play.payloads(of: log) == sizes)
            let readOnly = try play.open(.readOnly)
            #expect(try play.payloads(of: readOnly) == sizes)
        }
        #expect(try Data(contentsOf: URL(filePath: path)) == sound)
    }

    @Test("22: a segment that is cut or flipped under a reader is an error with a place, and the process lives")
    func truncatedUnderReader() throws {
        let play = LogPlay()
        let log = try play.begin()
        try play.append([1000, 1000, 1000, 1000, 1000], to: log)
        try log.upkeep.settlePlaces()
        let snapshot = try play.snapshot()
        for size in [0, 64, 100, 2000] {
            try play.restore(snapshot)
            let reader = try play.open(.readOnly).reader
            try play.change(1) { $0.removeSubrange(size...) }
            var error = #expect(throws: LogError.self) { try reader.record(at: 3) { _ in } }
            #expect(error?.damage != nil)
            error = #expect(throws: LogError.self) { try reader.forEach(from: 1, through: 5) { _ in true } }
            #expect(error?.damage != nil)
            #expect(try reader.record(at: 5) { try $0.event().payload.count } == 1000)
        }
    }

    @Test("A position behind the end or before the start has no event")
    func noEvent() throws {
        let play = LogPlay()
        let log = try play.begin()
        for position in [UInt64(0), 1, .max] {
            let error = #expect(throws: LogError.self) { try log.reader.record(at: position) { _ in } }
            guard case .noEvent(position) = error else { throw try #require(error) }
        }
        try log.reader.forEachRecord(from: 1, through: .max) { _ in true }
        try play.append([1], to: log)
        #expect(throws: LogError.self) { try log.reader.recorded(at: 2) }
        var count = 0
        try log.reader.forEachRecord(from: 1, through: .max) { _ in
            count += 1
            return true
        }
        #expect(count == 1)
        try log.reader.forEach(from: 2, through: 1) { _ in false }
    }

    @Test("Another process sees what is durable, follows the writer through segments, and writes nothing")
    func readOnly() throws {
        let play = LogPlay()
        let log = try play.begin()
        let reader = try play.open(.readOnly)
        #expect(reader.durableHead == 0)
        #expect(try !reader.refresh())
        try play.append([100], to: log)
        try play.append([200], to: log, sync: false)
        #expect(try reader.refresh())
        #expect(try play.payloads(of: reader) == [100])
        #expect(try play.open(.readOnly).durableHead == 1)
        try log.sync()
        try play.append([3000, 3000, 20, 3000], to: log)
        try play.append([30], to: log, sync: false)
        #expect(try reader.refresh())
        #expect(try !reader.refresh())
        let sizes = [100, 200, 3000, 3000, 20, 3000]
        #expect(try play.payloads(of: reader) == sizes)
        let before = try play.snapshot()
        let other = try play.open(.readOnly)
        #expect(try play.payloads(of: other) == sizes)
        #expect(try play.snapshot() == before)
        for call in [{ try play.append([1], to: other) }, { try other.sync() }, { try other.writeMark() }] {
            let error = #expect(throws: LogError.self) { try call() }
            guard case .readOnly = error else { throw try #require(error) }
        }
    }

    @Test("Without the file durable another process sees what the headers prove")
    func readOnlyByHeaders() throws {
        let play = LogPlay()
        let log = try play.begin()
        try play.append([100, 200, 300], to: log)
        play.removeDurableFile()
        #expect(try play.payloads(of: try play.open(.readOnly)) == [100, 200])
        try log.writeMark()
        #expect(try play.payloads(of: try play.open(.readOnly)) == [100, 200, 300])
    }

    @Test("Salvage reads everything that is sound in a damaged log, names the rest, and changes nothing")
    func salvage() throws {
        let play = LogPlay()
        let log = try play.begin()
        try play.append(group: [100, 110, 120], to: log)
        try play.append([200, 3000, 3000, 10], to: log)
        try play.append([20], to: log)
        let group = try #require(play.groups(1).first)
        // The body of position 2, the header of position 4, and all of segment 3, which has position 6.
        try play.change(1) { bytes in
            bytes[group.offset + group.header.totalBytes / 2] ^= 1
            bytes[try play.groups(1)[1].offset + 5] ^= 1
        }
        try SystemDisk().remove(play.segmentPath(3))
        #expect(throws: LogError.self) { try play.open() }
        let before = try play.snapshot()
        let salvaged = try play.open(.salvage)
        var positions: [UInt64] = []
        try salvaged.reader.forEach(from: 1, through: .max) { record in
            let event = try record.event()
            #expect(event.data == play.event(at: record.position, event.payload.count).event)
            positions.append(record.position)
            return true
        }
        #expect(positions == [1, 3, 5, 7, 8])
        #expect(salvaged.reader.damages.map(\.position) == [2, 4, 6])
        #expect(try play.snapshot() == before)
    }

    @Test("Threads read while the writer appends and rotates")
    func concurrentReaders() async throws {
        let play = LogPlay()
        play.settings.openFiles = 4
        let log = try play.begin()
        let reader = log.reader
        try play.append([10], to: log)
        let isDone = Lock(false)
        let expected = play.event(at: 1, 10).event
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    while !isDone.withLock({ $0 }) {
                        let head = reader.durableHead
                        var next: UInt64 = 1
                        try reader.forEach(from: 1, through: head) { record in
                            #expect(record.position == next)
                            next += 1
                            return true
                        }
                        #expect(next == head + 1)
                        #expect(try reader.record(at: 1) { try $0.event().data } == expected)
                        #expect(try reader.recorded(at: head) == Int64(head) * 10)
                    }
                }
            }
            for round in 0..<400 {
                try play.append([round], to: log)
                if log.nextSegmentIsDue { try log.upkeep.prepareNextSegment() }
                if round.isMultiple(of: 50) { try log.upkeep.settlePlaces() }
            }
            isDone.withLock { $0 = true }
            try await group.waitForAll()
        }
        #expect(log.durableHead == 401)
    }
}
