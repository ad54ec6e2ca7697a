import ArgumentParser
import Sillok
import SillokLog
import SillokPostgres
import SillokSQLite
import SillokTerminal

struct StatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stat",
        abstract: "Show what a store holds: its id, events, streams, size, times and most frequent types.",
        discussion: """
            Counting types and streams reads the whole log; --quick leaves that out.

            Examples:
              sillok stat bank.sqlite
              sillok stat bank.sqlite --quick --json
            """)

    @OptionGroup var store: StoreArgument

    @Flag(help: "Show only values that need no reading of the log.")
    var quick = false

    @Option(help: "How many of the most frequent types.")
    var types = 10

    @OptionGroup var show: ShowOptions

    func run() async throws {
        try await store.reading { opened in
            let facts = try await StoreFacts(of: opened)
            if let warning = store.clockWarning(last: facts.last) { Console.current.note(warning) }
            let damage = (opened as? LogEventStore)?.damage
            // The walk over all events cannot pass a loss.
            let census = quick || damage?.losses.isEmpty == false ? nil : try await Census(of: opened, head: facts.head)
            if show.json {
                try Console.current.print(json: json(facts, census))
            } else {
                try print(facts, census)
            }
        }
    }

    private func print(_ facts: StoreFacts, _ census: Census?) throws {
        let console = Console.current
        let terminal = console.outputTerminal
        var lines = [("store", facts.id.description), ("events", facts.head.value.grouped)]
        if let census { lines.append(("streams", census.streams.grouped)) }
        if let bytes = facts.bytes {
            let perEvent = facts.head.value > 0 ? ", \((bytes / facts.head.value).grouped) bytes an event" : ""
            lines.append(("size", bytes.asBytes + perEvent))
        }
        if let first = facts.first, let last = facts.last {
            lines += [("first", first.readable), ("last", last.readable)]
        }
        for (name, value) in lines { try console.print(terminal.styled(name.padded(to: 9), .dim) + value) }
        guard let census, !census.types.isEmpty else { return }
        var table = Table(.left("TYPE"), .right("EVENTS"), .right("SHARE"))
        for (type, count) in census.types.prefix(types) {
            let share = Double(count) / Double(max(facts.head.value, 1)) * 100
            table.add(type.text, count.grouped, share.rounded(digits: 1) + " %")
        }
        try console.print("")
        try console.print(table)
        if census.types.count > types { try console.print("and \(census.types.count - types) more types") }
    }

    private func json(_ facts: StoreFacts, _ census: Census?) -> JSONLine {
        [
            "store": facts.id, "head": facts.head, "streams": census?.streams, "bytes": facts.bytes,
            "firstRecordedAt": facts.first, "lastRecordedAt": facts.last,
            "types": census?.types.prefix(types).map { ["type": $0.type, "events": $0.count] as JSONLine },
        ]
    }
}

/// What is known of a store without reading its log.
private struct StoreFacts {
    let id: StoreID
    let head: Position
    /// `nil` if the store does not report it, as through a server.
    let bytes: UInt64?
    let first: Timestamp?
    let last: Timestamp?

    init(of store: some EventStore) async throws {
        id = try await store.storeID()
        let newest = try await store.read(ReadRequest(direction: .backward, limit: 1))
        head = newest.head
        last = newest.events.first?.recordedAt
        // The first event may be lost.
        first = try? await store.read(.all, limit: 1).events.first?.recordedAt
        bytes = try await Self.bytes(of: store)
    }

    private static func bytes(of store: some EventStore) async throws -> UInt64? {
        #if Postgres
        if let store = store as? PostgresEventStore { return try await store.storedBytes() }
        #endif
        return (store as? any LocalStore)?.storedBytes
    }
}

/// What only a walk through the whole log says.
private struct Census {
    private(set) var streams: UInt64 = 0
    let types: [(type: EventType, count: UInt64)]

    init(of store: some EventStore, head: Position) async throws {
        let bar = ProgressBar("Counting", total: head.value)
        defer { bar.finish(quietly: true) }
        var counts: [EventType: UInt64] = [:]
        let request = ReadRequest(before: .position(head.next), limit: store.limits.pageEvents)
        for try await batch in store.pages(request) {
            for event in batch.events {
                counts[event.type, default: 0] += 1
                // The first event of each stream counts the stream.
                if event.revision == 1 { streams += 1 }
            }
            bar.update(to: batch.events.last?.position.value ?? head.value)
        }
        types = counts.map { ($0.key, $0.value) }.sorted { ($1.count, $0.type) < ($0.count, $1.type) }
    }
}
