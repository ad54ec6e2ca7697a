import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

/// SCH-1 and SCH-2 of the scenarios: every version of every type on every path, and the policies for newer ones.
@Suite("upcasting on every path")
struct UpcastingPathTests {
    private static let size = Environment.count("SILLOK_SCHEMA_EVENTS", default: 600)

    private func ledger() -> EvolvedLedger {
        var random = SeededGenerator.printed("upcasting")
        return EvolvedLedger(events: Self.size, accounts: 9, &random)
    }

    @Test("SCH-1: every version of every type reads as its current value", arguments: ReadingPath.allCases)
    func everyPath(path: ReadingPath) async throws {
        let ledger = ledger()
        let steps = try await path.steps(try await ledger.store(), of: ledger)
        #expect(steps == ledger.steps)
    }

    @Test("a path that forgets the upcasters is noticed", arguments: ReadingPath.allCases)
    func forgotten(path: ReadingPath) async throws {
        var random = SeededGenerator.printed("forgotten upcasters")
        let ledger = EvolvedLedger(events: 100, accounts: 3, &random)
        let planted = UpcastersForgotten(base: try await ledger.store())
        let steps = try? await path.steps(planted, of: ledger)
        #expect(steps != ledger.steps)
    }

    @Test(
        "dead letters alone forget the upcasters, and it is noticed",
        arguments: [ReadingPath.deadLetters, .replacedDeadLetters])
    func forgottenDeadLetters(path: ReadingPath) async throws {
        var random = SeededGenerator.printed("forgotten dead letters")
        let ledger = EvolvedLedger(events: 100, accounts: 3, &random)
        let planted = UpcastersForgotten(base: try await ledger.store(), onlySingleReads: true)
        #expect(try await ReadingPath.projection.steps(planted, of: ledger) == ledger.steps)
        let steps = try? await path.steps(planted, of: ledger)
        #expect(steps != ledger.steps)
    }

    @Test("revisions count stored events, also after a split or a drop, and decisions use these revisions")
    func revisions() async throws {
        let ledger = ledger()
        let store = try await ledger.store()
        let accounts = CommandHandler<Ledger>("account", in: store)
        for (name, count) in ledger.counts {
            let key = StreamID(name).key
            #expect(try await accounts.state(of: key).revision == Revision(UInt64(count)))
            let outcome = try await accounts.execute(Ledger.Command(account: key), on: key)
            #expect(outcome.revision == Revision(UInt64(count + 1)))
            #expect(outcome.state.steps == (ledger.steps[name] ?? []) + ["+1"])
            let stored = try await store.read(
                ReadRequest(.stream(StreamID(name)), after: .revision(Revision(UInt64(count)))))
            #expect(stored.events.map(\.metadata.schemaVersion) == [3])
        }
    }

