import ArgumentParser
import Sillok
import SillokTerminal

struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Print the last events, and with -f also new events.",
        discussion: """
            Works while another process writes. Ctrl-C ends it.

            Examples:
              sillok tail bank.sqlite
              sillok tail -f -n 0 bank.sqlite --category account --json
            """)

    @OptionGroup var store: StoreArgument

    @Flag(name: .shortAndLong, help: "Continue with new events.")
    var follow = false

    @Option(name: .customShort("n"), help: ArgumentHelp("How many of the last events.", valueName: "count"))
    var count = 10

    @OptionGroup var which: QueryOptions

    @Flag(name: .shortAndLong, help: "Show ids, tags and metadata as well.")
    var long = false

    @OptionGroup var show: ShowOptions

    func validate() throws {
        if !(0...1_000_000).contains(count) { throw ValidationError("-n must be between 0 and 1000000.") }
    }

    func run() async throws {
        try await store.reading { store in
            var view = EventView(store: try await store.storeID(), isJSON: show.json, isLong: long)
            let head = try await store.head()
            try view.print(try await last(of: store, through: head))
            try Console.current.output.flush()
            guard follow else { return }
            for try await batch in store.subscribe(to: which.query, after: head) {
                try view.print(batch.events)
                try Console.current.output.flush()
            }
        }
    }

    /// The last events up to a position, the oldest first.
    private func last(of store: some EventStore, through head: Position) async throws -> [RecordedEvent] {
        var events: [RecordedEvent] = []
        guard count > 0 else { return [] }
        var next: ReadRequest? = ReadRequest(
            which.query, before: .position(head.next), direction: .backward, limit: min(count, store.limits.pageEvents))
        while let request = next {
            let batch = try await store.read(request)
            events += batch.events
            next = events.count < count ? request.next(after: batch) : nil
            next?.limit = min(count - events.count, store.limits.pageEvents)
        }
        return events.reversed()
    }
}
