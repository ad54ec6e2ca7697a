import ArgumentParser
import SillokCore
import SillokProcessOperations
import SillokReadSide
import SillokTerminal

/// A command that asks the runner of a process for an act.
private protocol ProcessActCommand: AsyncParsableCommand {
    var instance: InstanceArguments { get }

    /// The act that is asked for.
    var act: ProcessAct { get throws }
}

/// An instance, and how its operator asks for something.
struct InstanceArguments: ParsableArguments {
    @OptionGroup var model: OperatedModel
    @Argument(help: "The process.") var name: String
    @Argument(help: "The key of the instance.") var key: String
    @OptionGroup var whom: OperatorOptions
    @OptionGroup var waiting: WaitOptions

    /// Records an act, and waits until the application has executed it.
    func request(_ act: ProcessAct) async throws {
        try await model.with(.writing) { [self] store, readModel in
            let operations = ProcessOperations(of: store, in: readModel)
            let console = Console.current
            var report = try await operations.request(act, of: key, in: name, by: whom.whom)
            console.note(change: "\(act.name) is stored at position \(report.position)")
            if case .retry = act { return try console.print("\(report.position): the application tries it again") }
            // A file has one writing process, and that is this one now.
            guard !waiting.noWait, model.store?.contains("://") == true else {
                return try console.print("\(report.position): stored; the application does it when it runs")
            }
            try await waiting.wait {
                report = try await operations.report(of: report.id)
                return (false, report.outcome != .waiting)
            }
            if case .refused(let reason) = report.outcome {
                throw CommandFailure(.conflict, "the application did not do it: \(reason)")
            }
            try console.print("\(report.position): done")
        }
    }
}

/// A step of an instance.
struct StepArgument: ExpressibleByArgument {
    let id: EventID

    init?(argument: String) {
        guard let id = EventID(argument) else { return nil }
        self.id = id
    }
}

extension ProcessActCommand {
    func run() async throws { try await instance.request(try act) }
}

extension ProcessesCommand {
    struct Retry: ProcessActCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let the application try work again now, and count its attempts from zero.",
            discussion: """
                An effect whose outcome is unknown is called again under its idempotency key. Do this only if the other
                side still knows the key: otherwise it executes the effect twice.
                """)

        @OptionGroup var instance: InstanceArguments
        @Argument(help: "The id of the step; for an event that could not be handled, the id of the event.")
        var step: StepArgument

        var act: ProcessAct { .retry(step: step.id) }
    }

    struct Skip: ProcessActCommand {
        static let configuration = CommandConfiguration(
            abstract: "Settle a step without executing it.",
            discussion: """
                A request counts as refused, an effect as failed, and a deadline as cancelled. If a call of the effect
                is under way, its result is lost: find out first what became of it.
                """)

        @OptionGroup var instance: InstanceArguments
        @Argument(help: "The id of the step.") var step: StepArgument

        var act: ProcessAct { .skip(step: step.id) }
    }

    struct Answer: ProcessActCommand {
        static let configuration = CommandConfiguration(
            abstract: "Settle an effect as executed, with a result that you have found out.")

        @OptionGroup var instance: InstanceArguments
        @Argument(help: "The id of the step.") var step: StepArgument
        @Option(help: "The result, as the call would have returned it. It is stored permanently.") var result: String

        var act: ProcessAct { .answer(step: step.id, result: result) }
    }

    struct Release: ProcessActCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a parked instance continue.",
            discussion: "The event that parked it is handled again, unless --skip-input is given.")

        @OptionGroup var instance: InstanceArguments
        @Flag(help: "Never handle the event that parked the instance.") var skipInput = false

        var act: ProcessAct { skipInput ? .skipInput : .release }
    }

    struct End: ProcessActCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a running instance.",
            discussion: "Its deadlines are cancelled. Requests and effects that were recorded are still executed.")

        @OptionGroup var instance: InstanceArguments

        var act: ProcessAct { .end }
    }

    struct Undo: ProcessActCommand {
        static let configuration = CommandConfiguration(
            abstract: "Undo the executed steps of an instance, the last one first, and end it if it runs.")

        @OptionGroup var instance: InstanceArguments

        var act: ProcessAct { .undo }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a paused kind of effect continue.",
            discussion: """
                A kind is paused when its calls keep failing. The application tries one call from time to time, and the
                kind continues when that call is answered. This command lets it continue before that. The application
                makes the calls when it runs, and pauses the kind again if they keep failing.
                """)

        @OptionGroup var model: OperatedModel
        @Argument(help: "The process.") var name: String
        @Argument(help: "The kind of effect, such as charge.") var kind: String
        @OptionGroup var whom: OperatorOptions

        func run() async throws {
            try await model.with(.changingModel) { [self] store, model in
                try await ProcessOperations(of: store, in: model).resume(effects: kind, of: name, by: whom.whom)
                try Console.current.print(change: "\(kind.visible) of \(name.visible) continues")
            }
        }
    }
}
