package import ArgumentParser
import Foundation
package import SillokCore
import SillokProcessOperations
package import SillokReadSide
package import SillokSQL
import SillokTerminal
import SillokWebhookOperations

/// How the commands of operators open a log and a read model of it.
package struct OperatorAccess: Sendable {
    /// What a command does.
    package enum Purpose: Sendable {
        /// It changes nothing.
        case reading
        /// It writes to the read model, and reads the log.
        case changingModel
        /// It appends to the log or writes to the read model.
        case writing
    }

    /// The places that a command line names.
    package struct Places: Sendable {
        /// The read model.
        package let readModel: String
        /// The log; `nil` if the read model is in the file of its store.
        package let store: String?
    }

    package typealias Body = @Sendable (any EventStore, any ReadModel) async throws -> Void

    /// The access of the current task.
    @TaskLocal package static var current = OperatorAccess { places, _, _ in
        throw CommandFailure(.usage, "this tool does not open the read model \(places.readModel.visible)")
    }

    let open: @Sendable (Places, Purpose, Body) async throws -> Void

    /// - Parameter open: opens the places, and closes them after the body.
    package init(open: @escaping @Sendable (Places, Purpose, Body) async throws -> Void) { self.open = open }
}

/// The read model and the log that a command works on.
struct OperatedModel: ParsableArguments {
    @Argument(
        help: "The read model: a file, a store whose file contains it, or postgres://user@host/database#schema.",
        completion: .file())
    var readModel: String

    @Option(
        help: "The log. Leave it out if the read model is in the store's own file.", completion: .file())
    var store: String?

    /// Opens both, and closes them after `body`.
    func with(
        _ purpose: OperatorAccess.Purpose = .reading, _ body: @escaping OperatorAccess.Body
    ) async throws {
        do {
            try await OperatorAccess.current.open(.init(readModel: readModel, store: store), purpose, body)
        } catch let refusal as ProcessRefusal {
            throw CommandFailure(refusal.isMissing ? .notFound : .conflict, "\(refusal)")
        } catch let refusal as WebhookRefusal {
            let status: ExitStatus = refusal.isMissing ? .notFound : refusal.isConflict ? .conflict : .invalidData
            throw CommandFailure(status, "\(refusal)")
        }
    }
}

/// Who does something, and why: both are stored.
package struct OperatorOptions: ParsableArguments {
    @Option(help: "The reason. It is stored permanently.")
    package var reason: String

    @Option(help: "Your name. It is stored permanently. The default is your login name.")
    package var actor: String?

    package init() {}

    package func validate() throws {
        if reason.isEmpty { throw ValidationError("--reason must not be empty.") }
    }

    package var whom: Operator { Operator(actor ?? NSUserName(), because: reason) }
}

/// Whether to wait for the application that executes a request.
package struct WaitOptions: ParsableArguments {
    @Flag(help: "Do not wait until the application has executed the request.")
    package var noWait = false

    @Option(help: "The number of seconds to wait until the application starts the request.")
    package var timeoutSeconds = 5.0

    package init() {}

    /// Polls until `look` reports that the request is done. Fails if no application begins it.
    ///
    /// - Parameters:
    ///   - hasBegun: whether the application has begun the request.
    ///   - look: returns whether the request is done.
    package func wait(until look: () async throws -> (hasBegun: Bool, isDone: Bool)) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        while true {
            let (hasBegun, isDone) = try await look()
            if isDone { return }
            if !hasBegun, start.duration(to: clock.now).seconds > timeoutSeconds {
                throw CommandFailure(
                    .found, "the request is stored, but no application has started it yet",
                    hint: "The application executes the request when it runs.")
            }
            try await clock.sleep(for: .milliseconds(100))
        }
    }
}

/// How much of a list is shown, and in which form.
struct ListOptions: ParsableArguments {
    @Option(help: "At most this many, up to 1000.") var limit = 100
    @Option(help: "Continue after this place. A list that has more entries shows it at its end.") var after: String?
    @Flag(help: "Print JSON, one object per line.") var json = false

    func validate() throws {
        if !(1...1000).contains(limit) { throw ValidationError("--limit must be from 1 to 1000.") }
    }

    /// The place to continue after.
    func cursor<Cursor>(_ read: (String) -> Cursor?) throws -> Cursor? {
        guard let after else { return nil }
        guard let cursor = read(after) else {
            throw CommandFailure(.usage, "\(after.visible) is not a place in a list: copy it from the list before")
        }
        return cursor
    }
}

extension Console {
    /// Prints names and values below each other.
    func print(_ values: [(String, String)]) throws {
        for (name, value) in values {
            try print("  " + outputTerminal.styled(name.padded(to: 14), .dim) + value.visible)
        }
    }

    /// Says how a list continues.
    func note(next cursor: some CustomStringConvertible) { note("there are more: --after \(cursor)") }
}
