import ArgumentParser
import Sillok
import SillokCommands
import SillokReadSide
import SillokSQL
import SillokTerminal

struct DeadLettersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters",
        abstract: "Handle events that a projection could not project.",
        discussion: """
            An event that cannot be projected is parked, and later events of its sequence are parked behind it. Correct
            the cause and retry: the application projects each event once and in order.

            Examples:
              sillok dead-letters list views.sqlite
              sillok dead-letters show views.sqlite balances 42 --store bank.sqlite
              sillok dead-letters retry views.sqlite balances --all --reason "release 1.4 knows the currency"
              sillok dead-letters skip views.sqlite balances 42 --reason "a test order"
              sillok dead-letters replace views.sqlite balances 42 --data '{"cents":100}' --reason "a typing mistake"
            """,
        subcommands: [List.self, Show.self, Retry.self, Skip.self, Replace.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the dead letters in the order of the log.")

        @OptionGroup var model: ModelArgument
        @Argument(help: "Only those of this projection.") var name: String?
        @Option(help: "Only those of this sequence.") var sequence: String?
        @Option(help: "At most this many of each projection.") var limit = 100
        @OptionGroup var show: ShowOptions

        func run() async throws {
            try await model.withoutLog { side in
                let letters = try await side.deadLetters(of: name, sequence: sequence, limit: limit)
                let console = Console.current
                if show.json { return try letters.forEach { try console.print(json: $0.json) } }
                if letters.isEmpty { return console.note("no dead letters") }
                var table = Table(
                    .left("PROJECTION"), .right("POSITION"), .left("TYPE"), .left("SEQUENCE"), .left("STATE"),
                    .right("TRIES"), .left("WHY"))
                for letter in letters {
                    table.add(
                        "\(letter.projection)", "\(letter.position)", letter.type.text, letter.sequence,
                        letter.state.rawValue, "\(letter.attempts)", letter.reason)
                }
                try console.print(table)
                if letters.count == limit { console.note("there may be more: --limit") }
            }
        }
    }

    struct Show: ProjectionCommand {
        static let configuration = CommandConfiguration(abstract: "Show a dead letter with its event.")

        @OptionGroup var projection: ProjectionArgument
        @Argument(help: "The position of the event in the log.") var position: UInt64

        func run() async throws {
            try await model.with { side in
                let (letter, event) = try await side.deadLetter(of: name, at: Position(position))
                let behind = try await side.deadLetters(
                    of: name, sequence: letter.sequence, after: letter.position, limit: 1000)
                var lines = [
                    ("event", "\(event.type) \(event.id)"),
                    ("stream", event.stream.map { "\($0)@\(event.revision)" } ?? "-"),
                    ("recorded", event.recordedAt.readable), ("sequence", letter.sequence),
                    ("state", letter.state.rawValue), ("why", letter.reason), ("tries", "\(letter.attempts)"),
                    ("parked", letter.parkedAt.readable), ("behind it", behind.count.grouped),
                    ("payload", String(decoding: event.payload, as: UTF8.self)),
                ]
                if let replacement = letter.replacement { lines.append(("replaced by", replacement)) }
                let console = Console.current
                for (name, value) in lines {
                    try console.print(console.outputTerminal.styled(name.padded(to: 13), .dim) + value.visible)
                }
            }
        }
    }

    struct Retry: ProjectionCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Request a retry of dead letters. The application retries each sequence in order and each event once.")

        @OptionGroup var projection: ProjectionArgument
        @Flag(help: "All sequences.") var all = false
        @Option(help: "Only this sequence.") var sequence: String?
        @OptionGroup var whom: OperatorOptions
        @OptionGroup var waiting: WaitOptions

        func validate() throws {
            if all == (sequence != nil) { throw ValidationError("Give either --all or --sequence SEQUENCE.") }
        }

        func run() async throws {
            try await model.withoutLog(.writing) { side in
                let console = Console.current
                let count = try await side.retry(name, sequence: sequence, by: whom.whom)
                if count == 0 { return console.note("no dead letters") }
                console.note(change: "\(count.grouped) dead letters will be retried")
                if waiting.noWait || model.isInStore {
                    return try console.print("\(count.grouped) will be retried")
                }
                try await waiting.wait { try await looked(side, count) }
                let left = try await side.countLetters(of: name, sequence: sequence, in: [.failed, .behind, .retry])
                try console.print("\((count - min(left, count)).grouped) projected, \(left.grouped) still parked")
                let first = try await side.deadLetters(of: name, sequence: sequence, limit: 1000)
                    .first { $0.state != .skipped }
                if let first { console.note("the first at \(first.position): \(first.reason.visible)") }
                try console.output.flush()
                if left > 0 { throw CommandFailure(.found, "") }
            }
        }

        private func looked(_ side: ReadSide, _ count: Int) async throws -> (hasBegun: Bool, isDone: Bool) {
            let waiting = try await side.countLetters(of: name, sequence: sequence, in: [.retry])
            return (waiting < count, waiting == 0)
        }
    }

    struct Skip: ProjectionChange {
        static let configuration = CommandConfiguration(
            abstract: "Skip an event permanently; the events that wait behind it are then projected.")

        @OptionGroup var projection: ProjectionArgument
        @Argument(help: "The position of the event in the log.") var position: UInt64
        @OptionGroup var whom: OperatorOptions

        func change(_ side: ReadSide) async throws -> String {
            try await side.skip(name, at: Position(position), by: whom.whom)
            return "position \(position) is skipped; the events that wait behind it will be retried"
        }
    }

    struct Replace: ProjectionChange {
        static let configuration = CommandConfiguration(
            abstract: "Let the projection use another payload for an event. The log does not change.")

        @OptionGroup var projection: ProjectionArgument
        @Argument(help: "The position of the event in the log.") var position: UInt64
        @Option(help: "The payload, as JSON.") var data: String
        @OptionGroup var whom: OperatorOptions

        func change(_ side: ReadSide) async throws -> String {
            try await side.replace(name, at: Position(position), with: data, by: whom.whom)
            return "the payload of position \(position) is replaced, and the event will be retried"
        }
    }
}

extension DeadLetter {
    fileprivate var json: JSONLine {
        [
            "projection": projection.name, "position": position, "event": event, "type": type, "stream": stream,
            "sequence": sequence, "state": state.rawValue, "reason": reason, "attempts": attempts,
            "parkedAt": parkedAt,
        ]
    }
}
