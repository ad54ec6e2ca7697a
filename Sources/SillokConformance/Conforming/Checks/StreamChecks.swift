import SillokCore
import SillokTesting

extension EventStoreSuite {
    static let streamChecks = [
        Check("the facts of a stream are those of its events", facts),
        Check("streams are listed by the bytes of their names, page by page", listing),
        Check("every event is found by its id", eventsByID),
    ]

    private static func facts(_ trial: Trial) async throws {
        let subject = try await trial.open()
        for number in 0..<12 {
            trial.clock.move(byMicroseconds: 10)
            try await subject.store.append([.sample(number)], to: [nil, "a-1", "a-2"][number % 3])
        }
        let store = try await trial.reopen(subject).store
        let reference = ReferenceModel(events: try await trial.log(of: store))
        for name in ["a-1", "a-2", "a", "a-", "none"] as [StreamID] {
            try trial.equal(try await store.stream(name), reference.facts(of: name), "the facts of \(name)")
        }
    }

    private static func listing(_ trial: Trial) async throws {
        let store = try await trial.store()
        let names: [StreamID] = [
            "b-1", "a-2", "a-10", "a", "A-1", "a-1", "ab-1", "a-\u{E9}", "a-e\u{301}", "é-1", "a.b", "a!", "b",
            "\u{10FFFF}-1",
            "\u{FFFD}-1",
        ]
        for (number, name) in names.enumerated() { try await store.append([.sample(number)], to: name) }
        try await store.append([.sample(100)], to: nil)
        let reference = ReferenceModel(events: try await trial.log(of: store))
        for category in [nil, "a", "b", "A", "é", "none"] as [StreamCategory?] {
            for limit in [1, 2, 3, names.count, store.limits.pageEvents] {
                var found: [StreamFacts] = []
                while found.count <= names.count {
                    let page = try await store.streams(in: category, after: found.last?.id, limit: limit)
                    try trial.expect(page.count <= limit, "a listing of \(limit) has \(page.count) streams")
                    if page.isEmpty { break }
                    found += page
                }
                let expected = reference.streams(in: category, after: nil, limit: names.count)
                try trial.equal(found, expected, "the streams of \(category?.text ?? "all"), \(limit) at a time")
            }
            for name in ["", "a-1", "a-1x", "zz"] as [StreamID] where name != "" {
                let page = try await store.streams(in: category, after: name, limit: 100)
                let expected = reference.streams(in: category, after: name, limit: 100)
                try trial.equal(page, expected, "the streams of \(category?.text ?? "all") after \(name)")
            }
        }
    }

    private static func eventsByID(_ trial: Trial) async throws {
        let subject = try await trial.open()
        let ids = [
            EventID(high: 0, low: 0), EventID(high: .max, low: .max), EventID(high: 1 << 63, low: 1),
            EventID(high: 0, low: 1),
            EventID(high: 0x8000, low: 0),
        ]
        for id in ids { try await subject.store.append([EventData(id: id, type: "noted", text: "\(id)")], to: "a-1") }
        let store = try await trial.reopen(subject).store
        let log = try await trial.log(of: store)
        for (index, id) in ids.enumerated() {
            let found = try await store.event(id)
            try trial.equal(found, log[index], "the event \(id)")
            try trial.equal(found?.id, id, "the id of the event \(id)")
        }
        try trial.equal(try await store.event(EventID(high: 5, low: 5)), nil, "an event that is not there")
    }
}
