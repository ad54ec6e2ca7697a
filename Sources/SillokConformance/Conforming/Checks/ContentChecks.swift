import SillokCore
import SillokChain
import SillokTesting

extension EventStoreSuite {
    static let contentChecks = [
        Check("payloads are kept byte for byte", payloads),
        Check("metadata is kept with its order and its empty values", metadataKept),
        Check("tags are kept in their order and with their repeats", tagsKept),
        Check("recorded times never decrease, also if the clock does", timesRise),
        Check("a given recorded time is kept, or refused if it is too early", givenTimes),
        Check("a hash chain that is kept has the right link for every event, and none for what was refused", chain),
    ]

    /// Fails unless the events read back the same on every path, also after the store was opened again.
    private static func expectKept(_ events: [EventData], _ trial: Trial) async throws {
        let subject = try await trial.open()
        for event in events { try await subject.store.append([event], to: "a-1") }
        let store = try await trial.reopen(subject).store
        let log = try await trial.log(of: store)
        let stream = try await trial.log(of: store, .stream("a-1"))
        let back = try await store.read(ReadRequest(.all, direction: .backward)).events
        for (index, event) in events.enumerated() {
            let what = "event \(index) (\(event.payload.count) bytes)"
            try trial.expect(log.indices.contains(index) && log[index].data == event, "\(what) in the log has changed")
            try trial.expect(
                stream.indices.contains(index) && stream[index].data == event, "\(what) in its stream has changed")
            try trial.expect(try await store.event(event.id)?.data == event, "\(what) by its id has changed")
        }
        try trial.expect(back == Array(log.reversed().prefix(back.count)), "the log read backwards differs")
    }

