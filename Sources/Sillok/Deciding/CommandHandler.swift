/// Carries out commands: load, decide, append, and try again if others were faster.
///
/// ```swift
/// let accounts = CommandHandler<BankAccount>("account", in: store)
/// let outcome = try await accounts.execute(.deposit(100), on: "42")   // appends to the stream account-42
/// ```
///
/// A command is decided on the state that its stream replays to, and its events are appended only if the stream is
/// still at that revision; otherwise what is new is read and the command decided again, as the ``RetryPolicy`` allows.
/// Commands on one stream through one handler take turns, so they never race each other.
///
/// **Command ids.** A command that is executed again with the id it had gives its first outcome, for ever: after a
/// restart, from another process, and when both run at once. The id of a command's first event is the command's id, of
/// the next one that id plus one, and so on; the log itself is the memory. A command that was refused or changed
/// nothing left nothing behind and is decided anew.
public struct CommandHandler<D: Decider>: Sendable {
    package let category: Category?
    package let store: any EventStore
    private let policy: RetryPolicy
    private let ids: IDGenerator
    private let memory: Memory<D>?
    /// A command as it is recorded with its events; `nil`: it is not.
    package var commandText: @Sendable (D.Command) -> String? = { _ in nil }
    package let coding = EventCoding<D.Event>()
    private let turns = Turns<StreamID?>()

    /// A handler for streams of a category: the key `42` of the category `account` is the stream `account-42`.
    ///
    /// - Parameters:
    ///   - category: the part of the streams' names before the first dash. With a dash in it every command and every
    ///     question ends in an `InvalidRequest`, for no stream has such a category.
    ///   - store: where events are read and appended.
    ///   - retries: how often to try.
    ///   - ids: where the ids of commands come from that are given none.
    public init(
        _ category: Category, in store: any EventStore, retries: RetryPolicy = RetryPolicy(),
        ids: IDGenerator = .system
    ) {
        self.init(category: category, store: store, retries: retries, ids: ids, memory: nil)
    }

    /// Carries out a command on a stream.
    ///
    /// - Parameters:
    ///   - command: what is wished.
    ///   - key: which member of the category.
    ///   - id: the identity of the command. With an id that was executed before, the first outcome is given.
    ///   - expected: the revision that the wish rests on, such as the one a person saw on a screen. If the stream has
    ///     another one the command is not decided, and never tried again.
    /// - Throws: `D.Refusal`, if the decider refuses; ``TooManyConflicts``; `AppendConflict` if `expected` does not
    ///   hold; ``CommandIDConflict``; ``UnsettledCommand``; ``UnknownEventType``, ``DamagedPayload`` or
    ///   ``UnstorableEvent``; `InvalidRequest`, `InlineProjectionFailed` and `StoreError` of the store, without the
    ///   `AppendError` around them; `CancellationError`. But for ``UnsettledCommand`` nothing is stored.
    @discardableResult
    public func execute(
        _ command: D.Command, on key: String, id: CommandID? = nil, expecting expected: Revision? = nil
    ) async throws -> CommandOutcome<D> {
        try await run(
            .init(subject: 0, command: commandText(command)) { state in try state.decide(command) }, on: key, id,
            expected)
    }

    /// Appends to a stream what a function makes of its state; the floor under ``execute(_:on:id:expecting:)``.
    ///
    /// The function may be called several times. The same promises and errors, and what the function throws.
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

    /// Carries out commands on several streams as one: all of their events are recorded, in order, or none.
    ///
    /// Each is decided on the state that the ones before it lead to. The streams are read with few queries, so that
    /// a hundred of them cost little more than one. The same promises and errors as for one command; `key` may repeat.
    @discardableResult
    public func execute(
        _ commands: [(key: String, command: D.Command)], id: CommandID? = nil
    ) async throws -> BatchOutcome<D> {
        try await execute(commands.map { ($0.key, $0.command, Metadata()) }, id: id)
    }

    /// Carries out commands on several streams as one, each with metadata of its own.
    ///
    /// A command's events get its metadata, and from the task's context what that does not say. Otherwise the same as
    /// without metadata.
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

