package import ArgumentParser
import SillokCore
import SillokProcessOperations
import SillokTerminal

package struct ProcessesCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "processes",
        abstract: "Show and operate the processes of an application.",
        discussion: """
            Works on any read model with the index of a process, whether its application runs or not. An act is stored
            with your name and reason in the stream of the instance, and the application executes it when it runs.

            Examples:
              sillok processes list views.sqlite --store shop.sqlite
              sillok processes instances views.sqlite checkout --store shop.sqlite --state parked
              sillok processes show views.sqlite checkout 4711 --store shop.sqlite
              sillok processes effects views.sqlite checkout --store shop.sqlite
              sillok processes retry views.sqlite checkout 4711 STEP --store shop.sqlite --reason "the bank is up"
              sillok processes release views.sqlite checkout 4711 --store shop.sqlite --reason "release 1.4 reads it"
              sillok processes resume views.sqlite checkout charge --store shop.sqlite --reason "the bank is up"
            """,
        subcommands: [
            List.self, Instances.self, Show.self, Deadlines.self, Effects.self, Retry.self, Skip.self, Answer.self,
            Release.self, End.self, Undo.self, Resume.self,
        ])

    package init() {}

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List processes with the number of their instances and of their work.")

        @OptionGroup var model: OperatedModel
        @Flag(help: "Print JSON, one object per line.") var json = false

        func run() async throws {
            try await model.with { [json] store, model in
                let console = Console.current
                let all = try await ProcessOperations(of: store, in: model).processes()
                if json { return try all.forEach { try console.print(json: $0.json) } }
                if all.isEmpty { return console.note("no processes") }
                var table = Table(
                    .left("PROCESS"), .right("RUNNING"), .right("WAITING"), .right("UNDOING"), .right("PARKED"),
                    .right("COMPLETED"), .right("FAILING"), .right("UNKNOWN"), .right("DEADLINES"), .left("NEXT DUE"),
                    .left("PAUSED EFFECTS"))
                for process in all {
                    let counts = [InstanceState.running, .waiting, .compensating, .parked, .completed]
                        .map { (process.instances[$0] ?? 0).grouped }
                    table.add(
                        process.name, counts[0], counts[1], counts[2], counts[3], counts[4],
                        process.failing.counted, process.unknown.counted, process.deadlines.counted, process.due,
                        process.pausedKinds.map(\.kind).joined(separator: " "))
                }
                try console.print(table)
                for process in all {
                    for paused in process.pausedKinds { console.note(paused.sentence(in: process.name)) }
                }
            }
        }
    }

    struct Instances: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List instances of a process, the most recently started first.",
            discussion: "States: \(InstanceState.allCases.map(\.rawValue).joined(separator: ", ")).")

        @OptionGroup var model: OperatedModel
        @Argument(help: "The process.") var name: String
        @Option(help: "Only instances in this state.") var state: String?
        @Option(help: "Only instances whose keys begin with this text.") var key = ""
        @OptionGroup var list: ListOptions

        func validate() throws {
            if let state, InstanceState(rawValue: state) == nil {
                let known = InstanceState.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("\(state.visible) is no state. The states are \(known).")
            }
        }

        func run() async throws {
            let cursor = try list.cursor { PageCursor($0) }
            try await model.with { [self] store, model in
                let console = Console.current
                let page = try await ProcessOperations(of: store, in: model).instances(
                    of: name, in: state.flatMap { InstanceState(rawValue: $0) }, keysFrom: key, after: cursor,
                    limit: list.limit)
                if list.json {
                    try page.elements.forEach { try console.print(json: $0.json) }
                } else if page.elements.isEmpty {
                    return console.note("no instances")
                } else {
                    var table = Table(
                        .left("KEY"), .left("STATE"), .left("STARTED"), .right("GENERATION"), .left("WHY"))
                    for instance in page.elements {
                        table.add(
                            instance.key, instance.state.rawValue, instance.startedAt?.readable ?? "-",
                            "\(instance.generation)", instance.parkedBecause ?? "")
                    }
                    try console.print(table)
                }
                if let next = page.next { console.note(next: next) }
            }
        }
    }

    struct Deadlines: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the waiting deadlines of a process in the order of their times.")

        @OptionGroup var model: OperatedModel
        @Argument(help: "The process.") var name: String
        @OptionGroup var list: ListOptions

        func run() async throws {
            let cursor = try list.cursor { PageCursor($0) }
            try await model.with { [self] store, model in
                let page = try await ProcessOperations(of: store, in: model).deadlines(
                    of: name, after: cursor, limit: list.limit)
                try page.print(json: list.json, nothing: "no deadlines")
            }
        }
    }

    struct Effects: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List failing work of a process, and effects whose outcome is unknown, the oldest first.",
            discussion: "Exit status 1 means that there is such work.")

        @OptionGroup var model: OperatedModel
        @Argument(help: "The process.") var name: String
        @OptionGroup var list: ListOptions

        func run() async throws {
            let cursor = try list.cursor { PageCursor($0) }
            try await model.with { [self] store, model in
                let page = try await ProcessOperations(of: store, in: model).failures(
                    of: name, after: cursor, limit: list.limit)
                try page.print(json: list.json, nothing: "no failing work")
                try Console.current.output.flush()
                if !page.elements.isEmpty { throw CommandFailure(.found, "") }
            }
        }
    }
}

