import SillokProjections

/// What happens to the accounts of the torture: each event has a number, so that its trace in a row can be seen.
enum TortureEvent: Codable, Sendable { case opened(owner: String), deposited(number: Int), poisoned(number: Int) }

struct Refused: Error {}

/// The trace of each account as a text, and its sum.
struct Traces: Projection {
    let isMended: Bool
    let name = "traces"
    let version = 1
    let source = EventQuery.category("account")
    let schema: [SQL] = [
        "CREATE TABLE \(table: "traces") (account TEXT PRIMARY KEY, total BIGINT NOT NULL, trace TEXT NOT NULL)"
    ]

    func project(_ event: Recorded<TortureEvent>) throws -> [SQL] {
        switch event.payload {
        case .opened: return ["INSERT INTO \(table: "traces") VALUES (\(event.stream), 0, '') ON CONFLICT DO NOTHING"]
        case .poisoned where !isMended: throw Refused()
        case .deposited(let number), .poisoned(let number):
            return [
                """
                UPDATE \(table: "traces") SET total = total + \(number), trace = trace || \("\(number) ")
                WHERE account = \(event.stream)
                """
            ]
        }
    }
}

/// The same as documents.
struct TraceDocuments: DocumentProjection {
    let isMended: Bool
    let name = "trace_documents"
    let version = 1
    let source = EventQuery.category("account")

    func evolve(_ document: [Int]?, _ event: Recorded<TortureEvent>) throws -> [Int]? {
        switch event.payload {
        case .opened: return []
        case .poisoned where !isMended: throw Refused()
        case .deposited(let number), .poisoned(let number): return (document ?? []) + [number]
        }
    }
}

/// Writers, projectors and an operator in one process, until it is killed.
struct ProjectionLoad {
    let store: any EventStore
    let model: any ReadModel
    let seed: UInt64
    let partitions: Int
    let isMended: Bool
    /// Whether the rows of an inline projection are written in their own transaction: a bug.
    var isApart = false

    func run() async throws {
        let (traces, documents) = projectors(lease: nil)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 { group.addTask { try await Self.write(writer, store, seed) } }
            group.addTask { try await persist { try await traces.run() } }
            group.addTask { try await persist { try await documents.run() } }
            group.addTask { try await operate(traces) }
            try await group.waitForAll()
        }
    }

    static func runWriters(_ store: any EventStore, _ seed: UInt64) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 { group.addTask { try await write(writer, store, seed) } }
            try await group.waitForAll()
        }
    }

    func runProjections(lease: Duration) async throws {
        let (traces, documents) = projectors(lease: lease)
        async let first: Void = persist { try await traces.run() }
        async let second: Void = persist { try await documents.run() }
        _ = try await (first, second)
    }

    private func projectors(lease: Duration?) -> (traces: Projector<TortureModel>, documents: Projector<TortureModel>) {
        let options = ProjectorOptions(
            failures: .park(attempts: 1, pause: .zero, capacity: 100_000), partitions: partitions, lease: lease,
            batch: 50, pollInterval: .milliseconds(20))
        let model = TortureModel(model: model)
        return (
            Projector(Traces(isMended: isMended), from: store, into: model, options: options),
            Projector(documents: TraceDocuments(isMended: isMended), from: store, into: model, options: options)
        )
    }

    /// The same with an inline projection.
    func runInline(_ model: some InlineReadModel) async throws {
        let traces = Projector(
            Traces(isMended: isMended), isApart ? .async : .inline, from: store, into: model,
            options: ProjectorOptions(pollInterval: .milliseconds(20)))
        if isApart { try await traces.catchUp() } else { try await traces.attach() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 { group.addTask { try await Self.write(writer, store, seed) } }
            group.addTask { try await persist { try await traces.run() } }
            group.addTask { try await operate(traces) }
            try await group.waitForAll()
        }
    }

    /// A planted bug may stop a projection: it is begun again, as a supervisor would.
    private func persist(_ run: () async throws -> Void) async throws {
        while true {
            do { try await run() } catch { try await Task.sleep(for: .milliseconds(10)) }
        }
    }

    private static func write(_ writer: Int, _ store: any EventStore, _ seed: UInt64) async throws {
        // Other numbers after each kill: a short life would always begin with the same few.
        var random = SeededGenerator(seed, UInt64(writer), try await store.head().value)
        let coding = EventCoding<TortureEvent>()
        while true {
            let stream = StreamID("account-\(writer)x\(random.below(10))")
            let isNew = try await store.stream(stream) == nil
            let number = random.below(1000)
            let event: TortureEvent =
                isNew
                ? .opened(owner: "") : random.below(150) == 0 ? .poisoned(number: number) : .deposited(number: number)
            do {
                try await store.append([coding.encode(event)], to: stream)
            } catch AppendError.refused {
                // Poison is refused where the projection is inline.
            }
        }
    }

    /// Retries dead letters, rebuilds, promotes and goes back at random; what cannot be done is left.
    private func operate(_ projector: Projector<some ReadModel>) async throws {
        var random = SeededGenerator(seed, 99, try await store.head().value)
        let side = projector.readSide
        let whom = Operator("torture", because: "chance")
        while true {
            try await Task.sleep(for: .milliseconds(15))
            do {
                switch random.below(6) {
                case 0: try await side.requestRebuild(of: "traces", by: whom)
                case 1: try await side.promote("traces", by: whom)
                case 2: try await side.rollback("traces", by: whom)
                case 3: try await side.retry("trace_documents", by: whom)
                default: try await side.retry("traces", by: whom)
                }
            } catch {
                continue
            }
        }
    }
}
