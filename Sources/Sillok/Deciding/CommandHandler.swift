/// A handler that executes commands: it loads, decides and appends, and retries if another writer appended first.
///
/// ```swift
/// let accounts = CommandHandler<BankAccount>("account", in: store)
/// let outcome = try await accounts.execute(.deposit(100), on: "42")   // appends to the stream account-42
/// ```
///
/// The handler decides a command on the state that it replays from the stream. It appends the events only if no other
/// event was appended to the stream since then. Otherwise it reads the new events and decides again, by default at most
/// ten times in all (``RetryPolicy``). Commands on one stream through one handler take turns, so they never race each
/// other. Several commands that are executed as one do not wait for these turns.
///
/// **Command ids.** A command that is executed again under the same id returns its first outcome: after a restart, from
/// another process, and when both run at once. The first event of a command has the command's id, the next one that id
/// plus one, and so on, so the log itself remembers the command. A command that was refused or changed nothing leaves
/// no trace and is decided again. Give an id if the command may be sent again: a generated one is lost with the
/// process. The handler does not compare a repeated command with the first one. It only checks that the recorded
/// events are in the same streams.
public struct CommandHandler<D: Decider>: Sendable {
    package let category: StreamCategory?
    package let store: any EventStore
    private let policy: RetryPolicy
    private let ids: IDGenerator
    private let source: any StateSource<D>
    /// Returns the text of a command to record with its events; `nil` records none.
    package var commandText: @Sendable (D.Command) -> String? = { _ in nil }
    package let coding = EventCoding<D.Event>()
    /// Lets commands on one stream wait for each other. The key `nil` is that of repeated batches and boundaries.
    private let turns = Turns<StreamID?>()

    /// Creates a handler for the streams of a category: key `42` of category `account` is the stream `account-42`.
    ///
    /// - Parameters:
    ///   - category: the part of the streams' names before the first dash. If it contains a dash, every command and
    ///     every query throws an `InvalidRequest`, because no stream has such a category.
    ///   - store: where events are read and appended.
    ///   - options: how often to try, and where ids and states come from.
    public init(_ category: StreamCategory, in store: any EventStore, options: Options = Options()) {
        self.init(category: category, store: store, options: options)
    }

    /// Executes a command on a stream.
    ///
    /// - Parameters:
    ///   - command: the command to decide.
    ///   - key: the member of the category.
    ///   - id: the identity of the command. If it was executed before, the first outcome is returned.
    ///   - expected: the revision that the command is based on, such as the one a user saw on a screen. If the stream
    ///     has another revision, this throws `AppendConflict` at once: the command is not decided or retried.
    /// - Throws: `D.Refusal` if the decider refuses; ``TooManyConflicts``; `AppendConflict` if `expected` does not
    ///   hold; ``CommandIDConflict``; ``UnsettledCommand``; ``UnknownEventType``, ``NewerEventVersion``,
    ///   ``DamagedPayload``, ``UnstorableEvent``; `InvalidRequest`, `InlineProjectionFailed`, `StoreError`, without
    ///   an `AppendError` around them; `CancellationError`. Only ``UnsettledCommand`` may have stored events.
    @discardableResult
    public func execute(
        _ command: D.Command, on key: String, id: CommandID? = nil, expecting expected: Revision? = nil
    ) async throws -> CommandOutcome<D> {
        try await run(
            .init(subject: 0, command: commandText(command)) { state in try state.decide(command) }, on: key, id,
            expected)
    }

    /// Appends the events that a function derives from a stream's state: as ``execute(_:on:id:expecting:)``, with a
    /// function in place of a command.
    ///
    /// The function may be called several times. Guarantees and errors are those of `execute`. Errors of the function
    /// are thrown too.
    @discardableResult
    public func transact(
        on key: String, id: CommandID? = nil, expecting expected: Revision? = nil,
        _ decide: @escaping (_ state: D) throws -> [D.Event]
    ) async throws -> CommandOutcome<D> {
        try await run(.init(subject: 0, decide: decide), on: key, id, expected)
    }

    private func run(
        _ step: Execution<D>.Step, on key: String, _ id: CommandID?, _ expected: Revision?
    ) async throws -> CommandOutcome<D> {
        let stream = stream(of: key)
        var execution = try execution(id, expecting: expected, on: [.init(stream: stream)], steps: [step])
        let ending = try await turns.wait(for: stream) { try await execution.run() }
        return outcome(ending, execution.id)
    }

    /// Executes commands on several streams as one: all of their events are recorded, in order, or none.
    ///
    /// Each command is decided on the state after the earlier ones. The streams are read with few queries, so that a
    /// hundred of them cost little more than one. Guarantees and errors are the same as for one command. Several
    /// commands may have the same `key`.
    @discardableResult
    public func execute(
        _ commands: [(key: String, command: D.Command)], id: CommandID? = nil
    ) async throws -> BatchOutcome<D> {
        try await execute(commands.map { ($0.key, $0.command, Metadata()) }, id: id)
    }

