import Foundation
import SillokCore
import SillokLog
import SillokTestSupport
import SillokTesting
import SillokWire
import Testing

/// A page that is made from the stored bytes of events is the page of the decoded events, for every kind of request.
@Suite struct ByteReadingTests {
    private let place = StorePlace()
    private static let queries: [EventQuery] = [
        .all, .stream("s-1"), .stream("s"), .category("s"), .types("noted"), .types("e\u{301}", "é"),
        .tags("third:1"), .tags("third:1").of("noted"), .tags("third:0", "third:1"), .tags("a"),
        .stream("s-2").or(.tags("third:2")).or(.types("e\u{301}")), .tags("unknown"), EventQuery([]),
        EventQuery([.init(stream: "s-3", category: "s", types: ["noted"], tags: ["third:0"])]),
    ]

    /// What a read answers: a framed message, or an error.
    private struct Answer<Message: Equatable>: Equatable {
        var message: Message?
        var error: String?

        init(_ read: () async throws -> Message) async {
            do {
                message = try await read()
            } catch {
                self.error = "\(error)"
            }
        }
    }

    /// Expects the same page from the bytes, in the form of `sillok.v1`, as from the events. Returns it.
    private func page(_ request: ReadRequest, of store: LogEventStore, _ comment: Comment) async -> EventBatch? {
        var page: EventBatch?
        let expected = await Answer {
            let read = try await store.read(request)
            page = read
            return Remote.Answer<Remote.ReadResponse>(read).framed()
        }
        let found = await Answer { try await Remote.page(request, of: store) }
        #expect(found == expected, comment)
        return page
    }

