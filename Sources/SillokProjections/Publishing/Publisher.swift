import Sillok
public import SillokCore
package import SillokProjectionMachine
public import SillokReadSide
public import SillokSQL

/// The event with which a new publisher starts.
public enum PublisherStart: Hashable, Sendable {
    /// With the first event of the log.
    case atBeginning
    /// With the first event after the current head.
    case atHead
}

/// A runner that passes events of a log on to a sink, such as a mail server: each at least once, and those of a
/// sequence in order.
///
/// ```swift
/// let mails = Publisher("mails", of: .category("order"), from: store, progressIn: model) { event in
///     try await mailServer.send(event, key: event.id)
/// }
/// try await mails.run()
/// ```
/// The read model keeps how far the publisher has come. After a crash the last events may be passed on again, so pass
/// the event's id to the sink. An event that the sink does not take is parked as a dead letter and retried with a
/// growing pause. After the last attempt it waits for an operator. The later events of its sequence wait behind it; all
/// others go out. Operators retry and skip dead letters, pause and resume as for projections, with `ReadSide` or
/// `sillok projections`. With a lease, several processes may run the same publisher, and one of them passes the events
/// on.
///
/// Categories that begin with `process:`, `webhook:` or `schedule:` are reserved for the runners of Sillok. Their
/// events are passed on only if the query names such a category or a stream of it.
public struct Publisher: Sendable {
    private let projector: Projector<AnyReadModel>
    private let store: any EventStore
    private let model: any ReadModel

    /// Creates a publisher. It does nothing until ``run()``.
    ///
    /// - Parameters:
    ///   - name: its name in the read model. Projections and publishers have different names.
    ///   - query: the events to pass on.
    ///   - store: the log to read.
    ///   - model: where its progress and its dead letters are written.
    ///   - start: where it starts when it is new.
    ///   - sequencing: the events that must stay in order. By default each stream is a sequence.
    ///   - concurrency: how many sequences are passed on at the same time. With 1, the events are passed on in the
    ///     order of the log, except for those behind a dead letter.
    ///   - options: how it is run. Its batch is the number of events after which progress is written.
    ///   - sink: passes an event on, and throws if that failed. Commands that it executes with a `CommandHandler`
    ///     record the event as their cause, and keep its correlation id.
    public init(
        _ name: String, of query: EventQuery = .all, from store: any EventStore, progressIn model: any ReadModel,
        starting start: PublisherStart = .atHead, sequencing: Sequencing = .byStream, concurrency: Int = 1,
        options: ProjectorOptions = .publishing, _ sink: @escaping @Sendable (RecordedEvent) async throws -> Void
    ) {
        let first: @Sendable (any EventStore) async throws -> EventMark = { store in
            start == .atHead ? try await store.head(resumingAfter: .start) : .start
        }
        self.init(
            name, of: query, from: store, progressIn: model, sequencing: sequencing, options: options,
            delivery: .init(start: first) { sequences in
                if concurrency <= 1 { return try await pass(sequences, to: sink) }
                return try await concurrently(sequences, atMost: concurrency) { try await pass([$0], to: sink) }
            })
    }

    /// Creates a publisher whose sink takes the next events of several sequences at once.
    package init(
        _ name: String, of query: EventQuery, from store: any EventStore, progressIn model: any ReadModel,
        sequencing: Sequencing, options: ProjectorOptions, delivery: ProjectionRule.Delivery
    ) {
        let inner = delivery.deliver
        let delivery = ProjectionRule.Delivery(start: delivery.start, pause: delivery.pause) { sequences in
            let published = sequences.map { $0.filter { $0.isPublished(by: query) } }.filter { !$0.isEmpty }
            return published.isEmpty ? [:] : try await inner(published)
        }
        let rule = ProjectionRule(
            name: name, version: 1, source: query, schema: [],
            sequencing: ProjectionBuild.publishing + sequencing.name, sequence: sequencing.sequence,
            parksUnknownTypes: true, parksNewerVersions: true, delivery: delivery, effect: { _ in .nothing },
            clear: { _ in nil })
        self.store = store
        self.model = model
        projector = Projector(rule, .async, store, AnyReadModel(base: model), options)
    }

    /// The name of the publisher.
    public var name: String { projector.name }

    /// The operations on the read model's projections and publishers. Requests for this one are executed immediately.
    public var readSide: ReadSide { projector.readSide.in(model) }

