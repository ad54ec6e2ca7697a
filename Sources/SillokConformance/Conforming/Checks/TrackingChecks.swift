import SillokCore

extension EventStoreSuite {
    static let trackingChecks = [
        Check("a tracked position is recorded with the events and reads back", trackingReadsBack),
        Check("a tracked position keeps the id of the foreign event", foreignEvent),
        Check("a tracked position must rise, for each source on its own", trackingRises),
        Check("a refused append leaves the tracking unchanged", refusedTracking),
        Check("C23: progress without an event is recorded, under the same rules", progressWithoutEvents),
    ]

    private static func trackingReadsBack(_ trial: Trial) async throws {
        let subject = try await trial.open()
        let store = subject.store
        try await store.append(.sample(0..<1))
        let tracking = Tracking(source: "feed", position: 12)
        try await store.append(.sample(1..<3, tracking: tracking))
        let events = try await trial.log(of: store)
        try trial.equal(events.map(\.tracking), [nil, tracking, tracking], "the tracking of the events")
        try trial.equal(try await store.event(.sample(2))?.tracking, tracking, "the tracking of an event by its id")
        let reopened = try await trial.reopen(subject)
        try trial.equal(try await reopened.store.tracking(of: "feed"), tracking, "the tracking after opening again")
        try trial.equal(try await reopened.store.tracking(of: "other"), nil, "the tracking of another source")
        _ = try await trial.refusal(TrackingConflict.self, "the same position after opening again") {
            try await reopened.store.append(.sample(3..<4, tracking: tracking))
        }
    }

    private static func foreignEvent(_ trial: Trial) async throws {
        let subject = try await trial.open()
        let store = subject.store
        let known = Tracking(source: "feed", EventMark(position: 3, id: .sample(900)))
        let receipt = try await store.append(.sample(0..<2, tracking: known))
        try trial.equal(try await store.tracking(of: "feed"), known, "the tracking with the id of the foreign event")
        let plain = Tracking(source: "feed", position: 3)
        try trial.equal(
            try await store.append(.sample(0..<2, tracking: plain)), receipt, "the receipt of a repeat without the id")
        let other = Tracking(source: "feed", EventMark(position: 3, id: .sample(901)))
        _ = try await trial.refusal(TrackingConflict.self, "the same position with another event") {
            try await store.append(.sample(2..<3, tracking: other))
        }
        let reopened = try await trial.reopen(subject).store
        try trial.equal(try await reopened.tracking(of: "feed"), known, "the tracking after opening again")
        let next = Tracking(source: "feed", position: 4)
        try await reopened.append(.sample(3..<4, tracking: next))
        try trial.equal(
            try await reopened.tracking(of: "feed"), next, "the tracking without an id after one with an id")
    }

    private static func trackingRises(_ trial: Trial, _ store: any EventStore) async throws {
        let accent = TrackingSource("caf\u{E9}"), combined = TrackingSource("cafe\u{301}")
        try await store.append(.sample(0..<1, tracking: Tracking(source: accent, position: 0)))
        try await store.append(.sample(1..<2, tracking: Tracking(source: accent, position: 5)))
        for position: UInt64 in [0, 4, 5] {
            let given = Tracking(source: accent, position: position)
            try await trial.refused(
                .sample(2..<3, tracking: given), with: TrackingConflict(given: given, recorded: 5), by: store,
                "position \(position) after 5")
        }
        try await store.append(.sample(3..<4, tracking: Tracking(source: combined, position: 1)))
        try await store.append(.sample(4..<5, tracking: Tracking(source: accent, position: UInt64(Int64.max) + 9)))
        try await store.append(.sample(5..<6, tracking: Tracking(source: accent, position: .max)))
        let (last, other) = (try await store.tracking(of: accent), try await store.tracking(of: combined))
        try trial.equal(last?.position, .max, "the tracking at the end of the number range")
        try trial.equal(other?.position, 1, "the tracking of a name that only looks the same")
        try trial.equal(try await trial.log(of: store).last?.tracking?.position, .max, "the tracking of the last event")
    }

    private static func progressWithoutEvents(_ trial: Trial) async throws {
        let subject = try await trial.open()
        let store = subject.store
        func progress(_ position: UInt64, if condition: AppendCondition = .always) -> AppendRequest {
            AppendRequest([], if: condition, tracking: Tracking(source: "feed", position: position))
        }
        let early = try await store.append(progress(3))
        try trial.equal([early.firstPosition, early.position], [0, 0], "the positions in an empty store")
        try await store.append(.sample(0..<1))
        let receipt = try await store.append(progress(7))
        try trial.equal([receipt.firstPosition, receipt.position], [1, 1], "the positions after one event")
        try trial.equal(receipt.revisions.isEmpty, true, "whether no stream is named")
        for position: UInt64 in [0, 6, 7] {
            _ = try await trial.refusal(TrackingConflict.self, "position \(position) after 7") {
                try await store.append(progress(position))
            }
        }
        _ = try await trial.refusal(AppendConflict.self, "a condition that does not hold") {
            try await store.append(progress(8, if: .revision(9, of: "a-1")))
        }
        _ = try await trial.refusal(AppendConflict.self, "a query that finds an event") {
            try await store.append(progress(8, if: AppendCondition(unchanged: [.init(.all, since: 0)])))
        }
        _ = try await trial.refusal(TrackingConflict.self, "an event at a position that was passed without one") {
            try await store.append(.sample(1..<2, tracking: Tracking(source: "feed", position: 7)))
        }
        try await store.append(.sample(1..<2, tracking: Tracking(source: "feed", position: 8)))
        try await store.append(progress(9, if: AppendCondition(unchanged: [.init(.all, since: 2)])))
        try trial.equal(try await store.head(), 2, "the head")
        let reopened = try await trial.reopen(subject)
        try trial.equal(try await reopened.store.tracking(of: "feed")?.position, 9, "the tracking after opening again")
        _ = try await trial.refusal(InvalidRequest.self, "neither an event nor progress") {
            try await reopened.store.append(AppendRequest([]))
        }
    }

    private static func refusedTracking(_ trial: Trial, _ store: any EventStore) async throws {
        try await store.append(.sample(0..<1, tracking: Tracking(source: "feed", position: 1)))
        let next = Tracking(source: "feed", position: 2)
        _ = try await trial.refusal(AppendConflict.self, "a condition that does not hold") {
            try await store.append(.sample(1..<2, if: .revision(9, of: "a-1"), tracking: next))
        }
        _ = try await trial.refusal(EventIDConflict.self, "a known id") {
            try await store.append([.sample(0, type: "other")], to: "a-1", tracking: next)
        }
        try trial.equal(try await store.tracking(of: "feed")?.position, 1, "the tracking after refused appends")
        try await store.append(.sample(1..<2, tracking: next))
        try trial.equal(try await store.tracking(of: "feed")?.position, 2, "the tracking after an append")
    }
}
