import CSQLite
import Foundation
import SillokCore
import SillokSQLite

/// A place for a store that is gone when the test is.
final class TemporaryFolder: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "sillok-\(EventID())")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// The path of a file in the folder.
    func path(_ name: String = "store.sqlite") -> String { url.appending(path: name).path }
}

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