    /// Records where the publisher starts, if it is new.
    ///
    /// - Throws: `ProjectionFailure`, whose cause is a `ProjectionRefusal` if it cannot be run with these options;
    ///   `CancellationError`.
    public func prepare() async throws { try await projector.prepare() }

    /// Passes events on until the task is cancelled.
    ///
    /// - Throws: `ProjectionFailure` when it cannot continue, such as with too many dead letters; run it again to
    ///   continue there. Its cause is a `StoreError` `storeChanged` if the log does not have the event up to which
    ///   events were passed on: see ``redrive(from:by:)``. `CancellationError`.
    public func run() async throws { try await onSameLog { try await projector.run() } }

    /// Passes on everything up to the current head of the log, and returns. Cannot be called while ``run()`` runs.
    ///
    /// Waits for retries of events that the sink did not take, until it takes them or their attempts are used up.
    public func catchUp() async throws { try await onSameLog { try await projector.catchUp() } }

    /// Runs the projector. If the log was replaced, the error names the way back of a publisher.
    private func onSameLog(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let failure as ProjectionFailure {
            guard let cause = failure.cause as? StoreError, cause.code == .storeChanged else { throw failure }
            let error = StoreError(
                .storeChanged,
                "the publisher \(name) followed another log: \(cause.message) Call `redrive(from:by:)` to set where "
                    + "it continues in this log.")
            throw ProjectionFailure(projection: failure.projection, event: failure.event, cause: error)
        }
    }

    /// Continues from a position. If it is earlier, events are passed on again; if it is later, the events before it
    /// are left out. This is also the way to continue after the log was replaced or restored from an older copy.
    ///
    /// The dead letters from that position on are removed, because their events are passed on again. Events that an
    /// operator has decided to skip stay skipped.
    /// - Parameters:
    ///   - position: the first event to pass on.
    ///   - whom: the operator who requests it.
    public func redrive(from position: Position, by whom: Operator) async throws {
        try await prepare()
        try await readSide.redrive(name, from: position, by: whom)
    }
}

extension ProjectorOptions {
    /// The default options of publishers: ten attempts with a first pause of a second, and progress that is written
    /// after at most 100 events.
    public static var publishing: ProjectorOptions {
        ProjectorOptions(failures: .park(attempts: 10, pause: .seconds(1), capacity: 10_000), batch: 100)
    }
}

extension ReadSide {
    package func `in`(_ model: any ReadModel) -> ReadSide {
        ReadSide(of: store, in: model, wallClock: wallClock, wake: wake)
    }
}

/// Passes events on in the order of the log. Those behind one that fails in its sequence are not passed on.
private func pass(
    _ sequences: [[RecordedEvent]], to sink: @Sendable (RecordedEvent) async throws -> Void
) async throws -> [Position: any Error] {
    let events = sequences.enumerated().flatMap { index, events in events.map { (sequence: index, event: $0) } }
    var failures: [Position: any Error] = [:]
    var failed: Set<Int> = []
    for (sequence, event) in events.sorted(by: { $0.event.position < $1.event.position })
    where !failed.contains(sequence) {
        do {
            try await Metadata.$current.withValue(.caused(by: event)) { try await sink(event) }
        } catch {
            if Task.isCancelled { throw CancellationError() }
            failures[event.position] = error
            failed.insert(sequence)
        }
    }
    return failures
}

/// Runs `body` for some values at the same time, each as soon as there is room, and returns all failures.
package func concurrently<Value: Sendable>(
    _ values: [Value], atMost limit: Int, _ body: @escaping @Sendable (Value) async throws -> [Position: any Error]
) async throws -> [Position: any Error] {
    try await withThrowingTaskGroup(of: [Position: any Error].self) { group in
        var failures: [Position: any Error] = [:]
        var running = 0
        for value in values {
            if running >= max(1, limit), let ended = try await group.next() {
                failures.merge(ended) { first, _ in first }
                running -= 1
            }
            group.addTask { try await body(value) }
            running += 1
        }
        for try await ended in group { failures.merge(ended) { first, _ in first } }
        return failures
    }
}

extension RecordedEvent {
    /// Whether a publisher passes the event on: its category is not reserved, or the query names its category.
    func isPublished(by query: EventQuery) -> Bool {
        guard let category = stream?.category, category.isReserved else { return true }
        return query.items.contains { item in
            (item.category == category || item.stream == stream)
                && item.matches(stream: stream, type: type, tags: tags)
        }
    }
}
