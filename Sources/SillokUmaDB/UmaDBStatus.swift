import SillokGRPC
import SillokWire

extension UmaDB {
    /// Returns the status of an error, with details from which clients identify its type.
    ///
    /// - Parameter code: another code than the one that belongs to the type.
    static func status(
        _ type: ErrorType, _ message: String, code: GRPCStatus.Code? = nil, retryAfter: Duration? = nil
    ) -> GRPCStatus {
        let text = type.text(message)
        let details = ErrorResponse(text, type).unframed()
        return GRPCStatus(code ?? type.code, text, details: details, retryAfter: retryAfter)
    }
}

extension UmaDB.ErrorType {
    fileprivate var code: GRPCStatus.Code {
        switch self {
        case .io, .internal: .internal
        case .serialization, .invalidArgument: .invalidArgument
        case .integrity: .failedPrecondition
        case .corruption: .dataLoss
        case .authentication: .unauthenticated
        }
    }

    private var prefix: String {
        switch self {
        case .io: "io error"
        case .serialization: "serialization error"
        case .integrity: "integrity error"
        case .corruption: "corruption"
        case .internal: "internal error"
        case .authentication: "authentication error"
        case .invalidArgument: "invalid argument"
        }
    }

    fileprivate func text(_ message: String) -> String { "\(prefix): \(message)".cut(toBytes: 600) }
}
