import SillokCore
import SillokLog
import SillokTestSupport
import SillokWire
import Testing

/// The bytes of events that a store shows are those of the events that it reads.
@Suite struct ByteReadingTests {
    private let place = StorePlace()

    /// The parts of an event, copied out of the memory of the reader.
    private struct Parts: Hashable {
        let position: Position
        let revision: Revision
        let id: EventID
        let texts: [[UInt8]?]
        let tags: [[UInt8]]
        let tracked: UInt64?

        init(_ event: EventBytes) {
            (position, revision, id) = (event.position, event.revision, event.id)
            texts = [
                Array(event.type), event.stream.map { Array($0) }, event.tracking.map { Array($0.source) },
                Array(event.metadata), Array(event.payload),
            ]
            tracked = event.tracking?.position
            var (all, list) = (EventBytes.Texts(event.tags), [[UInt8]]())
            while let tag = all.next() { list.append(Array(tag)) }
            tags = list
        }

        init(_ event: RecordedEvent) {
            (position, revision, id) = (event.position, event.revision, event.id)
            texts = [
                Array(event.type.text.utf8), event.stream.map { Array($0.text.utf8) },
                event.tracking.map { Array($0.source.text.utf8) }, event.metadata.bytes, event.payload,
            ]
            tracked = event.tracking?.position
            tags = event.tags.map { Array($0.text.utf8) }
        }
    }

    private func read(
        _ store: LogEventStore, after position: Position, through last: Position? = nil, atMost limit: Int = .max
    ) async throws -> (events: [Parts], head: Position, visited: Int) {
        let page = try await store.readBytes(after: position, through: last) { head, visit in
            var parts: [Parts] = []
            try visit { event in
                parts.append(Parts(event))
                return parts.count < limit
            }
            return (parts, head)
        }
        let (output, visited) = try #require(page)
        return (output.0, output.1, visited)
    }

    @Test func `the bytes of all events, of a range, and of a page that ends early`() async throws {
        let store = try place.open()
        try await store.fill(0..<300, by: 7)
        var metadata = Metadata(actor: "Ada")
        metadata["키"] = String(repeating: "x", count: 300)
        let tags = (0..<20).map { EventTag("tag", "\($0)") }
        let event = EventData(type: "e\u{301}", tags: tags, metadata: metadata, contentType: .bytes, payload: [])
        try await store.append([event], tracking: Tracking(source: "feed", position: .max))
        let expected = try await store.read(.all, after: .start, limit: 1000).events.map { Parts($0) }
        #expect(expected.count == 301)
        let all = try await read(store, after: .start)
        #expect(all.events == expected && all.head == 301 && all.visited == 301)
        #expect(try await read(store, after: 100, through: 200).events == Array(expected[100..<200]))
        #expect(try await read(store, after: 100, through: 1000, atMost: 5).events == Array(expected[100..<105]))
        #expect(try await read(store, after: 301).events.isEmpty)
        #expect(try await read(store, after: Position(.max)).events.isEmpty)
        await store.close()
        await #expect(throws: StoreError.self) { try await read(store, after: .start) }
    }

    @Test func `a store without events has no bytes`() async throws {
        let store = try place.open()
        let page = try await read(store, after: .start)
        #expect(page.events.isEmpty && page.head == .start && page.visited == 0)
        await store.close()
    }

    /// What a read answers: a framed message, or an error.
    private struct Answer<Message: Equatable>: Equatable {
        var message: Message?
        var error: String?

        init(_ read: () async throws -> Message) async {
            do {
                message = try await read()
            } catch {
                self.error = (error as? StoreError)?.code.rawValue ?? "\(error)"
            }
        }
    }

    @Test(arguments: [512 << 10, 2000])
    func `a page of sillok.v1 made from bytes is that of the decoded events`(_ pageBytes: Int) async throws {
        var limits = Limits()
        limits.pageBytes = pageBytes
        let store = try LogEventStore(path: place(), mode: .create, limits: limits, tuning: .tiny)
        try await store.fill(0..<300, by: 7)
        let events = [EventData(type: "e\u{301}", tags: ["a", "a"], contentType: .bytes, payload: [0, 255])]
        try await store.append(events, tracking: Tracking(source: "feed", position: 7))
        let known = try await store.read(.all, after: .start, limit: 1000).events
        let first = try #require(known.first)
        let marks = [
            EventMark(first), EventMark(try #require(known.last)), EventMark(position: 2, id: first.id),
            EventMark(position: 9, id: nil), EventMark(position: 999, id: first.id), .start,
        ]
        let positions: [Position] = [0, 1, 50, 100, 300, 301, 302, Position(.max)]
        let before: [ReadRequest.Bound?] = [nil] + positions.map { .position($0) }
        let after = before + marks.map { .mark($0) }
        for after in after {
            for before in before {
                for limit in [0, 1, 7, 1000] {
                    let request = ReadRequest(.all, after: after, before: before, limit: limit)
                    let page = await Answer { try await Remote.page(request, of: store) }
                    let expected = await Answer {
                        Remote.Answer<Remote.ReadResponse>(try await store.read(request)).framed()
                    }
                    #expect(page == expected, "\(request)")
                }
            }
        }
        await store.close()
    }
}
