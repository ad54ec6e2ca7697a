import Foundation
import GRDB
import SillokCore
import SillokSQL

extension StatementArguments {
    /// Values as GRDB binds them.
    init(values: [SQLValue]) throws {
        self.init(
            try values.enumerated().map { index, value -> DatabaseValue in
                switch value {
                case .null: return .null
                case .integer(let number): return number.databaseValue
                case .real(let number): return number.databaseValue
                case .blob(let bytes): return Data(bytes).databaseValue
                case .text(let text):
                    // GRDB binds up to the first NUL, which would lose the rest in silence.
                    guard !text.utf8.contains(0) else {
                        throw DatabaseError(
                            resultCode: .SQLITE_MISMATCH, message: "value \(index + 1) is a text that contains a NUL")
                    }
                    return text.databaseValue
                }
            })
    }
}

extension DatabaseValue {
    /// The value in the words of the seam.
    var sqlValue: SQLValue {
        switch storage {
        case .null: .null
        case .int64(let number): .integer(number)
        case .double(let number): .real(number)
        case .string(let text): .text(text)
        case .blob(let data): .blob(Array(data))
        }
    }
}

extension SillokSQL.SQL {
    /// The text with numbered placeholders, for the tables of a build, and the names in it.
    func named(_ projection: ProjectionID?) -> (text: String, names: [String]) {
        var names: [String] = []
        let text = text(
            name: { name in
                let resolved = projection?.physicalName(name) ?? name
                names.append(resolved)
                return Self.quoted(resolved)
            }, placeholder: { "?\($0)" })
        return (text, names)
    }

    /// The text with numbered placeholders, for the tables of a build.
    func text(of projection: ProjectionID?) -> String { named(projection).text }
}

extension DatabaseError {
    /// Whether the statement is at fault, and not the storage.
    var isOfStatement: Bool {
        switch resultCode {
        case .SQLITE_ERROR, .SQLITE_ABORT, .SQLITE_CONSTRAINT, .SQLITE_MISMATCH, .SQLITE_TOOBIG, .SQLITE_AUTH,
            .SQLITE_RANGE, .SQLITE_MISUSE, .SQLITE_SCHEMA:
            true
        default: false
        }
    }

    private var code: StoreError.Code {
        switch resultCode {
        case .SQLITE_FULL: .full
        case .SQLITE_CORRUPT: .corrupt
        case .SQLITE_NOTADB: .unsupportedFormat
        case .SQLITE_READONLY, .SQLITE_PERM: .readOnly
        case .SQLITE_CANTOPEN: .notFound
        case .SQLITE_BUSY, .SQLITE_LOCKED: .locked
        case .SQLITE_MISUSE where message == "Connection is closed": .closed
        default: .ioFailure
        }
    }

    /// The failure in the words of the contract.
    func storeError(_ what: String, outcome: StoreError.Outcome = .definite) -> StoreError {
        StoreError(
            code, "\(what): \(message ?? "no reason given") (SQLite \(extendedResultCode.rawValue)).", outcome: outcome,
            cause: self)
    }

    /// What a query that failed is reported as.
    var queryError: StoreError {
        guard code != .closed, isOfStatement || resultCode == .SQLITE_READONLY else {
            return storeError("the read model could not be read")
        }
        return StoreError(.invalidQuery, "the query cannot be executed: \(message ?? "").", cause: self)
    }
}
