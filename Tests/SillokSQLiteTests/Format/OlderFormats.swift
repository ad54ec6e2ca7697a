import CSQLite
import Foundation
import SillokCore
import SillokSQLiteConnections
import SillokStorage

@testable import SillokSQLite

/// Makes a closed store of the present format one of format 3, as a process of that version would have written it.
func downgradeToFormat3(_ path: String) throws {
    let file = try Connection(path: path, flags: SQLITE_OPEN_READWRITE, cacheKiB: 64)
    try file.run("BEGIN; ALTER TABLE entries RENAME TO settled; DELETE FROM settled WHERE key >= 0")
    let rows = try file.prepare(
        "SELECT position, id FROM events WHERE position <= "
            + "(SELECT CAST(CAST(value AS TEXT) AS INTEGER) FROM store WHERE key = 'indexed')")
    let insert = try file.prepare("INSERT INTO settled VALUES (?1, ?2)")
    while try rows.step() {
        guard let id = EventRow.id(rows.bytes(1)) else { continue }
        insert.bind(IDKeys(secret: nil).key(id), at: 1)
        insert.bind(rows.int(0), at: 2)
        try insert.run()
    }
    try file.run("DELETE FROM store WHERE key = 'secret'; PRAGMA user_version = 3; COMMIT")
}

/// A file of the folder `Fixtures`.
func fixture(_ name: String) -> URL {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures").appending(path: name)
}

/// What SQLite gives for the first column of the first row.
func number(_ path: String, _ sql: String) throws -> Int64 {
    try Connection(path: path, flags: SQLITE_OPEN_READONLY, cacheKiB: 64).number(sql)
}
