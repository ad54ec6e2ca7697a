#if Postgres
import SillokCore

/// A failure that the server or the connection to it reported.
struct PostgresFailure: Error {
    /// The five characters of SQLSTATE; empty if the server did not report the failure.
    let state: String
    /// The message of the server.
    let message: String
    /// Whether the connection is lost, so that unfinished work may have taken effect.
    let isConnectionLost: Bool
    /// The number of statements of the same round trip that succeeded before it.
    var completed = 0
    /// Whether it concerns the plan of a statement that was kept from an earlier round trip.
    var isOfKeptPlan = false

    /// The SQLSTATE of a statement that was cancelled: by its caller, an operator or `statement_timeout`.
    static let queryCancelled = "57014"

    init(state: String = "", message: String, isConnectionLost: Bool = false) {
        self.state = state
        self.message = String(message.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
        self.isConnectionLost = isConnectionLost
    }

    /// Creates the failure of a connection that was not opened.
    ///
    /// - Parameters:
    ///   - message: the message of libpq.
    ///   - verbose: the same message in verbose form, which contains the SQLSTATE of each server that has answered.
    init(refused message: String, verbose: String) {
        let states = Self.states(inVerbose: verbose)
        // The user, the database or a setting is wrong. Waiting only helps if another server is starting up.
        let isFinal =
            !states.isEmpty && states.allSatisfy { ["0A", "22", "28", "3D", "42"].contains(String($0.prefix(2))) }
        self.init(state: states.last ?? "", message: message, isConnectionLost: !isFinal)
    }

    /// Returns the SQLSTATEs in verbose messages of libpq, `FATAL:  28P01: …`, whose other parts are translated.
    static func states(inVerbose text: String) -> [String] {
        var states: [String] = []
        for line in text.split(separator: "\n") {
            var rest = Substring(line)
            while let mark = rest.firstRange(of: ":  ") {
                rest = rest[mark.upperBound...]
                let state = rest.prefix(5)
                guard state.utf8.count == 5, rest.dropFirst(5).hasPrefix(": "),
                    state.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) })
                else { continue }
                states.append(String(state))
            }
        }
        return states
    }

    /// Whether another attempt may succeed, possibly on another server.
    var isTransient: Bool {
        isConnectionLost || ["08", "40"].contains(String(state.prefix(2)))
            || ["25006", "25P03", "53300", "57P01", "57P02", "57P03", "55P03"].contains(state)
    }

    /// Whether the statement caused the failure, and not the server.
    var isOfStatement: Bool {
        !isConnectionLost && ["0A", "21", "22", "23", "2B", "2F", "42", "44", "P0"].contains(String(state.prefix(2)))
    }

    /// Whether one request of a group may be the cause, so that the others succeed without it: its data, a constraint,
    /// a trigger, or a limit of the server.
    var isOfData: Bool { !isConnectionLost && ["22", "23", "44", "54", "P0"].contains(String(state.prefix(2))) }

    /// Whether a kept plan no longer fits, or does not exist on this server connection.
    var isOfPreparedStatement: Bool { state == "26000" || isOfKeptPlan }

    /// The code of the contract, and what to do.
    private var meaning: (code: StoreError.Code, advice: String) {
        switch state {
        case "53100": (.full, "No space is left on the server's disk. Free some space, then try again.")
        case "42501", "25006": (.readOnly, "Connect to the server that takes writes, as a role that may write.")
        case _ where state.hasPrefix("28"): (.accessDenied, "Check the user, its password and pg_hba.conf.")
        case "3F000", "42P01", "42883", "3D000":
            (.notFound, "Check the database and the schema, and that the store was installed there.")
        case _ where state.hasPrefix("XX"): (.corrupt, "Look into the server's log.")
        case _ where state.isEmpty || isTransient || state.hasPrefix("57") || state.hasPrefix("53"):
            (.unavailable, "Check that the server runs and can be reached, then try again.")
        default: (.ioFailure, "Look into the server's log.")
        }
    }

    /// Returns the failure as a `StoreError`.
    func storeError(_ what: String, outcome: StoreError.Outcome = .definite) -> StoreError {
        let (code, advice) = meaning
        let place = state.isEmpty ? "" : " (SQLSTATE \(state))"
        return StoreError(code, "\(what): \(message)\(place). \(advice)", outcome: outcome, cause: self)
    }
}

extension StoreError {
    /// The error for a task that was cancelled before the append was sent.
    static let cancelledEarly = StoreError(
        .cancelled, "The append was cancelled before it was sent. Nothing was stored.")

    /// Returns the error to throw for a failed read.
    static func reading(_ error: any Error) -> any Error {
        guard let failure = error as? PostgresFailure else { return error }
        if failure.state == PostgresFailure.queryCancelled {
            return StoreError(
                .tooExpensive,
                "The server ended the read: \(failure.message) (SQLSTATE \(failure.state)). Read less at a time, "
                    + "or raise the role's statement_timeout.", cause: failure)
        }
        return failure.storeError("the store could not be read")
    }
}
#endif
