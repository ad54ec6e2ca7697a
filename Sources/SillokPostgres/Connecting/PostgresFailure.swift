#if Postgres
import SillokCore

/// What the server or the way to it reported.
struct PostgresFailure: Error {
    /// The five characters of SQLSTATE; empty when the failure is not the server's.
    let state: String
    /// In the server's words.
    let message: String
    /// Whether the connection is gone: what was under way may have taken effect.
    let isConnectionLost: Bool
    /// How many statements of the same round trip went well before it.
    var completed = 0

    init(state: String = "", message: String, isConnectionLost: Bool = false) {
        self.state = state
        self.message = String(message.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
        self.isConnectionLost = isConnectionLost
    }

    /// Whether another attempt, at another server perhaps, may go well.
    var isTransient: Bool {
        isConnectionLost || ["08", "40"].contains(String(state.prefix(2)))
            || ["25006", "53300", "57P01", "57P02", "57P03", "55P03"].contains(state)
    }

    /// Whether the statement is at fault, and not the server.
    var isOfStatement: Bool {
        !isConnectionLost && ["0A", "21", "22", "23", "2B", "2F", "42", "44", "P0"].contains(String(state.prefix(2)))
    }

    /// Whether a kept plan does not fit any more, or was never on this server connection.
    var isOfPreparedStatement: Bool { state == "26000" || (state == "0A000" && message.contains("cached plan")) }

    private var code: StoreError.Code {
        switch state {
        case "53100": .full
        case "42501", "25006": .readOnly
        case "3F000", "42P01", "42883", "3D000": .notFound
        case _ where state.hasPrefix("XX"): .corrupt
        case _ where isTransient || state.hasPrefix("57") || state.hasPrefix("53"): .unavailable
        case _ where state.isEmpty: .unavailable
        default: .ioFailure
        }
    }

    /// The failure in the words of the contract.
    func storeError(_ what: String, outcome: StoreError.Outcome = .definite) -> StoreError {
        let advice =
            switch code {
            case .full: "No space is left on the server's disk: free some and try again."
            case .readOnly: "Connect to the server that takes writes, as a role that may write."
            case .notFound: "Check the database and the schema, and that the store was installed there."
            case .unavailable: "Check that the server runs and can be reached, then try again."
            default: "Look into the server's log."
            }
        let place = state.isEmpty ? "" : " (SQLSTATE \(state))"
        return StoreError(code, "\(what): \(message)\(place). \(advice)", outcome: outcome, cause: self)
    }
}

extension StoreError {
    /// What a failed read is reported as.
    static func reading(_ error: any Error) -> any Error {
        (error as? PostgresFailure)?.storeError("the store could not be read") ?? error
    }
}
#endif
