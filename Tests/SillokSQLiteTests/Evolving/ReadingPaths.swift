import SillokHistory
import SillokProjections
import SillokSQLite
import SillokTesting

/// Every way on which stored events come to code. Each answers the steps of every account.
enum ReadingPath: String, CaseIterable, Sendable {
    case decider, boundary, repeatedCommand, projection, partitioned, documents, live, rebuild, sequenceRebuild
    case inline, deadLetters, replacedDeadLetters, deadDocuments, subscription, export

    typealias Steps = [String: [String]]

    /// What code sees that reads the store on this path.
    func steps(_ store: any EventStore, of ledger: EvolvedLedger) async throws -> Steps {
        switch self {
        case .decider: try await fold(ledger) { try await Self.accounts(store).state(of: $0).state }
        case .boundary:
            try await fold(ledger) { key in
                try await CommandHandler<Ledger>(in: store).state(for: Ledger.Command(account: key))
            }
        case .repeatedCommand: try await repeated(store, ledger)
        case .projection: try await projected(store)
        case .partitioned:
            try await projected(store, options: ProjectorOptions(failures: .stop, partitions: 3, batch: 7))
        case .live: try await projected(store, .live)
        case .inline: try await inlined(store)
        case .rebuild, .sequenceRebuild: try await rebuilt(store, ledger)
        case .documents: try await documents(store, refusesFirst: false)
        case .deadDocuments: try await documents(store, refusesFirst: true)
        case .deadLetters, .replacedDeadLetters: try await redriven(store)
        case .subscription: try await subscribed(store)
        case .export: try await exported(store)
        }
    }

    private static func accounts(_ store: any EventStore) -> CommandHandler<Ledger> {
        CommandHandler<Ledger>("account", in: store)
    }

    private func fold(_ ledger: EvolvedLedger, _ state: (String) async throws -> Ledger) async throws -> Steps {
        var steps = Steps()
        for name in ledger.steps.keys { steps[name] = try await state(StreamID(name).key).steps }
        return steps
    }

    /// A command that is executed again is answered from the log.
    private func repeated(_ store: any EventStore, _ ledger: EvolvedLedger) async throws -> Steps {
        try await fold(ledger) { key in
            let id = CommandID()
            let accounts = Self.accounts(store)
            let count = try await accounts.state(of: key).revision
            try await accounts.execute(Ledger.Command(account: key), on: key, id: id)
            let again = try await accounts.execute(Ledger.Command(account: key), on: key, id: id)
            guard again.isRepeat, again.events == [.deposited(cents: 1)], again.revision == count.next,
                again.state.steps.last == "+1"
            else { throw Strange("the repeat of a command is another one") }
            var state = again.state
            state.steps.removeLast()
            return state
        }
    }

    private func projected(
        _ store: any EventStore, _ lifecycle: Lifecycle = .async,
        options: ProjectorOptions = ProjectorOptions(failures: .stop)
    ) async throws -> Steps {
        let model = try SQLiteReadModel()
        let projector = Projector(LedgerRows(), lifecycle, from: store, into: model, options: options)
        if lifecycle == .live {
            _ = try await projector.model(atLeast: store.head(), within: .seconds(300))
        } else {
            try await projector.catchUp()
        }
        return try await LedgerRows.steps(in: model)
    }

    /// Half of the log is there before the projection is attached, the other half is appended with it.
    private func inlined(_ store: any EventStore) async throws -> Steps {
        let folder = TemporaryFolder()
        let copy = try SQLiteEventStore(path: folder())
        var entries: [AppendRequest.Entry] = []
        for try await page in store.pages(.all) {
            entries += page.events.map { AppendRequest.Entry(stream: $0.stream, event: $0.data) }
        }
        func append(_ part: ArraySlice<AppendRequest.Entry>) async throws {
            for start in stride(from: part.startIndex, to: part.endIndex, by: 100) {
                _ = try await copy.append(AppendRequest(Array(part[start..<min(start + 100, part.endIndex)])))
            }
        }
        try await append(entries[..<(entries.count / 2)])
        let projector = Projector(LedgerRows(), .inline, from: copy, into: copy.readModel)
        try await projector.attach()
        try await append(entries[(entries.count / 2)...])
        let steps = try await LedgerRows.steps(in: copy.readModel)
        await copy.close()
        return steps
    }

    private func rebuilt(_ store: any EventStore, _ ledger: EvolvedLedger) async throws -> Steps {
        let model = try SQLiteReadModel()
        let projector = Projector(LedgerRows(), from: store, into: model, options: ProjectorOptions(failures: .stop))
        try await projector.catchUp()
        let ada = Operator("Ada", because: "the upcasters")
        guard self == .rebuild else {
            for name in ledger.steps.keys {
                try await projector.rebuild(sequence: name, events: .stream(StreamID(name)), by: ada)
            }
            return try await LedgerRows.steps(in: model)
        }
        try await projector.rebuild(by: ada)
        guard try await projector.readSide.diff("ledger_rows").differences.isEmpty else { throw Strange("other rows") }
        try await projector.readSide.promote("ledger_rows", by: ada)
        return try await LedgerRows.steps(in: model)
    }

