import ArgumentParser
import Sillok
import SillokCloudEvents
import SillokTerminal

struct ReadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "read",
        abstract: "Print events.",
        discussion: """
            An event is printed if it matches all filters. --after and --before take a position or a time (RFC 3339, or
            a date in UTC). Both are exclusive. With --json every event is a CloudEvents object, as export writes it.

            Examples:
              sillok read bank.sqlite --stream account-1
              sillok read bank.sqlite --category account --type deposited --after 2026-11-01 --limit 20
              sillok read bank.sqlite --backwards --limit 1 --json | jq .data
            """)

    @OptionGroup var store: StoreArgument

    @OptionGroup var which: QueryOptions

    @OptionGroup var range: RangeOptions

    @Option(help: "Only events from this revision on; needs --stream.")
    var fromRevision: UInt64?

    @Flag(name: .shortAndLong, help: "Show ids, tags and metadata as well.")
    var long = false

    @OptionGroup var show: ShowOptions

    func validate() throws {
        if fromRevision != nil && which.stream == nil { throw ValidationError("--from-revision needs --stream.") }
        if fromRevision != nil && range.after != nil {
            throw ValidationError("--from-revision and --after exclude each other.")
        }
    }

    func run() async throws {
        try await store.reading { store in
            var view = EventView(store: try await store.storeID(), isJSON: show.json, isLong: long)
            var rest = range.limit ?? .max
            var next: ReadRequest? = request(limit: min(rest, store.limits.pageEvents))
            while let request = next {
                let batch = try await store.read(request)
                try view.print(batch.events)
                rest -= batch.events.count
                next = rest > 0 ? request.next(after: batch) : nil
                next?.limit = min(rest, store.limits.pageEvents)
                try Task.checkCancellation()
            }
            guard view.count == 0 else { return }
            if let stream = which.stream, try await store.stream(StreamID(stream)) == nil {
                throw CommandFailure(.notFound, "there is no stream \(stream.visible)")
            }
            if !show.json { Console.current.note("no event matches") }
        }
    }

    private func request(limit: Int) -> ReadRequest {
        let revision = fromRevision.map { ReadRequest.Bound.revision(Revision($0 == 0 ? 0 : $0 - 1)) }
        return ReadRequest(
            which.query, after: range.after?.bound ?? revision, before: range.before?.bound,
            direction: range.direction, limit: limit)
    }
}

/// Prints pages of events as the options of a command say.
struct EventView {
    private var line: EventLine
    private var json: CloudEventWriter
    private let isJSON: Bool

    /// How many events were printed.
    private(set) var count = 0

    init(store: StoreID, isJSON: Bool, isLong: Bool) {
        line = EventLine(for: Console.current.outputTerminal, isLong: isLong)
        json = CloudEventWriter(store: store)
        self.isJSON = isJSON
    }

    mutating func print(_ events: [RecordedEvent]) throws {
        count += events.count
        if isJSON {
            for event in events { json.write(event) }
            try Console.current.output.write(json.take())
        } else {
            for text in line.lines(of: events) { try Console.current.print(text) }
        }
    }
}
