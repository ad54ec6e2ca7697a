import SillokCore
import SillokDisk
import SillokTestSupport
import Testing

@testable import SillokSegments

/// The bytes of format 1 do not change, and everything that can be appended comes back the same.
@Suite struct FormatTests {
    @Test("A group and the file store have the bytes that the format defines")
    func goldenBytes() throws {
        let play = LogPlay()
        let log = try play.begin()
        var group = play.group()
        group.begin(first: 1)
        let tracking = Tracking(source: "feed", position: 258, event: EventID(high: 1, low: 2))
        let event = EventData(
            id: EventID(high: 0x0102_0304_0506_0708, low: 9), type: "noted", tags: ["a:1"],
            metadata: Metadata(actor: "Ada"), contentType: "text/plain", text: "hi")
        play.add(AppendRequest.Entry(stream: "s-1", event: event), tracking: tracking, to: &group)
        try log.write(&group)
        try log.sync()
        try log.writeMark()
        let store = try SystemDisk().open(play.folder + "/store", .read).bytes(at: 0, count: 100)
        let segment = try play.bytes(1)
        let end = try #require(segment.lastIndex { $0 != 0 })
        #expect(store.hexadecimal == FormatTests.store)
        #expect(segment[...end].map { $0 }.hexadecimal == FormatTests.segment)
        let durable = try SystemDisk().open(play.folder + "/durable", .read).bytes(at: 0, count: 100)
        #expect(durable.hexadecimal == FormatTests.durable)
    }

    private static let store =
        "53494c4c4f4b4c47010000000000000000000000000000070000000000000001030000000000000007000000000000000100"
        + "00000000000001000000000000000000000053c01751"
    private static let segment =
        "53494c4c4f4b5347010000000100000000000000000000070000000000000001001000000000000001000000000000004000"
        + "000000000000000000008955217c671c4b9e3aab956301000000000000004000000000000000010000000000000001000000"
        + "02000000c800000001000000400000000000000000000000000000003375ab691e00000002000000a7564efc000000000000"
        + "000000000000000000000466656564020100000000000001000000000000000100000000000000020000832a87dc45000000"
        + "01010000d41985ef01000000000000000a000000000000000101010101010101010101010101010101010101010101010101"
        + "0101010101010102030405060708000000000000000907056e6f7465640a746578742f706c61696e03732d31046665656402"
        + "010000000000000103613a310a056163746f72034164616869000000671c4b9e4326a37f0100000001000000480100000000"
        + "00000200000000000000000000000000000000000000010000004801"
    private static let durable = "53494c4c4f4b445501000000c7b842cb48010000000000000100000000000000"

    @Test("Random events come back as they were, with texts of every length around the limits of LEB128")
    func roundTrips() throws {
        var numbers = SeededNumbers()
        let play = LogPlay(segmentBytes: 1 << 16)
        let log = try play.begin()
        var expected: [(AppendRequest.Entry, Tracking?)] = []
        for _ in 0..<200 {
            let tracking = Bool.random(using: &numbers) ? Tracking(source: "größe", position: numbers.next()) : nil
            let entries = (0..<Int.random(in: 1...5, using: &numbers)).map { _ in randomEntry(&numbers) }
            let links = Bool.random(using: &numbers)
            var group = play.group()
            group.begin(first: log.writtenHead + 1)
            let first = group.nextPosition
            group.add(EncodedAppend(entries, tracking: tracking, hasLinks: links)) { index in
                EventStamp(
                    revision: entries[index].stream == nil ? 0 : first + UInt64(index), recorded: -5,
                    link: links ? LogPlay.link(first) : nil)
            }
            try log.write(&group)
            expected += entries.map { ($0, tracking) }
        }
        try log.sync()
        var index = 0
        try log.reader.forEach(from: 1, through: log.durableHead) { record in
            let event = try record.event()
            let (entry, tracking) = expected[index]
            index += 1
            #expect(event.data == entry.event && event.stream == entry.stream && event.tracking == tracking)
            #expect(event.revision.value == (entry.stream == nil ? 0 : UInt64(index)))
            #expect(event.recordedAt.microsecondsSince1970 == -5)
            return true
        }
        #expect(index == expected.count)
    }

    private func randomEntry(_ numbers: inout SeededNumbers) -> AppendRequest.Entry {
        func text(_ longest: Int) -> String {
            let length = [1, 15, 16, 127, 128, longest].randomElement(using: &numbers) ?? 1
            return String(repeating: "x", count: min(length, longest))
        }
        let size = [0, 1, 7, 8, 9, 300, 20_000].randomElement(using: &numbers) ?? 0
        let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
        return AppendRequest.Entry(
            stream: Bool.random(using: &numbers) ? StreamID(text(512)) : nil,
            event: EventData(
                id: EventID(high: numbers.next(), low: numbers.next()), type: EventType(text(256)),
                tags: (0..<Int.random(in: 0...3, using: &numbers)).map { _ in EventTag(text(256)) },
                metadata: Bool.random(using: &numbers) ? Metadata(actor: text(200)) : Metadata(),
                contentType: Bool.random(using: &numbers) ? .json : .bytes, payload: payload))
    }

    @Test("A body that ends early is damage and not a crash, at every length")
    func shortBodies() throws {
        let play = LogPlay()
        let log = try play.begin()
        var group = play.group()
        group.begin(first: 1)
        play.add(play.event(at: 1, 3), tracking: Tracking(source: "feed", position: 1), to: &group)
        try log.write(&group)
        try log.reader.record(at: 1) { record in
            for length in 0..<record.body.count - 3 {
                let short = RecordView(
                    kind: .event, position: 1, revision: 1, recorded: 1,
                    body: UnsafeRawBufferPointer(rebasing: record.body[..<length]), prefix: record.prefix)
                #expect(throws: LogError.self) { try short.event() }
                // It may look like a tracking record; that is not what is tested.
                _ = try? short.tracking()
                if length < 16 { #expect(throws: LogError.self) { try short.id } }
            }
        }
    }
}
