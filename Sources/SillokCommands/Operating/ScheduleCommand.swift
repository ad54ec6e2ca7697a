package import ArgumentParser
import SillokCore
import SillokJSON
import SillokProcessOperations
import SillokTerminal

package struct ScheduleCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "schedule",
        abstract: "Show, add and cancel the scheduled commands of an application.",
        discussion: """
            A scheduled command is a process of one step: sillok processes shows what became of it. The name of the
            process is schedule_ followed by the name of the schedule.

            Examples:
              sillok schedule list views.sqlite --store shop.sqlite
              sillok schedule list views.sqlite reminders --store shop.sqlite
              sillok schedule cancel views.sqlite reminders order-42 --store shop.sqlite --reason "it is paid"
              sillok schedule add views.sqlite reminders '{"remind":{"order":"42"}}' --at 2026-12-24T08:00:00Z \\
                --key order-42 --store shop.sqlite --reason "asked by phone"
            """,
        subcommands: [List.self, Add.self, Cancel.self])

    package init() {}

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List schedules, or the waiting commands of one in the order of their times.")

        @OptionGroup var model: OperatedModel
        @Argument(help: "The schedule.") var name: String?
        @OptionGroup var list: ListOptions

        func run() async throws {
            let cursor = try list.cursor { PageCursor($0) }
            try await model.with { [self] store, model in
                let operations = ProcessOperations(of: store, in: model)
                guard let name else { return try print(try await operations.schedules()) }
                let process = ProcessOperations.process(ofSchedule: name)
                let page = try await operations.deadlines(of: process, after: cursor, limit: list.limit)
                let console = Console.current
                if list.json {
                    for work in page.elements { try console.print(json: ["key": work.key, "due": work.due]) }
                } else if page.elements.isEmpty {
                    return console.note("no commands wait")
                } else {
                    var table = Table(.left("DUE"), .left("KEY"), .left("NOTE"))
                    for work in page.elements {
                        table.add(
                            work.due?.readable ?? "-", work.key,
                            work.isHeldByParking ? "its instance is parked" : work.failure ?? "")
                    }
                    try console.print(table)
                }
                if let next = page.next { console.note(next: next) }
            }
        }

        private func print(_ schedules: [ScheduleSummary]) throws {
            let console = Console.current
            if schedules.isEmpty && !list.json { return console.note("no schedules") }
            var table = Table(.left("SCHEDULE"), .right("WAITING"), .right("OVERDUE"), .left("NEXT"))
            for schedule in schedules {
                let process = schedule.process
                if list.json {
                    try console.print(json: [
                        "schedule": schedule.name, "waiting": process.deadlines, "overdue": process.overdue,
                        "nextDue": process.nextDue,
                    ])
                }
                table.add(
                    schedule.name, process.deadlines.grouped, process.overdue.grouped,
                    process.nextDue?.readable ?? "-")
            }
            if !list.json { try console.print(table) }
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Schedule a command. It replaces a waiting command with the same key.")

        @OptionGroup var model: OperatedModel
        @Argument(help: "The schedule.") var name: String
        @Argument(help: "The command as JSON: an object with the name of the case.") var command: String
        @Option(help: "When it is executed: a time such as 2026-12-24T08:00:00Z.") var at: String
        @Option(help: "The key under which it is replaced or cancelled. The default is a new one.") var key: String?
        @OptionGroup var whom: OperatorOptions

        func run() async throws {
            guard let time = Timestamp(at) else {
                throw CommandFailure(.usage, "\(at.visible) is not a time such as 2026-12-24T08:00:00Z")
            }
            guard let value = JSONValue(parsing: command) else {
                throw CommandFailure(.invalidData, "the command is not JSON: \(command.visible)")
            }
            try await model.with(.writing) { [self] store, model in
                let key = try await ProcessOperations(of: store, in: model).schedule(
                    value, at: time, key: key, in: name, by: whom.whom)
                try Console.current.print(change: "\(key.visible) is scheduled for \(time.readable)")
            }
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Cancel a command that waits.")

        @OptionGroup var model: OperatedModel
        @Argument(help: "The schedule.") var name: String
        @Argument(help: "The key of the command.") var key: String
        @OptionGroup var whom: OperatorOptions

        func run() async throws {
            try await model.with(.writing) { [self] store, model in
                try await ProcessOperations(of: store, in: model).withdraw(key, in: name, by: whom.whom)
                try Console.current.print(change: "\(key.visible) of \(name.visible) is cancelled")
            }
        }
    }
}
