import SillokCore
import SillokTesting

/// One run of one check: opens its stores, compares, and cleans up.
final class Trial: Sendable {
    /// A store, and the place to find it again.
    struct Subject: Sendable {
        let place: EventStoreSuite.Place
        let store: any EventStore
    }

    let suite: EventStoreSuite
    let check: String
    let clock = SettableClock()
    private let opened = Lock([String: Subject]())
    private static let count = Lock(0)

    init(suite: EventStoreSuite, check: String) {
        self.suite = suite
        self.check = check
    }

    var seed: UInt64 { suite.seed }
    var timeout: Duration { suite.timeout }
    var canReopen: Bool { suite.close != nil }

    /// Opens an empty store.
    func open(limits: Limits = Limits()) async throws -> Subject {
        let number = Self.count.withLock { count in
            count += 1
            return count
        }
        return try await open(
            EventStoreSuite.Place(name: "store\(number)", clock: clock.wallClock, limits: limits))
    }

    /// An empty store that is not opened again.
    func store(limits: Limits = Limits()) async throws -> any EventStore { try await open(limits: limits).store }

    /// Closes a store and opens it again; the same store if it cannot be closed.
    func reopen(_ subject: Subject) async throws -> Subject {
        guard let close = suite.close else { return subject }
        opened.withLock { $0[subject.place.name] = nil }
        try await close(subject.store, subject.place)
        return try await open(subject.place)
    }

    /// Closes a store finally and removes its files.
    func discard(_ subject: Subject) async throws {
        opened.withLock { $0[subject.place.name] = nil }
        try await suite.close?(subject.store, subject.place)
        try await suite.remove?(subject.place)
    }

    /// Closes and removes all stores.
    func end() async throws {
        for subject in opened.withLock({ Array($0.values) }) { try await discard(subject) }
    }

    private func open(_ place: EventStoreSuite.Place) async throws -> Subject {
        let subject = Subject(place: place, store: try await suite.open(place))
        opened.withLock { $0[place.name] = subject }
        return subject
    }
}

extension Trial {
    func failure(_ message: String) -> ConformanceFailure {
        ConformanceFailure(check: check, message: message, seed: seed)
    }

    /// Fails with `message` unless the condition holds.
    func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
        guard condition else { throw failure(message()) }
    }

    /// Fails unless both are equal; `what` names the thing compared.
    func equal<Value: Equatable>(_ found: Value, _ expected: Value, _ what: @autoclosure () -> String) throws {
        guard found != expected else { return }
        throw failure("\(what()): expected \(abbreviated(expected)), found \(abbreviated(found))")
    }

    /// The error of the expected type that `body` throws, also as a case of `AppendError`; fails if it throws none or
    /// another.
    func refusal<Refusal: Error, Value>(
        _ type: Refusal.Type, _ what: @autoclosure () -> String, _ body: () async throws -> Value
    ) async throws -> Refusal {
        let value: Value
        do {
            value = try await body()
        } catch {
            if let refusal = ((error as? AppendError)?.underlyingError ?? error) as? Refusal { return refusal }
            throw failure("\(what()): expected \(type), found \(Swift.type(of: error)): \(error)")
        }
        throw failure("\(what()): expected \(type), found \(abbreviated(value))")
    }

    /// Fails unless the append is refused with exactly this error and leaves the head where it was.
    func refused<Refusal: Error & Equatable>(
        _ request: AppendRequest, with expected: Refusal, by store: any EventStore, _ what: @autoclosure () -> String
    ) async throws {
        let head = try await store.head()
        let found = try await refusal(Refusal.self, what()) { try await store.append(request) }
        try equal(found, expected, what())
        try equal(try await store.head(), head, "\(what()): the head after a refused append")
    }

    /// Cancels a task, and fails unless it ends with `CancellationError`.
    func cancel(_ task: Task<some Any, any Error>, _ what: String) async throws {
        task.cancel()
        let result = try await within(timeout) { await task.result }
        guard case .failure(let error) = result, error is CancellationError else {
            throw failure("\(what) ended with \(result), not with CancellationError")
        }
    }

    /// All events, read in one go or page by page.
    func log(of store: any EventStore, _ query: EventQuery = .all) async throws -> [RecordedEvent] {
        var events: [RecordedEvent] = []
        for try await batch in store.pages(query) { events += batch.events }
        return events
    }

    /// Fails unless the whole log is what the receipts and requests say, without a gap.
    func expectGapless(_ events: [RecordedEvent]) throws {
        var revisions: [StreamID: Revision] = [:]
        var time = Timestamp(microsecondsSince1970: .min)
        for (index, event) in events.enumerated() {
            try equal(event.position, Position(UInt64(index + 1)), "the position of event \(index)")
            if let stream = event.stream { revisions[stream, default: .none] = revisions[stream, default: .none].next }
            let revision = event.stream.flatMap { revisions[$0] } ?? .none
            try equal(event.revision, revision, "the revision of event \(index)")
            try expect(event.recordedAt >= time, "the recorded time of event \(index) runs backwards")
            time = event.recordedAt
        }
    }
}

/// A value in words, cut when it is long.
func abbreviated(_ value: some Any) -> String {
    let text = String(describing: value)
    return text.count > 1200 ? "\(text.prefix(1200))… (\(text.count) characters)" : text
}
