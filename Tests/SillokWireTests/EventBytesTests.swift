import NIOCore
import SillokCore
import Testing

@testable import SillokWire

/// A page of stored bytes is the same on the wire as a page of decoded events.
@Suite struct EventBytesTests {
    @Test func `stored bytes are written as the decoded event is`() {
        var decoded = UmaDB.BatchWriter()
        var stored = UmaDB.BatchWriter()
        for event in Samples.recorded {
            let event = RecordedEvent(
                position: event.position, stream: event.stream, revision: event.revision,
                recordedAt: event.recordedAt, tracking: event.tracking?.withoutEvent, data: event.data)
            decoded.append(event)
            withBytes(of: event) { stored.append($0) }
        }
        #expect(stored.count == decoded.count)
        #expect(stored.finish(head: 9) == decoded.finish(head: 9))
        #expect(stored.bytes == decoded.bytes)
    }

    @Test func `a page of stored bytes is the answer that has the decoded events`() throws {
        for event in Samples.recorded {
            let event = RecordedEvent(
                position: event.position, stream: event.stream, revision: event.revision,
                recordedAt: event.recordedAt, tracking: event.tracking?.withoutEvent, data: event.data)
            var stored = ProtobufWriter(framed: false)
            var size = 0
            withBytes(of: event) { bytes in
                RecordedEvent.write(1, bytes, &stored)
                size = StoredEvent.bytes(bytes).size
                #expect(StoredEvent.bytes(bytes).decoded() == event)
            }
            var decoded = ProtobufWriter(framed: false)
            event.write(1, &decoded)
            #expect(stored.finished() == decoded.finished())
            #expect(size == event.data.size)
        }
    }

    @Test func `a list of texts that is cut ends before the text that does not fit`() {
        let list: [UInt8] = [1, 65, 2, 66]
        list.withUnsafeBytes { list in
            var texts = EventBytes.Texts(list)
            #expect(texts.next().map { Array($0) } == [65])
            #expect(texts.next() == nil)
        }
    }

    private func withBytes(of event: RecordedEvent, _ body: (EventBytes) -> Void) {
        var tags: [UInt8] = []
        for tag in event.tags {
            tags.appendLength(tag.text.utf8.count)
            tags.append(contentsOf: tag.text.utf8)
        }
        let texts = [
            event.type.text, event.stream?.text ?? "", event.tracking?.source.text ?? "", event.contentType.text,
        ]
        let parts = texts.map { Array($0.utf8) } + [tags, event.metadata.bytes, event.payload]
        let buffers = parts.map { part in
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: part.count, alignment: 1)
            buffer.copyBytes(from: part)
            return UnsafeRawBufferPointer(buffer)
        }
        defer { for buffer in buffers { buffer.deallocate() } }
        body(
            EventBytes(
                position: event.position, revision: event.revision, id: event.id, recordedAt: event.recordedAt,
                type: buffers[0], contentType: event.contentType == .json ? nil : buffers[3],
                stream: event.stream == nil ? nil : buffers[1],
                tracking: event.tracking.map { (buffers[2], $0.position) }, tags: buffers[4], metadata: buffers[5],
                payload: buffers[6]))
    }
}

/// The events of an append that are read after one another may share their tags.
@Suite struct SharedTagsTests {
    private static let lists: [[EventTag]] = [
        [], ["a"], ["a", "b"], ["a", "b"], ["a", "b", "c"], ["a", "c"], ["b"], ["b", "a"], ["b"], [], ["é"],
        ["e\u{301}"], ["a tag that is longer than fifteen bytes", "a"],
        ["a tag that is longer than fifteen bytes", "a"],
        ["a tag that is longer than fifteen bytes"],
    ]

    @Test func `each event has its own tags, whatever those before it have`() throws {
        for shift in Self.lists.indices {
            let lists = Self.lists[shift...] + Self.lists[..<shift]
            var message = UmaDB.AppendRequest.unread
            message.events = lists.map { tags in
                var event = UmaDB.Event.unread
                (event.type, event.tags) = ("t", tags)
                return event
            }
            let read = try UmaDB.AppendRequest(reading: ByteBuffer(bytes: message.unframed()))
            #expect(read.events.map(\.tags) == Array(lists))
        }
    }

    @Test(arguments: [
        ("", UmaDB.GivenID.none), ("00000000-0000-0000-0000-000000000000", .zeros),
        ("01890a5d-ac96-774b-bcce-b302099a8057", .id(Samples.id)), ("no id", .malformed("no id")),
    ])
    func `the id of an event is read from its text`(_ text: String, _ expected: UmaDB.GivenID) throws {
        var message = UmaDB.Event.unread
        message.uuid = UmaDB.GivenID(text)
        #expect(message.uuid == expected)
        #expect(try UmaDB.Event(reading: ByteBuffer(bytes: message.unframed())).uuid == expected)
    }

    @Test func `an id that is no UTF-8 is refused`() {
        #expect(throws: ProtobufError.invalidText(field: 4)) {
            try UmaDB.Event(reading: ByteBuffer(bytes: [0x22, 2, 0xC3, 0x28]))
        }
    }
}
