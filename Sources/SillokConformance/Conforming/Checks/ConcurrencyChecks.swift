import SillokCore

extension EventStoreSuite {
    static let concurrencyChecks = [
        Check("of many writers that expect a revision exactly one wins", oneWinner),
        Check("decisions on tags never skew", noWriteSkew),
        Check("an append that begins after another was acknowledged comes after it", realTimeOrder),
        Check("of many writers with the same ids one is recorded", sameIDsAtOnce),
        Check("a dropped response and a retry record nothing twice", retriesRecordOnce),
    ]

    private static func oneWinner(_ trial: Trial, _ store: any EventStore) async throws {
        for round in 0..<4 {
            let expected = Revision(UInt64(round))
            let winners = try await withThrowingTaskGroup(of: Int.self) { group in
                for writer in 0..<32 {
                    group.addTask {
                        let number = round * 100 + writer
                        do {
                            let receipt = try await store.append(
                                .sample(number..<number + 1, if: .revision(expected, of: "a-1")))
                            try trial.equal(receipt.revisions, ["a-1": expected.next], "the revision of the winner")
                            return 1
                        } catch AppendError.conflict(let conflict) {
                            let actual = conflict.streams["a-1"]?.actual
                            try trial.equal(actual, expected.next, "the revision that a loser finds")
                            try trial.equal(conflict.events.map(\.revision), [expected.next], "what a loser is shown")
                            return 0
                        }
                    }
                }
                return try await group.reduce(0, +)
            }
            try trial.equal(winners, 1, "the winners among 32 writers that expect revision \(expected)")
        }
        try trial.expectGapless(try await trial.log(of: store))
        let report = try await OperationalChecks(store: store, seed: trial.seed).hotStream(clients: 32, appends: 3)
        try trial.expect(report.isClean, "\(report)")
    }

    private static func noWriteSkew(_ trial: Trial, _ store: any EventStore) async throws {
        let report = try await OperationalChecks(store: store, seed: trial.seed)
            .overlappingDecisions(clients: 12, attempts: 10)
        try trial.expect(report.isClean, "\(report)")
    }

    private static func realTimeOrder(_ trial: Trial, _ store: any EventStore) async throws {
        let acknowledged = Lock(Position.start)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask {
                    for step in 0..<25 {
                        let before = acknowledged.withLock { $0 }
                        let number = writer * 1000 + step
                        let receipt = try await store.append(
                            .sample(number..<number + 1, to: StreamID("w", "\(writer)")))
                        try trial.expect(
                            receipt.position > before,
                            "position \(receipt.position) was given after \(before) was acknowledged")
                        let head = try await store.head()
                        try trial.expect(head >= receipt.position, "the head is \(head) after \(receipt.position)")
                        let own = try await store.read(.stream(StreamID("w", "\(writer)")), after: before).events.last
                        try trial.equal(own?.position, receipt.position, "a writer's own last event")
                        acknowledged.withLock { $0 = max($0, receipt.position) }
                    }
                }
            }
            try await group.waitForAll()
        }
        try trial.expectGapless(try await trial.log(of: store))
    }

    private static func sameIDsAtOnce(_ trial: Trial, _ store: any EventStore) async throws {
        for round in 0..<10 {
            let request = AppendRequest.sample(round * 3..<round * 3 + 3, to: StreamID("a", "\(round % 2)"))
            let receipts = try await withThrowingTaskGroup(of: Receipt.self) { group in
                for _ in 0..<12 { group.addTask { try await store.append(request) } }
                return try await group.reduce(into: Set<Receipt>()) { $0.insert($1) }
            }
            try trial.equal(receipts.count, 1, "the different receipts of 12 writers with the same append")
        }
        try trial.equal(try await store.head(), 30, "the head after 10 appends, each made 12 times at once")
    }

    private static func retriesRecordOnce(_ trial: Trial, _ store: any EventStore) async throws {
        let report = try await OperationalChecks(store: store, seed: trial.seed)
            .droppedResponses(clients: 6, appends: 10)
        try trial.expect(report.isClean, "\(report)")
    }
}
