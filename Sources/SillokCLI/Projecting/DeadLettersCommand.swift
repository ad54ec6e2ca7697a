import ArgumentParser
import Sillok
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
                for line in table.lines(for: console.outputTerminal) { try console.print(line) }
                if letters.count == limit { console.note("there may be more: --limit") }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a dead letter with its event.")

        @OptionGroup var model: ModelArgument
        @Argument(help: "The projection.") var name: String
        @Argument(help: "Where the event is in the log.") var position: UInt64

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

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have dead letters tried again, each sequence in its order and each event once.")

        @OptionGroup var model: ModelArgument
        @Argument(help: "The projection.") var name: String
        @Flag(help: "All sequences.") var all = false
        @Option(help: "Only this sequence.") var sequence: String?
        @OptionGroup var whom: OperatorOptions
        @OptionGroup var waiting: WaitOptions

        func validate() throws {
            if all == (sequence != nil) { throw ValidationError("Say either --all or --sequence SEQUENCE.") }
        }

        func run() async throws {
            try await model.withoutLog(.writing) { side in
                let console = Console.current
                let count = try await side.retry(name, sequence: sequence, by: whom.whom)
                if count == 0 { return console.note("no dead letters") }
                console.note(change: "\(count.grouped) dead letters are to be tried again")
                if waiting.noWait || model.isInStore {
                    return try console.print("\(count.grouped) are to be tried again")
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

    struct Skip: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Skip an event for ever; the events that wait behind it are projected.")

        @OptionGroup var model: ModelArgument
        @Argument(help: "The projection.") var name: String
        @Argument(help: "Where the event is in the log.") var position: UInt64
        @OptionGroup var whom: OperatorOptions

        func run() async throws {
            try await model.withoutLog(.writing) { side in
                try await side.skip(name, at: Position(position), by: whom.whom)
                try Console.current.print(change: "\(position) is skipped; what waits behind it is to be tried")
            }
        }
    }

    struct Replace: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have another payload projected instead of an event's own, which the log keeps.")

        @OptionGroup var model: ModelArgument
        @Argument(help: "The projection.") var name: String
        @Argument(help: "Where the event is in the log.") var position: UInt64
        @Option(help: "The payload, as JSON.") var data: String
        @OptionGroup var whom: OperatorOptions

        func run() async throws {
            try await model.withoutLog(.writing) { side in
                try await side.replace(name, at: Position(position), with: data, by: whom.whom)
                try Console.current.print(change: "\(position) is replaced, and to be tried")
            }
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
