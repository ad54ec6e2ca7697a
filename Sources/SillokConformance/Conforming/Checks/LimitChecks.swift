import SillokCore
import SillokTesting

extension EventStoreSuite {
    static let limitChecks = [
        Check("names are taken at their limit and refused beyond it", nameLimits),
        Check("a batch is taken at its limits and refused beyond them", batchLimits),
        Check("an event is taken at its limits and refused beyond them", eventLimits),
        Check("reads and listings are held to their limits", readLimits),
        Check("a recorded time may not be far ahead of the clock", givenTimeLimit),
    ]

    private static func nameLimits(_ trial: Trial, _ store: any EventStore) async throws {
        let limits = store.limits
        for subject in namedSubjects where subject.subject != .metadataKey {
            let limit =
                switch subject.subject {
                case .stream: limits.streamBytes
                case .tag: limits.tagBytes
                default: limits.typeBytes
                }
            try await trial.refused(
                subject.request(String(repeating: "n", count: limit + 1)),
                with: InvalidRequest(
                    .nameTooLong(subject.subject, bytes: limit + 1, limit: limit), index: subject.index),
                by: store, "a \(subject.subject.rawValue) of \(limit + 1) bytes")
            let fresh = try await trial.open(limits: limits)
            let name = String(repeating: "é", count: limit / 2) + String(repeating: "n", count: limit % 2)
            try await fresh.store.append(subject.request(name))
            try trial.equal(
                try await fresh.store.head(), 1, "the head after a \(subject.subject.rawValue) of \(limit) bytes")
            try await trial.discard(fresh)
        }
        let long = StreamID(String(repeating: "n", count: limits.streamBytes))
        try await store.append(.sample(0..<1, to: long))
        try trial.equal(try await store.stream(long)?.revision, 1, "the revision of a stream with a long name")
    }

    private static func batchLimits(_ trial: Trial, _ store: any EventStore) async throws {
        let limits = store.limits
        try await trial.refused(AppendRequest([]), with: InvalidRequest(.emptyBatch), by: store, "an empty append")
        let count = limits.batchEvents
        try await trial.refused(
            .sample(0..<count + 1),
            with: InvalidRequest(.overLimit(.batchEvents, count: count + 1, limit: count)), by: store,
            "an append of \(count + 1) events")
        let receipt = try await store.append(.sample(0..<count))
        try trial.equal(receipt.position, Position(UInt64(count)), "the position after an append of \(count) events")
        try trial.equal(receipt.revisions, ["a-1": Revision(UInt64(count))], "the revision after it")
        let payload = [UInt8](repeating: 7, count: limits.payloadBytes)
        let large = (0...limits.batchBytes / max(1, limits.payloadBytes)).map { number in
            EventData(id: .sample(count + number), type: "large", payload: payload)
        }
        guard large.count <= count else { return }
        let found = try await trial.refusal(InvalidRequest.self, "an append of too many bytes") {
            try await store.append(large, to: "a-1")
        }
        guard case .overLimit(.batchBytes, _, limit: limits.batchBytes) = found.reason else {
            throw trial.failure("an append of too many bytes: found \(found)")
        }
        try trial.equal(try await store.head(), receipt.position, "the head after an append of too many bytes")
        try await store.append(Array(large.dropLast(2)), to: "a-1")
    }

