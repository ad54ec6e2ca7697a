import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

@Suite("inline projections")
struct InlineTests {
    private let ada = Operator("Ada", because: "a test")

    @Test(
        "rows include a returned append; checkpoint, sum and marks agree with the log", arguments: Storage.stores)
    func readsOwnWrite(on storage: Storage) async throws {
        var books = try await InlineBooks(storage)
        let projector = try await books.attached()
        for account in 1...5 { try await books.append(.opened(owner: "Ada"), account) }
        for turn in 1...2500 {
            let receipt = try await books.append(.deposited(cents: turn), turn % 5 + 1)
            if turn % 100 == 0 {
                #expect(try await books.rows() == books.expected)
                _ = try await projector.model(atLeast: receipt, within: .zero)
            }
        }
        // What the projection does not want moves its checkpoint all the same.
        try await books.store.append([note("something else")], to: "note-1")
        try await books.expectTold()
        #expect(try await books.model.rows("SELECT count(*) AS marks FROM sillok_marks").first?["marks"] == 2)
        await books.close()
    }

    @Test(
        "what the rule or its SQL throws refuses the append, and no other of its group", arguments: Storage.stores,
        [false, true])
    func refuses(on storage: Storage, refusesInSQL: Bool) async throws {
        var random = SeededGenerator.printed("refuses")
        var books = try await InlineBooks(storage)
        var rule = Balances()
        rule.refusesInSQL = refusesInSQL
        try await books.attached(rule)
        for account in 1...40 { try await books.append(.opened(owner: "Ada"), account) }
        let head = try await books.store.head()
        let plan = (1...400).map { number in
            (account: number % 40 + 1, cents: number, isPoison: Int.random(in: 0..<4, using: &random) == 0)
        }
        let store = books.store
        let refused = try await withThrowingTaskGroup(of: Bool.self) { group in
            // One task for each account, so that the order within an account is that of the plan.
            for mine in Dictionary(grouping: plan, by: \.account).values {
                group.addTask {
                    var refused = true
                    for entry in mine {
                        let event: AccountEvent =
                            entry.isPoison ? .poisoned(cents: entry.cents) : .deposited(cents: entry.cents)
                        // An append of several events is refused as a whole.
                        var request = try InlineBooks.request(.deposited(cents: 1), entry.account)
                        request.entries += try InlineBooks.request(event, entry.account).entries
                        do {
                            _ = try await store.append(request)
                            if entry.isPoison { refused = false }
                        } catch AppendError.refused(let error) {
                            let isCause = refusesInSQL ? error.cause is ChangeFailed : error.cause is Balances.Poisoned
                            if !entry.isPoison || !isCause || error.event.type != "poisoned" { refused = false }
                        }
                    }
                    return refused
                }
            }
            return try await group.allSatisfy { $0 }
        }
        #expect(refused)
        for entry in plan where !entry.isPoison {
            books.note(.deposited(cents: 1), entry.account)
            books.note(.deposited(cents: entry.cents), entry.account)
        }
        #expect(try await store.head().value == head.value + UInt64(2 * plan.count { !$0.isPoison }))
        try await books.expectTold()
        try await books.reopen()
        try await books.attached(rule)
        try await books.append(.deposited(cents: 9), 7)
        try await books.expectTold()
        await books.close()
    }