    private static func payloads(_ trial: Trial) async throws {
        var generator = SeededGenerator(seed: trial.seed)
        let random = { (count: Int) in (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) } }
        let payloads: [[UInt8]] = [
            [], [0], [0xFF], [0xC3, 0x28], [0xED, 0xA0, 0x80], Array("\u{FEFF}{}".utf8), Array(0...255), random(4096),
            random(70_000), [UInt8](repeating: 0, count: 100_000),
        ]
        try await expectKept(
            payloads.enumerated().map {
                EventData(id: .sample($0.offset), type: "noted", contentType: .bytes, payload: $0.element)
            }, trial)
    }

    private static func metadataKept(_ trial: Trial) async throws {
        var many = Metadata()
        for number in 0..<300 { many["key\((number * 7) % 300)"] = String(repeating: "v", count: number) }
        var odd = Metadata()
        odd["empty"] = ""
        odd["caf\u{E9}"] = "composed"
        odd["cafe\u{301}"] = "decomposed"
        odd["lines"] = "a\r\nb\0c"
        odd["commandid"] = "not a UUID"
        let known = Metadata(
            actor: "ada", correlationID: "c", causationID: "", commandID: CommandID(high: 1, low: 2), traceparent: "t")
        try await expectKept(
            [Metadata(), many, odd, known].enumerated().map { .sample($0.offset, metadata: $0.element) }, trial)
    }

    private static func tagsKept(_ trial: Trial) async throws {
        let tags: [[EventTag]] = [
            [], ["b", "a"], ["a", "a", "b", "a"], ["caf\u{E9}", "cafe\u{301}"], ["a:1", "a:10", "a"],
        ]
        try await expectKept(tags.enumerated().map { .sample($0.offset, tags: $0.element) }, trial)
    }

    private static func timesRise(_ trial: Trial) async throws {
        let subject = try await trial.open()
        var store = subject.store
        var latest = trial.clock.now
        for (number, jump) in [0, 500, -3_600_000_000, 1, 3_600_000_000, -1, -86_400_000_000].enumerated() {
            trial.clock.move(byMicroseconds: Int64(jump))
            if number == 4 { store = try await trial.reopen(subject).store }
            latest = max(latest, trial.clock.now)
            let receipt = try await store.append(.sample(number * 2..<number * 2 + 2))
            try trial.equal(receipt.recordedAt, latest, "the recorded time after the clock moved by \(jump) µs")
        }
        try trial.expectGapless(try await trial.log(of: store))
        let facts = try await store.stream("a-1")
        try trial.equal(facts?.lastRecordedAt, latest, "the last recorded time of the stream")
    }

    private static func givenTimes(_ trial: Trial, _ store: any EventStore) async throws {
        let start = trial.clock.now.advanced(byMicroseconds: -1_000_000_000)
        func request(_ number: Int, _ offsets: [Int64?]) -> AppendRequest {
            AppendRequest(
                offsets.enumerated().map {
                    .init(
                        stream: "a-1", event: .sample(number + $0.offset),
                        recordedAt: $0.element.map(start.advanced(byMicroseconds:)))
                })
        }
        let first = try await store.append(request(0, [0, 5, 5]))
        try trial.equal(first.recordedAt, start.advanced(byMicroseconds: 5), "a given time in the past")
        let early = InvalidRequest(
            .timeRunsBackwards(given: start.advanced(byMicroseconds: 4), last: start.advanced(byMicroseconds: 5)),
            index: 0)
        try await trial.refused(request(10, [4]), with: early, by: store, "a given time before the last one")
        let inside = InvalidRequest(
            .timeRunsBackwards(given: start.advanced(byMicroseconds: 8), last: start.advanced(byMicroseconds: 9)),
            index: 1)
        try await trial.refused(request(10, [9, 8]), with: inside, by: store, "given times that fall in a batch")
        try await store.append(request(10, [9, nil]))
        let future: Int64 = 1_060_000_000
        try await store.append(request(20, [future]))
        try await store.append(request(30, [nil]))
        let times = try await trial.log(of: store).map(\.recordedAt)
        let offsets = [0, 5, 5, 9].map { start.advanced(byMicroseconds: $0) }
        let late = start.advanced(byMicroseconds: future)
        try trial.equal(times, offsets + [trial.clock.now, late, late], "the recorded times")
        let repeated = try await store.append(request(0, [nil, nil, nil]))
        try trial.equal(repeated, first, "the receipt of the same facts without given times")
    }

    /// Only for a store that keeps a chain: the check has nothing to say of others.
    private static func chain(_ trial: Trial) async throws {
        let subject = try await trial.open()
        guard let store = subject.store as? any ChainedEventStore, let chain = try await store.chain() else { return }
        try trial.equal(chain, Chain(of: try await store.storeID(), from: 1), "the chain of a new store")
        try await expectChain(store, trial)
        let tracking = Tracking(source: "elsewhere", position: 1 << 60)
        try await store.append(.sample(0..<3, tracking: tracking))
        _ = try await trial.refusal(AppendConflict.self, "an append at a wrong revision") {
            try await store.append(.sample(10..<13, if: .revision(1, of: "a-1")))
        }
        try await store.append(.sample(0..<3, tracking: tracking))
        let odd = EventData.sample(20, tags: ["b", "a", "b"], metadata: Metadata(actor: "caf\u{E9}"), text: "\u{0}")
        try await store.append([odd], to: nil)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 1...8 {
                group.addTask {
                    for number in 1..<10 {
                        let first = writer * 1000 + number * 10
                        try await store.append(.sample(first..<first + number, to: number == 1 ? nil : "a-\(writer)"))
                    }
                }
            }
            try await group.waitForAll()
        }
        try await expectChain(store, trial)
        let reopened = try await trial.reopen(subject).store
        try await reopened.append(.sample(9000..<9003))
        guard let reopened = reopened as? any ChainedEventStore else { throw trial.failure("the chain is lost") }
        try await expectChain(reopened, trial)
        try trial.equal(try await reopened.links(after: 2, limit: 2).map(\.position), [3, 4], "links from a position")
    }

    private static func expectChain(_ store: any ChainedEventStore, _ trial: Trial) async throws {
        guard let report = try await store.verifyChain() else { throw trial.failure("the chain is lost") }
        try trial.equal(report.findings, [], "what is wrong with the chain")
        try trial.equal(report.through, try await store.head(), "the last position of the chain")
        var link = report.chain.genesis
        for event in try await trial.log(of: store) { link = Chain.link(after: link, to: event) }
        try trial.equal(report.link, link, "the last link")
        try trial.equal(try await store.link(at: report.through)?.digest ?? report.chain.genesis, link, "the kept link")
    }
}
