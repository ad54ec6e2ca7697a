import Testing

@testable import Sillok

@Suite("A command that meets trouble")
struct RetryTests {
    let store = TroubledStore()

    func accounts(_ retries: RetryPolicy = RetryPolicy()) -> CommandHandler<BankAccount> {
        var retries = retries
        retries.settlingPause = .zero
        return CommandHandler("account", in: store, options: .init(retries: retries))
    }

    func deposit(_ amount: Int) -> TroubledStore.Trouble {
        .rival(EventData(type: "deposited", text: "{\"amount\":\(amount)}"), to: "account-42")
    }

    @Test("decides again on the new events when others were faster, and reads no more than these")
    func retries() async throws {
        try await accounts().execute(.open(owner: "ada"), on: "42")
        store.add(deposit(10))
        store.add(deposit(20))
        let outcome = try await accounts().execute(.deposit(1), on: "42")
        #expect(outcome.state.balance == 31)
        #expect(outcome.revision == 4)
        #expect(store.reads.suffix(2).map { $0.after?.position } == [1, 2])
    }

    @Test("is refused when the new events forbid it")
    func retriesIntoRefusal() async throws {
        try await accounts().execute(.open(owner: "ada"), on: "42")
        store.add(deposit(10))
        await #expect(throws: BankAccount.Refusal.notEmpty) { try await accounts().execute(.close, on: "42") }
    }