extension ProcessPage<ProcessWork> {
    fileprivate func print(json: Bool, nothing: String) throws {
        let console = Console.current
        if json {
            try elements.forEach { try console.print(json: $0.json) }
        } else if elements.isEmpty {
            return console.note(nothing)
        } else {
            try console.print(ProcessWork.table(of: elements, hasKeys: true))
        }
        if let next { console.note(next: next) }
    }
}

extension ProcessWork {
    /// Rows of work for people.
    static func table(of work: [ProcessWork], hasKeys: Bool) -> Table {
        var table = Table(
            .left(hasKeys ? "KEY" : ""), .left("KIND"), .left("NAME"), .left("STEP"), .left("DUE"), .right("TRIES"),
            .left("WHY"))
        for row in work {
            table.add(
                hasKeys ? row.key : "", row.kind.rawValue, row.name, "\(row.id)", row.when, "\(row.attempts)",
                row.isHeldByParking ? "its instance is parked" : row.failure ?? "")
        }
        return table
    }

    private var when: String { (due ?? nextAttempt)?.readable ?? "-" }

    var json: JSONLine {
        [
            "id": id, "key": key, "kind": kind.rawValue, "name": name, "position": position, "due": due,
            "nextAttempt": nextAttempt, "parked": isHeldByParking, "attempts": attempts, "failure": failure,
        ]
    }
}

extension InstanceSummary {
    var json: JSONLine {
        [
            "key": key, "state": state.rawValue, "generation": generation, "version": version,
            "startedAt": startedAt, "parkedBecause": parkedBecause,
        ]
    }
}

extension ProcessSummary {
    fileprivate var due: String { nextDue.map { overdue > 0 ? "\($0.readable) (overdue)" : $0.readable } ?? "-" }

    fileprivate var json: JSONLine {
        let counts = JSONLine(InstanceState.allCases.map { ($0.rawValue, instances[$0] ?? 0) })
        return [
            "process": name, "instances": counts, "inputs": inputs, "oldestInput": oldestInput, "failing": failing,
            "unknown": unknown, "deadlines": deadlines, "overdue": overdue, "nextDue": nextDue,
            "pausedKinds": pausedKinds.map(\.json), "deadLetters": deadLetters, "position": position, "head": head,
        ]
    }
}

extension PausedKind {
    /// What happened, and what happens next.
    fileprivate func sentence(in process: String) -> String {
        "\(process.visible): effects \(kind.visible) are paused since \(since.readable), because their calls keep "
            + "failing: \(reason.visible). The next call is tried at \(nextTry.readable)."
    }

    fileprivate var json: JSONLine {
        ["kind": kind, "since": since, "nextTry": nextTry, "tries": tries, "reason": reason]
    }
}

extension Int {
    /// A count of work, which ends at a limit.
    fileprivate var counted: String { self >= ProcessSummary.limit ? "\(grouped)+" : grouped }
}
