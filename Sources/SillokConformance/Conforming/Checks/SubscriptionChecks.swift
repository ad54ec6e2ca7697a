import SillokCore
import SillokTesting

extension EventStoreSuite {
    static let subscriptionChecks = [
        Check("reach returns at once for what is there, and soon for what comes", reachReturns),
        Check("reach for a query returns at once for what is there, and soon for what comes", reachesQueries),
        Check("reach ends with its task", reachIsCancelled),
        Check("a subscription delivers what is and then what comes", catchUpThenLive),
        Check("a subscription resumes from every through", resumes),
        Check("a lost wake-up costs a subscription at most its poll interval", lostWakeUp),
        Check("a subscription ends with its task", subscriptionIsCancelled),
        Check("a subscriber of another store gets storeChanged", storeChanged),
        Check("subscribers miss nothing while many append", subscribersMissNothing),
    ]

    private static func reachReturns(_ trial: Trial, _ store: any EventStore) async throws {
        try await within(trial.timeout) { try await store.reach(.start) }
        try await store.append(.sample(0..<3))
        for position: Position in [1, 3] { try await within(trial.timeout) { try await store.reach(position) } }
        var lost = 0
        for round in 0..<20 {
            let next = try await store.head().next
            let waiting = Task { try await within(trial.timeout) { try await store.reach(next) } }
            for _ in 0..<round { await Task.yield() }
            try await store.append(.sample(100 + round..<101 + round))
            do { try await waiting.value } catch is Overdue { lost += 1 }
            if lost > 2 { throw trial.failure("\(lost) of \(round + 1) wake-ups took longer than \(trial.timeout)") }
        }
    }

    private static func reachesQueries(_ trial: Trial, _ store: any EventStore) async throws {
        let queries: [EventQuery] = [
            .stream("a-1"), .category("a"), .tags("x"), .tags("x", "y"), .types("wanted"),
            EventQuery([.init(category: "none"), .init(category: "a", types: ["wanted"])]),
        ]
        for (round, query) in (queries + queries + queries).enumerated() {
            let next = try await store.head().next
            let waiting = Task { try await within(trial.timeout) { try await store.reach(next, for: query) } }
            for _ in 0..<round % 7 { await Task.yield() }
            try await store.append(.sample(2 * round..<2 * round + 1, to: "b-1"))
            let event = EventData(id: .sample(2 * round + 1), type: "wanted", tags: ["x", "y"], text: "{}")
            try await store.append([event], to: "a-1")
            do {
                try await waiting.value
                try await within(trial.timeout) { try await store.reach(next, for: query) }
            } catch is Overdue {
                throw trial.failure("an event of \(query) ended no wait within \(trial.timeout)")
            }
        }
    }

    private static func reachIsCancelled(_ trial: Trial, _ store: any EventStore) async throws {
        for round in 0..<20 {
            let waiting = Task { try await store.reach(5) }
            for _ in 0..<round { await Task.yield() }
            try await trial.cancel(waiting, "a cancelled reach")
        }
    }

    private static func catchUpThenLive(_ trial: Trial, _ store: any EventStore) async throws {
        for number in 0..<5 {
            try await store.append([.sample(number, tags: number % 2 == 0 ? ["even"] : [])], to: "a-1")
        }
        let (steps, arrived) = AsyncStream<UInt64>.makeStream()
        let subscription = store.subscribe(to: .tags("even"))
        let reading = Task {
            for try await event in subscription.events {
                arrived.yield(event.position.value)
                if event.position >= 9 { return }
            }
        }
        let following = Task {
            var found: [UInt64] = []
            for await position in steps {
                found.append(position)
                if position >= 5 && position < 9 {
                    let number = Int(position)
                    try await store.append(.sample(100 + number..<101 + number))
                    try await store.append([.sample(number + 1, tags: ["even"])], to: "b-1")
                }
                if position >= 9 { break }
            }
            return found
        }
        defer {
            reading.cancel()
            following.cancel()
        }
        let found = try await within(trial.timeout) { try await following.value }
        try trial.equal(found, [1, 3, 5, 7, 9], "what a subscriber to a tag saw")
        try await within(trial.timeout) { try await reading.value }
    }

