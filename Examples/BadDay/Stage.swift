import Foundation

/// A problem that an operator can practise on.
struct Act {
    let title: String
    /// What the people of the shop notice.
    let happens: String
    /// Where an operator finds the cause: pages of the dashboard, and commands.
    let look: [String]
    /// What an operator does about it.
    let advice: String
    /// The commands that do it.
    let remedy: [String]
    /// How long the remedy takes to have an effect.
    var time = Duration.seconds(5)
    /// Returns what is still wrong, or `nil`.
    let problem: @Sendable () async throws -> String?
}

/// A remedy did not work in time, or a command failed.
struct StillWrong: Error, CustomStringConvertible {
    let description: String
}

/// Plays acts: with a person at the terminal, or alone.
struct Stage {
    /// Whether a person reads and answers.
    let isInteractive = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1

    /// Shows an act, lets the operator remedy it, and checks that the remedy worked.
    func play(_ act: Act, _ number: Int, of count: Int) async throws {
        Self.say("\n== Act \(number) of \(count): \(act.title)\n\n\(act.happens)\n\nWhere to look:")
        for place in act.look { Self.say("   \(place)") }
        Self.say("\nWhat to do: \(act.advice)")
        for command in act.remedy { Self.say("   \(command)") }
        guard isInteractive else { return try await remedy(act) }
        while true {
            Self.say(
                "\nPress Enter when you have done it, or type d and Enter to let this program do it. ", end: "")
            guard let answer = await Self.line() else { throw CancellationError() }
            if answer == "d" { return try await remedy(act) }
            guard let problem = try await Self.last(act.problem, within: act.time) else { return praise(act) }
            Self.say("Not yet: \(problem)")
        }
    }

    private func remedy(_ act: Act) async throws {
        for command in act.remedy {
            Self.say("\n$ \(command)")
            try await Self.run(command)
        }
        if let problem = try await Self.last(act.problem, within: .seconds(90)) {
            throw StillWrong(description: "\(act.title): \(problem)")
        }
        praise(act)
    }

    private func praise(_ act: Act) { Self.say("\nok: \(act.title)") }

    /// Prints at once: the output of commands comes between.
    static func say(_ text: String, end: String = "\n") {
        print(text, terminator: end)
        fflush(nil)
    }

    /// Asks again until nothing is wrong, and returns the last problem when the time is over.
    static func last(_ problem: () async throws -> String?, within time: Duration) async throws -> String? {
        let end = ContinuousClock.now + time
        while let found = try await problem() {
            if ContinuousClock.now > end { return found }
            try await Task.sleep(for: .milliseconds(200))
        }
        return nil
    }

    /// Reads a line on a thread of its own, because the shop runs in tasks.
    static func line() async -> String? {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: readLine()) }
        }
    }

    /// Waits until the problem of an act is there.
    static func wait(for what: String, _ isThere: () async throws -> Bool) async throws {
        if let problem = try await last({ try await isThere() ? nil : what }, within: .seconds(90)) {
            throw StillWrong(description: "the act did not begin: \(problem)")
        }
    }

    /// Runs a command line, whose output goes to the terminal. Status 1 of a command means that it has found something.
    private static func run(_ command: String) async throws {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", command]
        process.standardInput = FileHandle.nullDevice
        let status = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        guard status <= 1 else { throw StillWrong(description: "`\(command)` ended with status \(status)") }
    }
}