    /// All is parked at first, and then tried again, or replaced by what is stored.
    private func redriven(_ store: any EventStore) async throws -> Steps {
        let model = try SQLiteReadModel()
        let options = ProjectorOptions(failures: .park(attempts: 1, pause: .zero, capacity: 1_000_000))
        try await Projector(LedgerRows(refuses: true), from: store, into: model, options: options).catchUp()
        let mended = Projector(LedgerRows(), from: store, into: model, options: options)
        let ada = Operator("Ada", because: "it is mended")
        if self == .replacedDeadLetters {
            for letter in try await mended.readSide.deadLetters(of: "ledger_rows", limit: 1_000_000) {
                let event = try await mended.readSide.deadLetter(of: "ledger_rows", at: letter.position).event
                let payload = String(decoding: event.payload, as: UTF8.self)
                try await mended.readSide.replace("ledger_rows", at: letter.position, with: payload, by: ada)
            }
        }
        try await mended.readSide.retry("ledger_rows", by: ada)
        try await mended.catchUp()
        guard try await mended.readSide.deadLetters().isEmpty else { throw Strange("dead letters are left") }
        return try await LedgerRows.steps(in: model)
    }

    private func documents(_ store: any EventStore, refusesFirst: Bool) async throws -> Steps {
        let model = try SQLiteReadModel()
        let options = ProjectorOptions(failures: .park(attempts: 1, pause: .zero, capacity: 1_000_000), batch: 50)
        if refusesFirst {
            let first = LedgerDocuments(refuses: true)
            try await Projector(documents: first, from: store, into: model, options: options).catchUp()
        }
        let projector = Projector(documents: LedgerDocuments(), from: store, into: model, options: options)
        if refusesFirst {
            let ada = Operator("Ada", because: "it is mended")
            try await projector.readSide.retry("ledger_documents", by: ada)
        }
        try await projector.catchUp()
        guard try await projector.readSide.deadLetters().isEmpty else { throw Strange("dead letters are left") }
        var steps = Steps()
        for row in try await model.rows("SELECT key, document FROM ledger_documents") {
            let document = JSONValue(parsing: row["document"].text ?? "")?.object
            steps[row["key"].text ?? ""] = document?["steps"]?.array?.compactMap(\.string)
        }
        return steps
    }

    private func subscribed(_ store: any EventStore) async throws -> Steps {
        var steps = Steps()
        let head = try await store.head()
        for try await batch in store.subscribe(to: .category("account"), as: LedgerEvent.self) {
            for event in batch.events { steps[event.stream?.text ?? "", default: []].append(event.payload.step) }
            if batch.through >= head { break }
        }
        return steps
    }

    /// Reads the lines like a reader that knows only the newest versions.
    private func exported(_ store: any EventStore) async throws -> Steps {
        var lines: [UInt8] = []
        try await store.exportUpcast(.category("account"), by: LedgerEvent.schema) { lines += $0 }
        var steps = Steps()
        for line in lines.split(separator: 0x0A) {
            guard let event = JSONValue(parsing: String(decoding: line, as: UTF8.self))?.object,
                let type = event["type"]?.string, let data = event["data"]?.object,
                let stream = event["subject"]?.string
            else { throw Strange("a line is no event") }
            let step =
                switch type {
                case "opened": "\(data["owner"]?.string ?? "?")/\(data["by"]?.string ?? "?")"
                case "deposited": "+\(data["cents"]?.integer ?? 0)"
                case "withdrawn": "-\(data["cents"]?.integer ?? 0)"
                case "closed": "end"
                default: type
                }
            steps[stream, default: []].append(step)
        }
        return steps
    }
}

struct Strange: Error {
    let what: String
    init(_ what: String) { self.what = what }
}

/// The steps of an account, as the state of decisions on a stream or on tags.
struct Ledger: BoundaryDecider {
    struct Command: Sendable { let account: String }
    typealias Refusal = Never
    var steps: [String] = []

    func decide(_ command: Command) throws(Never) -> [LedgerEvent] { [.deposited(cents: 1)] }
    mutating func evolve(_ event: LedgerEvent) { steps.append(event.step) }
    static func boundary(of command: Command) -> EventQuery {
        .tags(EventTag("account", command.account)).of("opened", "deposited", "withdrawn", "closed")
    }
}

struct LedgerRows: Projection {
    let name = "ledger_rows"
    let version = 1
    let source = EventQuery.category("account").of("opened", "deposited", "withdrawn", "closed")
    var refuses = false
    let schema: [SQL] = ["CREATE TABLE \(table: "ledger") (account TEXT PRIMARY KEY, steps TEXT NOT NULL)"]

    func project(_ event: Recorded<LedgerEvent>) throws -> [SQL] {
        if refuses { throw Strange("refused") }
        let (account, step) = (event.stream?.text ?? "", event.payload.step + " ")
        return [
            """
            INSERT INTO \(table: "ledger") VALUES (\(account), \(step))
            ON CONFLICT (account) DO UPDATE SET steps = steps || excluded.steps
            """
        ]
    }

    func clear(sequence: String) -> [SQL]? { ["DELETE FROM \(table: "ledger") WHERE account = \(sequence)"] }

    static func steps(in model: some ReadModel) async throws -> ReadingPath.Steps {
        var steps = ReadingPath.Steps()
        for row in try await model.rows("SELECT account, steps FROM ledger") {
            steps[row["account"].text ?? ""] = (row["steps"].text ?? "").split(separator: " ").map(String.init)
        }
        return steps
    }
}

struct LedgerDocuments: DocumentProjection {
    struct Account: Codable, Equatable, Sendable { var steps: [String] = [] }

    let name = "ledger_documents"
    let version = 1
    let source = EventQuery.category("account")
    var refuses = false

    /// The second part of an event that is split fails: nothing of the first one may stay.
    func evolve(_ document: Account?, _ event: Recorded<LedgerEvent>) throws -> Account? {
        if refuses, case .deposited = event.payload { throw Strange("refused") }
        var account = document ?? Account()
        account.steps.append(event.payload.step)
        return account
    }
}
