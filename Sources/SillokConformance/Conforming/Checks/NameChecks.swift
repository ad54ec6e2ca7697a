import SillokCore

extension EventStoreSuite {
    static let nameChecks = [
        Check("names that only look the same are different names", lookAlikes),
        Check("hostile names are kept byte for byte", hostileNames),
        Check("names without a character or with a control character are refused", unfitNames),
    ]

    private static let composed = "caf\u{E9}", decomposed = "cafe\u{301}"

    private static func lookAlikes(_ trial: Trial, _ store: any EventStore) async throws {
        for (number, name) in [composed, decomposed, "CAFE\u{301}", "cafe"].enumerated() {
            let event = EventData.sample(number, type: EventType(name), tags: [EventTag(name)])
            let receipt = try await store.append(
                [event], to: StreamID(StreamCategory(name), "1"),
                if: .revision(0, of: StreamID(StreamCategory(name), "1")))
            try trial.equal(receipt.position, Position(UInt64(number + 1)), "the position of \(name)")
        }
        for (number, name) in [composed, decomposed, "CAFE\u{301}", "cafe"].enumerated() {
            let queries: [EventQuery] = [
                .stream(StreamID(StreamCategory(name), "1")), .category(StreamCategory(name)), .types(EventType(name)),
                .tags(EventTag(name)),
            ]
            for query in queries {
                let found = try await store.read(query).events
                try trial.equal(found.map(\.position.value), [UInt64(number + 1)], "the events of \(query)")
                try trial.equal(found.first?.type.text.utf8.elementsEqual(name.utf8), true, "the bytes of the type")
            }
            try trial.equal(
                try await store.stream(StreamID(StreamCategory(name), "1"))?.revision, 1, "the revision of \(name)-1")
            let listed = try await store.streams(in: StreamCategory(name), after: nil, limit: 10)
            try trial.equal(
                listed.map(\.id), [StreamID(StreamCategory(name), "1")], "the streams of the category \(name)")
        }
        _ = try await trial.refusal(EventIDConflict.self, "the same id in a stream that only looks the same") {
            try await store.append(
                [.sample(0, type: EventType(composed), tags: [EventTag(composed)])],
                to: StreamID(StreamCategory(decomposed), "1"))
        }
    }

    private static let hostile = [
        "..", "../../etc/passwd", "/", "\\", "a/b", "'", "\"", "'; DROP TABLE events; --", "%", "_", "a%", "a_c", "*",
        "?",
        "[a-z]", "$(reboot)", "`reboot`", "${HOME}", "{}", "null", "NULL", "0", "-1", "1e9", " ", "  a  ", "a b",
        "\u{202E}gnp.exe", "\u{200B}", "\u{FEFF}", "\u{FFFD}", "\u{10FFFF}", "👩‍👩‍👧‍👦",
        "🇰🇷", "실록", "日本語", "العربية", "İ", "ß",
        "ﬀ",
        "-", "--", "a-", "-a", "a:b", ":", "<script>alert(1)</script>", "&amp;", "a;b,c|d", "#", "@", "a=b&c=d", "+",
        "~",
    ]