    private static func eventLimits(_ trial: Trial, _ store: any EventStore) async throws {
        let limits = store.limits
        func refused(_ measure: InvalidRequest.Measure, _ limit: Int, _ event: EventData) async throws {
            try await trial.refused(
                AppendRequest([.init(stream: "a-1", event: .sample(900)), .init(stream: "a-1", event: event)]),
                with: InvalidRequest(.overLimit(measure, count: limit + 1, limit: limit), index: 1), by: store,
                "\(limit + 1) \(measure.rawValue)")
        }
        func metadata(bytes: Int) -> Metadata {
            var metadata = Metadata()
            metadata["k"] = String(repeating: "v", count: bytes - 2 - (bytes - 3 < 128 ? 1 : bytes - 4 < 16384 ? 2 : 3))
            return metadata
        }
        func payload(_ count: Int, id: Int) -> EventData {
            EventData(id: .sample(id), type: "noted", payload: [UInt8](repeating: 0xFF, count: count))
        }
        func tags(_ count: Int) -> [EventTag] { (0..<count).map { EventTag("tag", "\($0)") } }
        try await refused(.payloadBytes, limits.payloadBytes, payload(limits.payloadBytes + 1, id: 1))
        try await refused(.tags, limits.tags, .sample(1, tags: tags(limits.tags + 1)))
        let over = metadata(bytes: limits.metadataBytes + 1)
        try trial.equal(over.bytes.count, limits.metadataBytes + 1, "the bytes of the metadata made for this check")
        try await refused(.metadataBytes, limits.metadataBytes, .sample(1, metadata: over))
        let events = [
            payload(limits.payloadBytes, id: 1), payload(0, id: 2), .sample(3, tags: tags(limits.tags)),
            .sample(4, metadata: metadata(bytes: limits.metadataBytes)),
        ]
        for event in events { try await store.append([event], to: "a-1") }
        let found = try await trial.log(of: store).map(\.data)
        try trial.expect(found == events, "events at the limits do not read back as they were appended")
        let tagged = try await store.read(EventQuery([.init(tags: tags(limits.tags))])).events
        try trial.equal(tagged.positions, [3], "the event with all of \(limits.tags) tags")
    }

    private static func givenTimeLimit(_ trial: Trial, _ store: any EventStore) async throws {
        let now = trial.clock.now
        func request(_ number: Int, _ times: [Timestamp?]) -> AppendRequest {
            AppendRequest(
                times.enumerated().map {
                    .init(stream: "a-1", event: .sample(number + $0.offset), recordedAt: $0.element)
                })
        }
        let lead = store.limits.clockLead.wholeMicroseconds
        let last = now.advanced(byMicroseconds: lead)
        for late in [last.advanced(byMicroseconds: 1), Timestamp(microsecondsSince1970: .max)] {
            try await trial.refused(
                request(0, [now, late]), with: InvalidRequest(.timeAhead(given: late, clock: now), index: 1), by: store,
                "a recorded time of \(late)")
        }
        let receipt = try await store.append(request(0, [now, last]))
        try trial.equal(receipt.recordedAt, last, "a given time that is as far ahead as it may be")
        trial.clock.move(byMicroseconds: -lead)
        let again = try await store.append(request(0, [now, last]))
        try trial.equal(again, receipt, "the receipt of a repeat after the clock ran back")
    }

    private static func readLimits(_ trial: Trial, _ store: any EventStore) async throws {
        try await store.append(.sample(0..<2))
        let limits = store.limits
        func refused(_ reason: InvalidRequest.Reason, _ request: ReadRequest) async throws {
            let found = try await trial.refusal(InvalidRequest.self, "a read that is \(reason)") {
                try await store.read(request)
            }
            try trial.equal(found, InvalidRequest(reason), "the refusal of a read")
        }
        for limit in [0, -1, Int.min] { try await refused(.emptyPage, ReadRequest(.all, limit: limit)) }
        let page = limits.pageEvents + 1
        try await refused(
            .overLimit(.pageEvents, count: page, limit: limits.pageEvents), ReadRequest(.all, limit: page))
        try await refused(
            .overLimit(.pageEvents, count: .max, limit: limits.pageEvents), ReadRequest(.all, limit: .max))
        let items = [EventQuery.Item](repeating: .init(stream: "a-1"), count: limits.queryItems)
        let most = try await store.read(EventQuery(items))
        try trial.equal(most.events.positions, [1, 2], "the events of \(items.count) alternatives that are the same")
        try await refused(
            .overLimit(.queryItems, count: items.count + 1, limit: items.count),
            ReadRequest(EventQuery(items + [.init()])))
        let types = (0...limits.queryItems).map { EventType("type\($0)") }
        try await refused(
            .overLimit(.queryItems, count: types.count, limit: limits.queryItems),
            ReadRequest(EventQuery([.init(types: types)])))
        let listing = try await trial.refusal(InvalidRequest.self, "a listing of no streams") {
            try await store.streams(in: nil, after: nil, limit: 0)
        }
        try trial.equal(listing, InvalidRequest(.emptyPage), "the refusal of a listing")
        _ = try await trial.refusal(InvalidRequest.self, "a listing of too many streams") {
            try await store.streams(in: nil, after: nil, limit: page)
        }
    }
}
