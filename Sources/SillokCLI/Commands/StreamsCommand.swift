import ArgumentParser
import Sillok
import SillokTerminal

struct StreamsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "streams",
        abstract: "List the streams in the order of their names.",
        discussion: """
            Examples:
              sillok streams bank.sqlite --category account
              sillok streams bank.sqlite --json | jq -r .stream
            """)

    @OptionGroup var store: StoreArgument

    @Option(help: "Only streams of this category: the part of a name before the first dash.")
    var category: String?

    @Option(help: "Only streams after this name.")
    var after: String?

    @Option(help: "At most this many.")
    var limit: Int?

    @OptionGroup var show: ShowOptions

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1.") }
    }

    func run() async throws {
        try await store.reading { store in
            var rest = limit ?? .max
            var last = after.map { StreamID($0) }
            var isEmpty = true
            while rest > 0 {
                let page = try await store.streams(
                    in: category.map { StreamCategory($0) }, after: last, limit: min(rest, store.limits.pageEvents))
                guard let name = page.last?.id else { break }
                try print(page, isFirst: isEmpty)
                (last, isEmpty) = (name, false)
                rest -= page.count
                try Task.checkCancellation()
            }
            if isEmpty && !show.json { Console.current.note("no streams") }
        }
    }

    private func print(_ page: [StreamFacts], isFirst: Bool) throws {
        let console = Console.current
        if show.json {
            return try page.forEach { facts in
                try console.print(json: [
                    "stream": facts.id, "revision": facts.revision, "lastPosition": facts.lastPosition,
                    "firstRecordedAt": facts.firstRecordedAt, "lastRecordedAt": facts.lastRecordedAt,
                ])
            }
        }
        var table = Table(.left("STREAM"), .right("EVENTS"), .right("LAST AT"), .left("FIRST"), .left("LAST"))
        for facts in page {
            table.add(
                facts.id.text, facts.revision.value.grouped, "\(facts.lastPosition)", facts.firstRecordedAt.readable,
                facts.lastRecordedAt.readable)
        }
        try console.print(table, withTitle: isFirst)
    }
}