    @Test("an old type that comes while a decision rests on its boundary is a conflict")
    func boundaries() async throws {
        let store = MemoryEventStore()
        let moved = EventData(type: "moved", tags: ["account:1"], text: #"{"amount":5}"#)
        try await store.append([moved])
        let courses = CommandHandler<Ledger>(in: store)
        let outcome = try await courses.execute(Ledger.Command(account: "1"))
        #expect(outcome.state.steps == ["-5", "+5"])
        let condition = AppendCondition.unchanged(
            LedgerEvent.schema.stored(Ledger.boundary(of: Ledger.Command(account: "1"))), since: outcome.position)
        try await store.append([EventData(type: "moved", tags: ["account:1"], text: #"{"amount":6}"#)])
        await #expect {
            try await store.append([EventData(type: "deposited", text: "{}")], if: condition)
        } throws: { AppendError($0).underlyingError is AppendConflict }
        #expect(
            try await courses.execute(Ledger.Command(account: "1")).state.steps == ["-5", "+5", "-6", "+6"])
    }

    @Test("of an event that is split a projection takes all or nothing, once, and its checkpoint counts one")
    func atomicSplit() async throws {
        let store = MemoryEventStore()
        for amount in 1...3 {
            try await store.append([EventData(type: "moved", text: #"{"amount":\#(amount)}"#)], to: "account-1")
        }
        let model = try SQLiteReadModel()
        let options = ProjectorOptions(failures: .park(attempts: 1, pause: .zero, capacity: 10), batch: 1)
        let refusing = Projector(
            documents: LedgerDocuments(refuses: true), from: store, into: model, options: options)
        try await refusing.catchUp()
        #expect(try await model.rows("SELECT * FROM ledger_documents").isEmpty)
        #expect(try await refusing.readSide.deadLetters().map(\.position) == [1, 2, 3])
        let rows = Projector(LedgerRows(), from: store, into: model, options: options)
        try await rows.catchUp()
        #expect(try await LedgerRows.steps(in: model) == ["account-1": ["-1", "+1", "-2", "+2", "-3", "+3"]])
        let verification = try await rows.readSide.verify("ledger_rows")
        #expect(verification.findings.isEmpty && verification.events == 3)
    }
}

@Suite("newer versions")
struct NewerVersionTests {
    private func store() async throws -> MemoryEventStore {
        let store = MemoryEventStore()
        try await store.append([EventCoding<LedgerEvent>().encode(.deposited(cents: 1))], to: "account-1")
        var newer = EventData(type: "deposited", text: #"{"cents":2,"currency":"KRW"}"#)
        newer.metadata.schemaVersion = 4
        try await store.append([newer], to: "account-1")
        try await store.append([EventCoding<LedgerEvent>().encode(.deposited(cents: 3))], to: "account-1")
        try await store.append([EventCoding<LedgerEvent>().encode(.deposited(cents: 4))], to: "account-2")
        return store
    }

    @Test("SCH-2: a decider refuses the command and stores nothing")
    func decider() async throws {
        let store = try await store()
        let accounts = CommandHandler<Ledger>("account", in: store)
        await #expect(throws: NewerEventVersion.self) {
            try await accounts.execute(Ledger.Command(account: "1"), on: "1")
        }
        #expect(try await store.head() == 4)
        try await accounts.execute(Ledger.Command(account: "2"), on: "2")
    }

    @Test("SCH-2: a subscription gives what lies before and ends")
    func subscription() async throws {
        let store = try await store()
        var seen: [LedgerEvent] = []
        var through = Position.start
        await #expect(throws: NewerEventVersion.self) {
            for try await batch in store.subscribe(to: .all, as: LedgerEvent.self) {
                seen += batch.events.map(\.payload)
                through = batch.through
            }
        }
        #expect(seen == [.deposited(cents: 1)] && through == 1)
    }

    @Test("SCH-2: a projection stops before it, or parks it with what follows; never is it skipped")
    func projection() async throws {
        struct Rule: Projection {
            var newerVersions = NewerVersionPolicy.stop
            var unknownTypes = UnknownTypePolicy.ignore
            let rows = LedgerRows()
            var name: String { rows.name }
            var version: Int { rows.version }
            var source: EventQuery { .category("account") }
            var schema: [SQL] { rows.schema }
            func project(_ event: Recorded<LedgerEvent>) throws -> [SQL] { try rows.project(event) }
        }
        let store = try await store()
        let model = try SQLiteReadModel()
        let stopping = Projector(Rule(), from: store, into: model)
        let failure = await #expect(throws: ProjectionFailure.self) { try await stopping.catchUp() }
        #expect(failure?.event?.position == 2 && failure?.cause is NewerEventVersion)
        #expect(try await LedgerRows.steps(in: model) == ["account-1": ["+1"]])
        let parking = Projector(Rule(newerVersions: .park), from: store, into: model)
        try await parking.catchUp()
        #expect(try await LedgerRows.steps(in: model) == ["account-1": ["+1"], "account-2": ["+4"]])
        let letters = try await parking.readSide.deadLetters()
        #expect(letters.map(\.position) == [2, 3] && letters.map(\.state) == [.failed, .behind])
        #expect(letters.first?.reason.contains("is of version 4, and") == true)
    }
}
