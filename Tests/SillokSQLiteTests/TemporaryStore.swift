import CSQLite
import SillokCore
import SillokSQLite
@_exported import SillokTestSupport

struct TamperFailure: Error { let message: String }

/// Changes a closed store behind its back.
func tamper(_ path: String, _ sql: String) throws {
    var database: OpaquePointer?
    defer { sqlite3_close(database) }
    guard sqlite3_open(path, &database) == SQLITE_OK, sqlite3_exec(database, sql, nil, nil, nil) == SQLITE_OK else {
        throw TamperFailure(message: String(cString: sqlite3_errmsg(database)))
    }
}

func note(_ text: String, tags: [EventTag] = []) -> EventData {
    EventData(type: "noted", tags: tags, text: "\"\(text)\"")
}

/// The code of the error that `body` throws; `nil` if it throws none, or another error.
func code(_ body: () throws -> Void) -> StoreError.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? StoreError)?.code
    }
}

extension Tuning {
    /// Moves the tail of the index at this number of entries.
    init(tailEntries: Int) {
        self.init()
        self.tailEntries = tailEntries
    }
}