    /// Executes commands on several streams as one, each with metadata of its own.
    ///
    /// The events of a command get its metadata. Missing keys are taken from the task's context. Otherwise this is the
    /// same as without metadata.
    @discardableResult
    public func execute(
        _ commands: [(key: String, command: D.Command, metadata: Metadata)], id: CommandID? = nil
    ) async throws -> BatchOutcome<D> {
        var indexes: [StreamID: Int] = [:]
        var keys: [String] = []
        var steps: [Execution<D>.Step] = []
        for (key, command, metadata) in commands {
            let stream = stream(of: key)
            if indexes[stream] == nil {
                indexes[stream] = keys.count
                keys.append(key)
            }
            steps.append(
                .init(subject: indexes[stream] ?? 0, metadata: metadata, command: commandText(command)) { state in
                    try state.decide(command)
                })
        }
        var execution = try execution(id, on: keys.map { .init(stream: stream(of: $0)) }, steps: steps)
        let ending = try await execution.run(retryingIn: turns)
        var states = KeyedValues<D>()
        var revisions = KeyedValues<Revision>()
        for (key, subject) in zip(keys, ending.subjects.all) {
            states[key] = subject.state
            revisions[key] = subject.revision
        }
        return BatchOutcome(
            events: ending.events.map { (keys[$0.subject], $0.event) },
            states: states, revisions: revisions,
            position: ending.position, receipt: ending.receipt, id: execution.id, isRepeat: ending.isRepeat)
    }

    /// Returns the state and the revision of a key, on which the next command would be decided.
    public func state(of key: String) async throws -> (state: D, revision: Revision) {
        let subject = try await loaded(.init(stream: stream(of: key)))
        return (subject.state, subject.revision)
    }

    func loaded(_ subject: Subjects<D>.Subject, at moment: Moment? = nil) async throws -> Subjects<D>.Subject {
        try await current(subject, at: moment).0
    }

    /// Returns a subject in its current state, or as of a moment, and the condition that it has not changed.
    package func current(
        _ subject: Subjects<D>.Subject, at moment: Moment? = nil
    ) async throws -> (Subjects<D>.Subject, AppendCondition) {
        try checkCategory()
        var subjects = Subjects(await source.started([subject], at: moment), limits: store.limits, coding: coding)
        defer { source.keep(&subjects, at: moment) }
        try await subjects.load(from: store, coding: coding, before: moment?.end)
        return (subjects.all[0], subjects.isUnchanged)
    }

    private init(category: StreamCategory?, store: any EventStore, options: Options) {
        self.category = category
        self.store = store
        self.policy = options.retries
        self.ids = options.ids
        self.source = options.source(store)
    }

    /// Throws if no stream can have the category, because its events would never be found by it.
    private func checkCategory() throws(InvalidRequest) {
        if let category { try store.limits.check(category) }
    }

    package func stream(of key: String) -> StreamID { category.map { StreamID($0, key) } ?? StreamID(key) }

    private func execution(
        _ id: CommandID?, expecting expected: Revision? = nil, on subjects: [Subjects<D>.Subject],
        steps: [Execution<D>.Step]
    ) throws(InvalidRequest) -> Execution<D> {
        try checkCategory()
        return Execution(
            store: store, coding: coding, policy: policy, id: id ?? ids.next(), isIDGiven: id != nil,
            expected: expected, on: subjects, steps: steps, source: source)
    }

    private func outcome(_ ending: Execution<D>.Ending, _ id: CommandID) -> CommandOutcome<D> {
        CommandOutcome(
            events: ending.events.map { $0.event }, state: ending.subjects.all.first?.state ?? D(),
            revision: ending.subjects.all.first?.revision ?? .none, position: ending.position,
            receipt: ending.receipt, id: id, isRepeat: ending.isRepeat)
    }
}

extension CommandHandler {
    /// Without a category there is no stream to decide on.
    @available(
        *, unavailable,
        message: """
            name the category of the streams, as in CommandHandler("account", in: store); \
            only a BoundaryDecider has none
            """
    )
    public init(in store: any EventStore, options: Options = Options()) {
        self.init(category: nil, store: store, options: options)
    }

    /// Without a key there is no stream to decide on.
    @available(
        *, unavailable,
        message: "name the key of the stream, as in execute(command, on: \"42\"); only a BoundaryDecider has none"
    )
    @discardableResult
    public func execute(_ command: D.Command, id: CommandID? = nil) async throws -> CommandOutcome<D> {
        throw CancellationError()
    }

    /// Without a key there is no stream to look at.
    @available(
        *, unavailable,
        message: "name the key of the stream, as in state(of: \"42\"); only a BoundaryDecider has none"
    )
    public func state(for command: D.Command) async throws -> D { throw CancellationError() }
}

extension CommandHandler where D: BoundaryDecider {
    /// Creates a handler for decisions that depend on queries. Its events belong to no stream.
    ///
    /// - Parameters:
    ///   - store: where events are read and appended.
    ///   - options: how often to try, and where ids and states come from.
    public init(in store: any EventStore, options: Options = Options()) {
        self.init(category: nil, store: store, options: options)
    }

    /// Executes a command on the events in its boundary.
    ///
    /// The events are appended only if no new event matches the boundary. Otherwise the handler reads the new events
    /// and decides again. Guarantees and errors are the same as those of ``execute(_:on:id:expecting:)``.
    @discardableResult
    public func execute(_ command: D.Command, id: CommandID? = nil) async throws -> CommandOutcome<D> {
        try await execute([command], id: id)
    }

    /// Executes commands as one: all of their events are recorded, in order, or none.
    ///
    /// Each command is decided on the events in its own boundary, including those of the earlier commands. The state of
    /// the outcome is that of the first command's boundary.
    @discardableResult
    public func execute(_ commands: [D.Command], id: CommandID? = nil) async throws -> CommandOutcome<D> {
        let steps = commands.enumerated().map { index, command in
            Execution<D>.Step(subject: index, command: commandText(command)) { state in try state.decide(command) }
        }
        var execution = try execution(id, on: commands.map { .init(boundary: D.boundary(of: $0)) }, steps: steps)
        return outcome(try await execution.run(retryingIn: turns), execution.id)
    }

    /// Returns the state on which a command would be decided.
    public func state(for command: D.Command) async throws -> D {
        try await loaded(.init(boundary: D.boundary(of: command))).state
    }
}