    private static func hostileNames(_ trial: Trial) async throws {
        let subject = try await trial.open()
        var expected: [[String]] = []
        for (number, name) in hostile.enumerated() {
            var metadata = Metadata(actor: name)
            metadata[name] = name
            let event = EventData(
                id: .sample(number), type: EventType(name), tags: [EventTag(name), "all"], metadata: metadata,
                contentType: ContentType(name), text: name)
            try await subject.store.append(
                [event], to: StreamID(name), tracking: Tracking(source: TrackingSource(name), position: 1))
            expected.append([name, name, name, name, name, name])
        }
        let store = try await trial.reopen(subject).store
        let found = try await trial.log(of: store).map { event in
            [
                event.stream?.text ?? "", event.type.text, event.tags.first?.text ?? "", event.contentType.text,
                event.metadata.actor ?? "", String(decoding: event.payload, as: UTF8.self),
            ]
        }
        for (index, name) in hostile.enumerated() {
            let same = index < found.count && found[index].allSatisfy { $0.utf8.elementsEqual(name.utf8) }
            try trial.expect(
                same, "the name \(name.debugDescription) came back as \(found.dropFirst(index).first ?? [])")
            for query in [EventQuery.stream(StreamID(name)), .types(EventType(name)), .tags(EventTag(name))] {
                let positions = try await store.read(query).events.positions
                try trial.equal(positions, [UInt64(index + 1)], "the events of \(query)")
            }
            try trial.equal(
                try await store.tracking(of: TrackingSource(name))?.position, 1,
                "the tracking of \(name.debugDescription)")
        }
        let all = try await store.streams(in: nil, after: nil, limit: store.limits.pageEvents)
        try trial.equal(all.map(\.id), hostile.map { StreamID($0) }.sorted(), "the streams by their bytes")
    }

    private static func unfitNames(_ trial: Trial, _ store: any EventStore) async throws {
        let controls = ["\0", "a\0b", "a\r\nb", "\t", "\u{1B}[31m", "\u{7F}", "a\u{80}", "\u{9F}"]
        for subject in namedSubjects {
            let invalid = InvalidRequest(.emptyName(subject.subject), index: subject.index)
            try await trial.refused(
                subject.request(""), with: invalid, by: store, "an empty \(subject.subject.rawValue)")
            for name in controls {
                try await trial.refused(
                    subject.request(name),
                    with: InvalidRequest(.controlCharacter(subject.subject), index: subject.index), by: store,
                    "a \(subject.subject.rawValue) named \(name.debugDescription)")
            }
        }
        for query in [EventQuery.stream(""), .category("a\0"), .types(""), .tags("a", "\n")] {
            _ = try await trial.refusal(InvalidRequest.self, "reading \(query)") { try await store.read(query) }
        }
        _ = try await trial.refusal(InvalidRequest.self, "a listing after an unfit name") {
            try await store.streams(in: nil, after: "a\0", limit: 1)
        }
        try trial.equal(try await store.head(), .start, "the head after refused appends")
    }

    /// What has a name in an append, and an append that gives it one.
    static let namedSubjects: [NamedSubject] = [
        NamedSubject(.stream) { AppendRequest.sample(0..<1, to: StreamID($0)) },
        NamedSubject(.type) { request($0, \.type) { EventType($0) } },
        NamedSubject(.tag) { request($0, \.tags) { ["a", EventTag($0)] } },
        NamedSubject(.contentType) { request($0, \.contentType) { ContentType($0) } },
        NamedSubject(.metadataKey) { name in
            var request = AppendRequest.sample(0..<1)
            request.entries[0].event.metadata[name] = "a"
            return request
        },
        NamedSubject(.trackingSource, at: nil) {
            .sample(0..<1, tracking: Tracking(source: TrackingSource($0), position: 1))
        },
        NamedSubject(.stream, at: nil) { .sample(0..<1, if: .revision(0, of: StreamID($0))) },
        NamedSubject(.tag, at: nil) { .sample(0..<1, if: .absent(.tags(EventTag($0)))) },
    ]

    /// Something that has a name, and an append that gives it one.
    struct NamedSubject: Sendable {
        let subject: InvalidRequest.Subject
        let index: Int?
        let request: @Sendable (String) -> AppendRequest

        init(
            _ subject: InvalidRequest.Subject, at index: Int? = 0,
            _ request: @escaping @Sendable (String) -> AppendRequest
        ) {
            (self.subject, self.index, self.request) = (subject, index, request)
        }
    }

    private static func request<Part>(
        _ name: String, _ part: WritableKeyPath<EventData, Part>, _ make: (String) -> Part
    ) -> AppendRequest {
        var request = AppendRequest.sample(0..<1)
        request.entries[0].event[keyPath: part] = make(name)
        return request
    }
}