    /// The state of a key, and its revision: what the next command would be decided on.
    public func state(of key: String) async throws -> (state: D, revision: Revision) {
        let subject = try await loaded(.init(stream: stream(of: key)))
        return (subject.state, subject.revision)
    }

    /// A subject as it is, or as it was at a moment.
    func loaded(_ subject: Subjects<D>.Subject, at moment: Moment? = nil) async throws -> Subjects<D>.Subject {
        try checkCategory()
        var subject = subject
        subject.kept = await memory?.recall(subject, store, moment)
        var subjects = Subjects<D>([subject], limits: store.limits, schema: coding.schema)
        defer { memory?.remember(subjects, store, moment == nil) }
        try await subjects.load(from: store, coding: coding, before: moment?.end)
        return subjects.all[0]
    }

    package init(
        category: Category?, store: any EventStore, retries: RetryPolicy, ids: IDGenerator, memory: Memory<D>?
    ) {
        self.category = category
        self.store = store
        self.policy = retries
        self.ids = ids
        self.memory = memory
    }

    /// Throws if no stream can have the category: what is appended would never be found by it.
    private func checkCategory() throws(InvalidRequest) {
        if let category { try store.limits.check(category) }
    }

    func stream(of key: String) -> StreamID { category.map { StreamID($0, key) } ?? StreamID(key) }

    private func execution(
        _ id: CommandID?, expecting expected: Revision? = nil, on subjects: [Subjects<D>.Subject],
        steps: [Execution<D>.Step]
    ) throws(InvalidRequest) -> Execution<D> {
        try checkCategory()
        return Execution(
            store: store, coding: coding, policy: policy, id: id ?? ids.next(), isIDGiven: id != nil,
            expected: expected, on: subjects, steps: steps, memory: memory)
    }

    private func outcome(_ ending: Execution<D>.Ending, _ id: CommandID) -> CommandOutcome<D> {
        CommandOutcome(
            events: ending.events.map { $0.event }, state: ending.subjects.all.first?.state ?? D(),
            revision: ending.subjects.all.first?.revision ?? .none, position: ending.position,
            receipt: ending.receipt, id: id, isRepeat: ending.isRepeat)
    }
}

extension CommandHandler where D: BoundaryDecider {
    /// A handler for decisions that rest on queries; its events belong to no stream.
    ///
    /// - Parameters:
    ///   - store: where events are read and appended.
    ///   - retries: how often to try.
    ///   - ids: where the ids of commands come from that are given none.
    public init(
        in store: any EventStore, retries: RetryPolicy = RetryPolicy(), ids: IDGenerator = .system
    ) {
        self.init(category: nil, store: store, retries: retries, ids: ids, memory: nil)
    }

    /// Carries out a command on the events in its boundary.
    ///
    /// Its events are appended only if nothing new matches the boundary; otherwise what is new is read and the command
    /// decided again. The same promises and errors as ``execute(_:on:id:expecting:)``.
    @discardableResult
    public func execute(_ command: D.Command, id: CommandID? = nil) async throws -> CommandOutcome<D> {
        try await execute([command], id: id)
    }

    /// Carries out commands as one: all of their events are recorded, in order, or none.
    ///
    /// Each is decided on the events in its own boundary, those of the commands before it included. The outcome's
    /// state is that of the first command's boundary.
    @discardableResult
    public func execute(_ commands: [D.Command], id: CommandID? = nil) async throws -> CommandOutcome<D> {
        let steps = commands.enumerated().map { index, command in
            Execution<D>.Step(subject: index, command: commandText(command)) { state in try state.decide(command) }
        }
        var execution = try execution(id, on: commands.map { .init(boundary: D.boundary(of: $0)) }, steps: steps)
        return outcome(try await execution.run(retryingIn: turns), execution.id)
    }

    /// The state that a command would be decided on.
    public func state(for command: D.Command) async throws -> D {
        try await loaded(.init(boundary: D.boundary(of: command))).state
    }
}