    @Test(arguments: [512 << 10, 2000])
    func `a page made from bytes is that of the decoded events`(_ pageBytes: Int) async throws {
        var limits = Limits()
        limits.pageBytes = pageBytes
        let store = try LogEventStore(path: place(), mode: .create, limits: limits, tuning: .tiny)
        try await store.fill(0..<300, by: 7)
        var metadata = Metadata(actor: "Ada")
        metadata["키"] = String(repeating: "x", count: 300)
        let events = [
            EventData(type: "e\u{301}", tags: ["a", "a"], metadata: metadata, contentType: .bytes, payload: [0, 255])
        ]
        try await store.append(events, tracking: Tracking(source: "feed", position: 7))
        let known = try await store.read(.all, after: .start, limit: 1000).events
        let first = try #require(known.first)
        let marks = [
            EventMark(first), EventMark(try #require(known.last)), EventMark(position: 2, id: first.id),
            EventMark(position: 9, id: nil), EventMark(position: 999, id: first.id), .start,
        ]
        let positions: [Position] = [0, 1, 50, 100, 300, 301, 302, Position(.max)]
        let others: [ReadRequest.Bound?] = [nil, .time(first.recordedAt), .revision(9)]
        let before = others + positions.map { .position($0) }
        let after = before + marks.map { .mark($0) }
        var random = SeededGenerator(seed: UInt64(pageBytes))
        for query in Self.queries {
            for after in after {
                for before in before {
                    let direction = Bool.random(using: &random) ? ReadRequest.Direction.forward : .backward
                    let limit = [0, 1, 7, 1000].randomElement(using: &random) ?? 1
                    let request = ReadRequest(query, after: after, before: before, direction: direction, limit: limit)
                    _ = await page(request, of: store, "\(request)")
                }
            }
        }
        await store.close()
        await #expect(throws: StoreError.self) { try await Remote.page(ReadRequest(), of: store) }
    }

    /// Appends random events. Returns them as they must be read.
    private func append(
        _ count: Int, to store: LogEventStore, _ random: inout SeededGenerator
    ) async throws -> [RecordedEvent] {
        let entries = (0..<count).map { _ in
            let size = Int.random(in: 0..<8, using: &random) == 0 ? 6000 : Int.random(in: 0..<300, using: &random)
            let tags = (0..<Int.random(in: 0..<4, using: &random)).map { _ in
                EventTag("third", "\(Int.random(in: 0..<3, using: &random))")
            }
            let types: [EventType] = ["noted", "noted", "é", "e\u{301}"]
            return AppendRequest.Entry(
                stream: Int.random(in: 0..<5, using: &random) == 0
                    ? nil : StreamID("s-\(Int.random(in: 0..<4, using: &random))"),
                event: EventData(
                    type: types.randomElement(using: &random) ?? "noted", tags: tags,
                    contentType: Bool.random(using: &random) ? .json : .bytes,
                    payload: (0..<size).map { UInt8(truncatingIfNeeded: $0) }))
        }
        let receipt = try await store.append(AppendRequest(entries))
        let first = receipt.position.value - UInt64(count - 1)
        return entries.enumerated().map { index, entry in
            RecordedEvent(
                position: Position(first + UInt64(index)), stream: entry.stream, revision: .none,
                recordedAt: Timestamp(microsecondsSince1970: 0), data: entry.event)
        }
    }

    /// The events that a page must have, found without an index.
    private func expected(_ request: ReadRequest, _ all: [RecordedEvent], pageBytes: Int) -> [EventData] {
        var (found, bytes) = ([EventData](), 0)
        let isForward = request.direction == .forward
        for event in isForward ? all : all.reversed() {
            if let after = request.after?.position, event.position <= after { continue }
            if let before = request.before?.position, event.position >= before { continue }
            guard request.query.matches(event) else { continue }
            if found.count == request.limit || bytes >= pageBytes { break }
            found.append(event.data)
            bytes += event.data.size
        }
        return found
    }

    private func request(_ head: UInt64, _ random: inout SeededGenerator) -> ReadRequest {
        let (one, two) = (UInt64.random(in: 0...head, using: &random), UInt64.random(in: 0...head + 1, using: &random))
        return ReadRequest(
            Self.queries.randomElement(using: &random) ?? .all,
            after: Bool.random(using: &random) ? nil : .position(Position(min(one, two))),
            before: .position(Position(Bool.random(using: &random) ? head + 1 : max(one, two))),
            direction: Bool.random(using: &random) ? .forward : .backward,
            limit: [1, 2, 7, 40, 1000].randomElement(using: &random) ?? 1)
    }

    @Test func `random pages have the events of a search without an index, while the index moves`() async throws {
        let seed = UInt64.random(in: 1..<1_000_000)
        print("seed of random pages: \(seed)")
        var random = SeededGenerator(seed: seed)
        var limits = Limits()
        limits.pageBytes = 30_000
        var tuning = LogTuning.tiny
        tuning.hashBits = 4
        let store = try LogEventStore(path: place(), mode: .create, limits: limits, tuning: tuning)
        var all: [RecordedEvent] = []
        for round in 0..<40 {
            let head = all.count
            // The pages end in front of what is appended meanwhile.
            async let appending = {
                var random = SeededGenerator(seed: seed + UInt64(round))
                return try await append(1 + round % 20, to: store, &random)
            }()
            for _ in 0..<25 where head > 0 {
                let request = request(UInt64(head), &random)
                let page = try await store.readPage(request) { try EventBatch($0) }
                #expect(
                    page.events.map(\.data) == expected(request, all, pageBytes: limits.pageBytes),
                    "seed \(seed), round \(round): \(request)")
            }
            all += try await appending
        }
        for _ in 0..<200 {
            let request = request(UInt64(all.count), &random)
            let page = await page(request, of: store, "seed \(seed): \(request)")
            #expect(
                page?.events.map(\.data) == expected(request, all, pageBytes: limits.pageBytes),
                "seed \(seed): \(request)")
        }
        await store.close()
    }

    @Test func `a record that is damaged while the store is open ends pages in front of it`() async throws {
        let seed = UInt64.random(in: 1..<1_000_000)
        print("seed of damaged pages: \(seed)")
        var random = SeededGenerator(seed: seed)
        let store = try place.open()
        var all: [RecordedEvent] = []
        for round in 0..<20 { all += try await append(1 + round, to: store, &random) }
        // A payload in a full segment.
        let victim = try #require(all[10..<60].filter { $0.payload.count > 200 }.randomElement(using: &random))
        let names = try FileManager.default.contentsOfDirectory(atPath: place() + "/log")
        let id = withUnsafeBytes(of: (victim.id.high.bigEndian, victim.id.low.bigEndian)) { Data($0) }
        for name in names where name.hasSuffix(".seg") {
            let path = "\(place())/log/\(name)"
            let bytes = try Data(contentsOf: URL(filePath: path))
            guard let found = bytes.range(of: id) else { continue }
            let file = try FileHandle(forUpdating: URL(filePath: path))
            try file.seek(toOffset: UInt64(found.upperBound + 150))
            try file.write(contentsOf: Data([bytes[found.upperBound + 150] ^ 1]))
            try file.close()
        }
        var (ended, failed) = (0, 0)
        for _ in 0..<400 {
            let request = request(UInt64(all.count), &random)
            let page = await page(request, of: store, "seed \(seed): \(request)")
            let whole = expected(request, all, pageBytes: store.limits.pageBytes)
            guard let place = whole.firstIndex(of: victim.data) else { continue }
            // Ends in front of the append with it, or fails.
            guard let page else {
                failed += 1
                continue
            }
            ended += 1
            let isRight = whole[..<place].starts(with: page.events.map(\.data)) && page.events.count > place - 20
            #expect(isRight && !page.isEnd, "seed \(seed): \(request)")
        }
        #expect(ended > 0 && failed > 0, "seed \(seed)")
        await store.close()
    }
}
