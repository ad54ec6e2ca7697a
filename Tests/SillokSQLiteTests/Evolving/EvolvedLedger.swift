import Sillok
import SillokCore
import SillokTesting

/// The current events of a ledger; the log has five years of older versions.
enum LedgerEvent: Codable, Equatable, Sendable, EvolvingEvent {
    case opened(owner: String, by: String)
    case deposited(cents: Int)
    case withdrawn(cents: Int)
    case closed

    static let schema = EventSchema(
        versions: ["opened": 2, "deposited": 3],
        upcasters: [
            .change("opened", from: 1) { old in old.payload["by"] = .string(old.recorded.metadata.actor ?? "nobody") },
            .change("deposited", from: 1) { old in old.payload.rename("amount", to: "value") },
            .change("deposited", from: 2) { old in old.payload.rename("value", to: "cents") },
            .split("moved", from: 1, into: ["withdrawn": 1, "deposited": 1]) { old in
                let amount = old.payload["amount"]
                return [.init("withdrawn", ["cents": amount]), .init("deposited", ["amount": amount])]
            },
            .split("ended", from: 1, into: ["closed": 1]) { _ in [.init("closed", [:])] },
            .drop("pinged", from: 1),
        ])

    /// What it does to a list of steps.
    var step: String {
        switch self {
        case .opened(let owner, let by): "\(owner)/\(by)"
        case .deposited(let cents): "+\(cents)"
        case .withdrawn(let cents): "-\(cents)"
        case .closed: "end"
        }
    }
}

/// A history that old and new programs wrote, and what each account's steps must be.
struct EvolvedLedger: Sendable {
    var entries: [AppendRequest.Entry] = []
    var steps: [String: [String]] = [:]
    var counts: [String: Int] = [:]

    init(events: Int, accounts: Int, _ random: inout SeededGenerator) {
        for account in 0..<accounts { add(account, kind: account % 2, 0, &random) }
        for _ in 0..<events {
            let amount = Int.random(in: 1...99, using: &random)
            add(Int.random(in: 0..<accounts, using: &random), kind: .random(in: 0..<9, using: &random), amount, &random)
        }
    }

    /// Adds one event of some type and version. Says what it means without looking at any upcaster.
    private mutating func add(_ account: Int, kind: Int, _ amount: Int, _ random: inout SeededGenerator) {
        let (type, version, payload, meaning): (EventType, Int?, String, [String]) =
            switch kind {
            case 0: ("opened", nil, #"{"owner":"Ada"}"#, ["Ada/clerk"])
            case 1: ("opened", 2, #"{"owner":"Bo","by":"Cy"}"#, ["Bo/Cy"])
            case 2: ("deposited", nil, #"{"amount":\#(amount)}"#, ["+\(amount)"])
            case 3: ("deposited", 2, #"{"value":\#(amount)}"#, ["+\(amount)"])
            case 4: ("deposited", 3, #"{"cents":\#(amount)}"#, ["+\(amount)"])
            case 5: ("withdrawn", 1, #"{"cents":\#(amount)}"#, ["-\(amount)"])
            case 6: ("moved", nil, #"{"amount":\#(amount)}"#, ["-\(amount)", "+\(amount)"])
            case 7: ("ended", nil, "{}", ["end"])
            default: ("pinged", nil, #"{"at":"noon"}"#, [])
            }
        var metadata = Metadata(actor: "clerk")
        metadata.schemaVersion = version
        let name = "account-\(account)"
        entries.append(
            .init(
                stream: StreamID(name),
                event: EventData(
                    id: EventID(high: random.next(), low: random.next()), type: type,
                    tags: [EventTag("account", "\(account)")], metadata: metadata, text: payload)))
        steps[name, default: []] += meaning
        counts[name, default: 0] += 1
    }

    /// A store in memory that has it.
    func store() async throws -> MemoryEventStore {
        let store = MemoryEventStore()
        for start in stride(from: 0, to: entries.count, by: 1000) {
            _ = try await store.append(AppendRequest(Array(entries[start..<min(start + 1000, entries.count)])))
        }
        return store
    }
}

/// A store with a planted bug: some of the reads go around the upcasters, for their events claim to be of today.
struct UpcastersForgotten: ForwardingEventStore {
    let base: any EventStore
    /// Only when one event is read alone or by its id, as dead letters are.
    var onlySingleReads = false

    func event(_ id: EventID) async throws -> RecordedEvent? { try await base.event(id).map(Self.claim) }
    func read(_ request: ReadRequest) async throws -> EventBatch {
        let page = try await base.read(request)
        if onlySingleReads && request.limit != 1 { return page }
        return EventBatch(events: page.events.map(Self.claim), mark: page.mark, isEnd: page.isEnd, head: page.head)
    }

    private static func claim(_ event: RecordedEvent) -> RecordedEvent {
        var data = event.data
        data.metadata.schemaVersion = LedgerEvent.schema.newestVersion(of: event.type)
        return RecordedEvent(
            position: event.position, stream: event.stream, revision: event.revision, recordedAt: event.recordedAt,
            tracking: event.tracking, data: data)
    }
}