    @Test("gives up after the allowed attempts and names the conflict")
    func givesUp() async throws {
        try await accounts().execute(.open(owner: "ada"), on: "42")
        for amount in 1...5 { store.add(deposit(amount)) }
        let error = await #expect(throws: TooManyConflicts.self) {
            try await accounts(RetryPolicy(attempts: 3)).execute(.deposit(1), on: "42")
        }
        #expect(error?.attempts == 3)
        #expect(error?.conflict.events.map(\.position) == [4])
        #expect(error?.description.contains("deposited at position 4") == true)
        #expect(try await store.head() == 4)
    }

    @Test("rests on a revision that its caller holds, and is not tried again")
    func expectsRevision() async throws {
        try await accounts().execute(.open(owner: "ada"), on: "42")
        try await accounts().execute(.deposit(1), on: "42", expecting: 1)
        let seen = await #expect(throws: AppendConflict.self) {
            try await accounts().execute(.deposit(1), on: "42", expecting: 1)
        }
        #expect(seen?.streams == ["account-42": .init(expected: 1, actual: 2)])
        #expect(seen?.events.map(\.revision) == [2])
        store.add(deposit(5))
        await #expect(throws: AppendConflict.self) { try await accounts().execute(.deposit(1), on: "42", expecting: 2) }
        #expect(try await store.head() == 3)
    }

    @Test("is stored once when the answer gets lost, with the same request sent again")
    func settlesLostAnswer() async throws {
        store.add(.lostAnswer)
        let outcome = try await accounts().execute(.open(owner: "ada"), on: "42")
        #expect(outcome.receipt?.position == 1)
        #expect(store.appends.count == 2)
        #expect(store.appends[0] == store.appends[1])
        #expect(try await store.head() == 1)
    }

    @Test("settles an answer that was lost more than once, also with a certain failure between")
    func settlesAfterFailures() async throws {
        for trouble in [TroubledStore.Trouble.lostRequest, .lostAnswer, .failure] { store.add(trouble) }
        let outcome = try await accounts().execute(.open(owner: "ada"), on: "42")
        #expect(outcome.revision == 1)
        #expect(store.appends.count == 4)
        #expect(try await store.head() == 1)
    }

    @Test("reports an unknown outcome, with the id that settles it, when the store never knows")
    func staysUnsettled() async throws {
        for _ in 0..<5 { store.add(.lostRequest) }
        store.add(.lostAnswer)
        let error = await #expect(throws: UnsettledCommand.self) {
            try await accounts().execute(.open(owner: "ada"), on: "42")
        }
        let id = try #require(error?.id)
        #expect(error?.description.contains("Execute the command again with this id") == true)
        let settled = try await accounts().execute(.open(owner: "ada"), on: "42", id: id)
        #expect(settled.isRepeat)
        #expect(try await store.head() == 1)
    }

    @Test(
        "stays unsettled when the first outcome of its id cannot be read, and is settled by a repeat",
        arguments: [StoreError(.ioFailure, "the page got lost."), CancellationError()] as [any Error])
    func cannotReadFirstOutcome(error: any Error) async throws {
        let id = CommandID()
        let other = CommandHandler<BankAccount>("account", in: store.inner)
        store.add(
            .first { [store] in
                try await other.execute(.open(owner: "ada"), on: "42", id: id)
                store.loseRead(error)
            })
        let unsettled = await #expect(throws: UnsettledCommand.self) {
            try await accounts().execute(.open(owner: "bob"), on: "42", id: id)
        }
        #expect(unsettled?.id == id)
        let settled = try await accounts().execute(.open(owner: "bob"), on: "42", id: id)
        #expect(settled.isRepeat && settled.events == [.opened(owner: "ada")])
    }

    @Test("throws a definite failure unchanged")
    func throwsFailure() async throws {
        store.add(.failure)
        let error = await #expect(throws: StoreError.self) { try await accounts().execute(.open(owner: "a"), on: "42") }
        #expect(error?.code == .full)
        #expect(store.appends.count == 1)
    }

    @Test("is stored once when two handlers execute its id at once")
    func racesItself() async throws {
        let id = CommandID()
        try await accounts().execute(.open(owner: "ada"), on: "42")
        let other = CommandHandler<BankAccount>("account", in: store.inner)
        // The other one decides on another state, so it finds other events, or the same ones at another revision.
        store.add(
            .first {
                try await other.execute(.deposit(1), on: "42")
                try await other.execute(.deposit(7), on: "42", id: id)
            })
        let outcome = try await accounts().execute(.deposit(7), on: "42", id: id)
        #expect(outcome.isRepeat)
        #expect(outcome.events == [.deposited(amount: 7)])
        #expect(outcome.state.balance == 8)
        #expect(outcome.receipt?.position == 3)
        #expect(try await store.head() == 3)
        store.add(.first { _ = try await other.transact(on: "42", id: id.following) { _ in [.deposited(amount: 2)] } })
        let differing = try await accounts().execute(.deposit(9), on: "42", id: id.following)
        #expect(differing.events == [.deposited(amount: 2)])
    }

    @Test("executed by many at once under one id is stored once")
    func manyAtOnce() async throws {
        let id = CommandID()
        let handlers = (0..<16).map { _ in accounts() }
        let outcomes = try await withThrowingTaskGroup(of: CommandOutcome<BankAccount>.self) { group in
            for handler in handlers {
                group.addTask { try await handler.execute(.open(owner: "ada"), on: "42", id: id) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(outcomes.map(\.receipt)).count == 1)
        #expect(outcomes.allSatisfy { $0.events == [.opened(owner: "ada")] })
        #expect(try await store.head() == 1)
    }

    @Test("W6: ends as cancelled when its append is withdrawn, for nothing is stored")
    func withdrawn() async throws {
        store.add(.first { throw StoreError(.cancelled, "The task was cancelled.") })
        await #expect(throws: CancellationError.self) { try await accounts().execute(.open(owner: "ada"), on: "42") }
        store.add(.first { throw StoreError(.cancelled, "The task was cancelled.", outcome: .unknown) })
        try await accounts().execute(.open(owner: "ada"), on: "42")
        #expect(try await store.head() == 1)
    }

    @Test("ends with its task, also while it waits for its turn")
    func cancels() async throws {
        let turns = Turns<Int>()
        try await turns.wait(for: 1) {
            let waiting = Task { try await turns.wait(for: 1) { Issue.record("it was not its turn") } }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
        }
        try await turns.wait(for: 1) {}
    }
}

extension CommandID {
    fileprivate var following: CommandID { CommandID(high: high &+ 1, low: low) }
}
