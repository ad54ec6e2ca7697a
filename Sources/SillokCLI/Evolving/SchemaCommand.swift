import ArgumentParser
import Sillok
import SillokCore
import SillokHistory
import SillokTerminal

struct SchemaCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Compare the schemas of events: in a log, in the code, and in the next version of the code.",
        discussion: """
            The tests of the code write its schema (schema.json next to the golden files). The schema of a log is
            derived from its events. Exit status 1 means that something is not compatible.

            Examples:
              sillok schema diff main/schema.json branch/schema.json
              sillok schema check schema.json bank.sqlite --category account
              sillok schema snapshot bank.sqlite --category account > stored.json
            """,
        subcommands: [Snapshot.self, Check.self, Diff.self])

    /// What changes between two schemas.
    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "diff",
            abstract: "List the changes between two schemas, with a verdict for each.",
            discussion: """
                The verdicts are: compatible; needs an upcaster (raise the version of the type and add an upcaster for
                the older one); breaks (stored events can no longer be read).
                """)

        @Argument(help: "The schema of the code that has stored the events.", completion: .file())
        var old: String

        @Argument(help: "The schema of the new code.", completion: .file())
        var new: String

        @OptionGroup var show: ShowOptions

        func run() async throws {
            let (before, after) = (try await SchemaSnapshot(file: old), try await SchemaSnapshot(file: new))
            try Verdicts(changes: before.changes(to: after)).print(asJSON: show.json, sound: "nothing changes")
        }
    }

    /// Whether code with a schema reads what a log has.
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Check that the code with a schema can read every type and version in a store.",
            discussion: """
                Checks every payload. If a required field is missing or has another kind of value, the verdict is
                "breaks". This command does not have the code of the upcasters, so it cannot check their
                results: see LogCheck of SillokHistory.
                """)

        @Argument(help: "The schema of the code.", completion: .file())
        var schema: String

        @OptionGroup var store: StoreArgument

        @OptionGroup var query: QueryOptions

        @OptionGroup var show: ShowOptions

        func run() async throws {
            let schema = try await SchemaSnapshot(file: schema)
            let stored = try await store.reading { try await StoredSchema(of: $0, query.query, against: schema) }
            try Verdicts(changes: stored.verdicts(for: schema)).print(
                asJSON: show.json, sound: "the store has no events")
        }
    }

    /// The schema of what a log has.
    struct Snapshot: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "snapshot",
            abstract:
                "Derive a schema from the events of a store: types, newest versions, and the fields of their payloads.")

        @OptionGroup var store: StoreArgument

        @OptionGroup var query: QueryOptions

        @OptionGroup var show: ShowOptions

        func run() async throws {
            let stored = try await store.reading { try await StoredSchema(of: $0, query.query) }
            try Console.current.print(String(stored.snapshot.text.dropLast()))
        }
    }
}

extension SchemaSnapshot {
    /// Reads a file.
    fileprivate init(file path: String) async throws {
        let bytes = try await InputFile(path: path).bytes(limit: 64 << 20)
        do {
            try self.init(text: String(decoding: bytes, as: UTF8.self))
        } catch {
            throw CommandFailure(.invalidData, "\(path.visible): \(error)")
        }
    }
}

/// The text of verdicts, and the exit status that follows from them.
private struct Verdicts {
    let changes: [SchemaChange]

    func print(asJSON: Bool, sound: String) throws {
        let console = Console.current
        if asJSON {
            for change in changes {
                try console.print(json: [
                    "verdict": change.verdict.rawValue, "type": change.type, "message": change.message,
                ])
            }
        } else if changes.isEmpty {
            try console.print(sound)
        } else {
            var table = Table(.left("verdict"), .left("type"), .left("what"))
            for change in changes.sorted(by: { $1.verdict < $0.verdict }) {
                table.add(change.verdict.rawValue, change.type, change.message)
            }
            try console.print(table)
        }
        let worst = changes.map(\.verdict).max() ?? .compatible
        guard worst > .compatible else { return }
        try console.output.flush()
        let hint =
            worst == .breaks
            ? "Do not deploy: the log has, or may have, events that this code cannot read."
            : "Raise the versions of these types in EventSchema, with an upcaster from the older one."
        throw CommandFailure(.found, "", hint: asJSON ? nil : hint)
    }
}