    @Test("a repeat of an append and a conflict are not projected", arguments: Storage.stores)
    func onceOnly(on storage: Storage) async throws {
        var books = try await InlineBooks(storage)
        try await books.attached()
        try await books.append(.opened(owner: "Ada"), 1)
        let request = try InlineBooks.request(.deposited(cents: 5), 1)
        let first = try await books.store.append(request)
        books.note(.deposited(cents: 5), 1)
        #expect(try await books.store.append(request) == first)
        var late = try InlineBooks.request(.deposited(cents: 6), 1)
        late.condition = .revision(1, of: "account-1")
        await #expect {
            try await books.store.append(late)
        } throws: { AppendError($0).underlyingError is AppendConflict }
        var other = request
        other.entries[0].event.payload = Array(#"{"cents":7}"#.utf8)
        await #expect {
            try await books.store.append(other)
        } throws: { AppendError($0).underlyingError is EventIDConflict }
        try await books.expectTold()
        await books.close()
    }

    @Test("it catches up with events appended without it, at every opening of the store", arguments: Storage.stores)
    func catchesUp(on storage: Storage) async throws {
        var books = try await InlineBooks(storage)
        for account in 1...3 { try await books.append(.opened(owner: "Ada"), account) }
        for cents in 1...2500 { try await books.append(.deposited(cents: cents), cents % 3 + 1) }
        for _ in 1...3 {
            try await books.attached()
            try await books.expectTold()
            try await books.append(.deposited(cents: 1), 1)
            try await books.reopen()
            try await books.append(.deposited(cents: 2), 2)
        }
        let projector = try await books.attached()
        // Attached twice, an event is projected once.
        try await projector.attach()
        try await books.attached()
        try await books.append(.deposited(cents: 3), 3)
        try await books.expectTold()
        await books.close()
    }

    @Test("an event in the log that cannot be projected stops it, and is named", arguments: Storage.stores)
    func stopsAtPoison(on storage: Storage) async throws {
        var books = try await InlineBooks(storage)
        try await books.append(.opened(owner: "Ada"), 1)
        try await books.append(.poisoned(cents: 2), 1)
        try await books.append(.deposited(cents: 3), 1)
        let projector = Projector(Balances(), .inline, from: books.store, into: books.model)
        let failure = await #expect(throws: ProjectionFailure.self) { try await projector.run() }
        #expect(failure?.event?.position == 2)
        #expect(try await projector.readSide.deadLetters().isEmpty)
        // Without the rule the store accepts appends as before. The corrected rule continues.
        try await books.append(.poisoned(cents: 4), 1)
        var mended = Balances()
        mended.isMended = true
        try await books.attached(mended)
        try await books.append(.poisoned(cents: 5), 1)
        try await books.expectTold()
        await books.close()
    }

    @Test(
        "dead letters, partitions and a pause of an async life must be settled before it is inline",
        arguments: Storage.stores)
    func fromAsync(on storage: Storage) async throws {
        var books = try await InlineBooks(storage)
        try await books.append(.opened(owner: "Ada"), 1)
        try await books.append(.poisoned(cents: 2), 1)
        try await books.append(.deposited(cents: 3), 1)
        let asynchronous = Projector(Balances(), from: books.store, into: books.model)
        try await asynchronous.catchUp()
        let side = asynchronous.readSide
        #expect(try await side.deadLetters().count == 2)
        await #expect(throws: ProjectionRefusal.self) { try await books.attached() }
        try await side.skip("balances", at: 2, by: ada)
        try await side.resume("balances", by: ada)
        try await books.attached()
        #expect(try await books.rows() == ["account-1": [3]])
        #expect(try await side.status().first?.build.lifecycle == .inline)
        await #expect(throws: ProjectionRefusal.self) { try await side.pause("balances", by: ada) }
        await books.close()
    }

    @Test(
        "a rebuild runs next to it, is compared, promoted and rolled back, without a gap",
        arguments: Storage.stores, [true, false])
    func rebuild(on storage: Storage, isRunning: Bool) async throws {
        var books = try await InlineBooks(storage)
        let projector = try await books.attached()
        let side = projector.readSide
        for account in 1...3 { try await books.append(.opened(owner: "Ada"), account) }
        for cents in 1...50 { try await books.append(.deposited(cents: cents), cents % 3 + 1) }
        let running = isRunning ? Task { try await projector.run() } : nil
        if isRunning { #expect(try await eventually { try await side.status().count == 1 }) }
        #expect(try await projector.rebuild(by: ada) == ProjectionID("balances", version: 1, build: 2))
        try await books.append(.deposited(cents: 1), 1)
        #expect(try await side.diff("balances").differences.isEmpty)
        #expect(try await side.diff("balances").apart == 0)
        try await side.promote("balances", by: ada)
        try await books.append(.deposited(cents: 2), 1)
        try await books.expectTold()
        try await side.rollback("balances", by: ada)
        try await books.append(.deposited(cents: 3), 1)
        try await books.expectTold()
        // A dropped build no longer runs within appends.
        try await side.drop(ProjectionID("balances", version: 1, build: 2), by: ada)
        try await books.append(.deposited(cents: 4), 1)
        try await books.expectTold()
        running?.cancel()
        _ = await running?.result
        await books.close()
    }

    @Test("a new version catches up and takes its place", arguments: Storage.stores)
    func newVersion(on storage: Storage) async throws {
        var books = try await InlineBooks(storage)
        try await books.attached()
        try await books.append(.opened(owner: "Ada"), 1)
        try await books.reopen()
        try await books.append(.deposited(cents: 1), 1)
        var rule = Balances()
        rule.version = 2
        let projector = try await books.attached(rule)
        let receipt = try await books.append(.deposited(cents: 2), 1)
        _ = try await projector.model(atLeast: receipt, within: .zero)
        #expect(try await projector.readSide.status().map(\.build.state) == [.previous, .live])
        try await books.expectTold()
        await books.close()
    }

    @Test("one sequence is rebuilt alone during appends", arguments: Storage.stores)
    func sequence(on storage: Storage) async throws {
        var books = try await InlineBooks(storage)
        let projector = try await books.attached()
        for account in 1...3 { try await books.append(.opened(owner: "Ada"), account) }
        for cents in 1...30 { try await books.append(.deposited(cents: cents), cents % 3 + 1) }
        try await books.model.write(ReadModelWrite([.init("UPDATE balances_v1_accounts SET steps = '', cents = 0")]))
        for account in 1...3 {
            let name = "account-\(account)"
            try await projector.rebuild(sequence: name, events: .stream(StreamID(name)), by: ada)
        }
        try await books.append(.deposited(cents: 1), 1)
        try await books.expectTold()
        await books.close()
    }
}