    private static func resumes(_ trial: Trial) async throws {
        let store = try await trial.store()
        for number in 0..<30 {
            try await store.append([.sample(number, tags: number % 4 == 0 ? ["fourth"] : [])], to: "a-1")
        }
        for query in [EventQuery.all, .tags("fourth"), .tags("none")] {
            let all = try await trial.log(of: store, query)
            var throughs: [Position] = [.start]
            for try await batch in store.pages(ReadRequest(query, limit: 2)) { throughs.append(batch.through) }
            try trial.equal(throughs.last, 30, "the last through of \(query)")
            for through in throughs {
                let rest = try await within(trial.timeout) {
                    var rest: [RecordedEvent] = []
                    var last = through
                    var batches = store.subscribe(to: query, after: through).makeAsyncIterator()
                    while last < 30, let batch = try await batches.next() {
                        rest += batch.events
                        last = batch.through
                    }
                    return rest
                }
                try trial.equal(rest, all.filter { $0.position > through }, "what \(query) delivers after \(through)")
            }
        }
    }

    private static func lostWakeUp(_ trial: Trial) async throws {
        let store = DeafStore(base: try await trial.store())
        let subscription = store.subscribe(pollInterval: .milliseconds(20))
        for number in 0..<5 {
            let next = Task {
                var batches = subscription.makeAsyncIterator()
                var last: RecordedEvent?
                while last?.position.value ?? 0 <= UInt64(number), let batch = try await batches.next() {
                    last = batch.events.last
                }
                return last?.id
            }
            await Task.yield()
            try await store.append(.sample(number..<number + 1))
            let found = try await within(trial.timeout) { try await next.value }
            try trial.equal(found, .sample(number), "the event that no wake-up announced")
        }
    }

    private static func subscriptionIsCancelled(_ trial: Trial, _ store: any EventStore) async throws {
        try await store.append(.sample(0..<1))
        for round in 0..<10 {
            let (started, start) = AsyncStream<Void>.makeStream()
            let reading = Task {
                for try await _ in store.subscribe(pollInterval: .seconds(600)) { start.yield() }
            }
            for await _ in started { break }
            for _ in 0..<round { await Task.yield() }
            try await trial.cancel(reading, "a cancelled subscription")
        }
    }

    private static func storeChanged(_ trial: Trial) async throws {
        let store = try await trial.store()
        try await store.append(.sample(0..<3))
        let id = try await store.storeID()
        let subscriptions = [
            ("a checkpoint beyond the head", store.subscribe(after: 4)),
            ("a checkpoint far beyond the head", store.subscribe(after: Position(.max))),
            ("another store", store.subscribe(expecting: StoreID(high: id.high, low: ~id.low))),
        ]
        for (name, subscription) in subscriptions {
            let found = try await trial.refusal(StoreError.self, name) {
                try await within(trial.timeout) {
                    var batches = subscription.makeAsyncIterator()
                    return try await batches.next()
                }
            }
            try trial.equal(found.code, .storeChanged, name)
        }
        let same = try await within(trial.timeout) {
            var batches = store.subscribe(after: 2, expecting: id).makeAsyncIterator()
            return try await batches.next()
        }
        try trial.equal(same?.events.positions, [3], "what the right store delivers")
    }

    private static func subscribersMissNothing(_ trial: Trial, _ store: any EventStore) async throws {
        let report = try await OperationalChecks(store: store, seed: trial.seed)
            .subscribe(subscribers: 16, writers: 8, appendsPerWriter: 12)
        try trial.expect(report.isClean, "\(report)")
    }
}

/// A store that never wakes those who wait for its head.
struct DeafStore: ForwardingEventStore {
    let base: any EventStore

    func reach(_ position: Position, for query: EventQuery) async throws { try await Task.sleep(for: .seconds(3600)) }
}
