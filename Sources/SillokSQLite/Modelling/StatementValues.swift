import CSQLite
import SillokSQL

extension Statement {
    /// Binds a value; placeholders count from 1.
    func bind(_ value: SQLValue, at index: Int32) {
        switch value {
        case .null: bindNull(at: index)
        case .integer(let number): bind(number, at: index)
        case .real(let number): sqlite3_bind_double(handle, index, number)
        case .text(var text):
            text.withUTF8 { utf8 in
                _ = utf8.withMemoryRebound(to: CChar.self) { bytes in
                    // A null pointer would bind NULL instead of an empty text.
                    bytes.isEmpty
                        ? sillok_bind_text_copied(handle, index, "", 0)
                        : sillok_bind_text_copied(handle, index, bytes.baseAddress, Int32(clamping: bytes.count))
                }
            }
        case .blob(let bytes):
            bytes.withUnsafeBytes { bytes in
                _ =
                    bytes.isEmpty
                    ? sqlite3_bind_zeroblob(handle, index, 0)
                    : sillok_bind_blob_copied(handle, index, bytes.baseAddress, Int32(clamping: bytes.count))
            }
        }
    }

    /// Whether it changes nothing in the file.
    var isReadOnly: Bool { sqlite3_stmt_readonly(handle) != 0 }

    /// The names of the columns of the row.
    var columns: [String] {
        (0..<max(0, sqlite3_column_count(handle))).map { column in
            sqlite3_column_name(handle, column).map { String(cString: $0) } ?? ""
        }
    }

    /// The value of a column, counted from 0.
    func value(_ column: Int32) -> SQLValue {
        switch sqlite3_column_type(handle, column) {
        case SQLITE_INTEGER: .integer(int(column))
        case SQLITE_FLOAT: .real(sqlite3_column_double(handle, column))
        case SQLITE_TEXT: .text(text(column))
        case SQLITE_BLOB: .blob(Array(bytes(column)))
        default: .null
        }
    }
}

extension Connection {
    /// Prepares a text of exactly one statement: SQLite alone would leave out all behind the first in silence.
    func prepareWhole(_ sql: String) throws(SQLiteFailure) -> Statement {
        var statement: OpaquePointer?
        var isWhole = true
        let result = sql.withCString { text in
            var tail: UnsafePointer<CChar>?
            let result = sqlite3_prepare_v3(handle, text, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, &tail)
            if let tail { isWhole = String(cString: tail).allSatisfy { $0.isWhitespace || $0 == ";" } }
            return result
        }
        try check(result)
        guard let statement else { throw SQLiteFailure(code: SQLITE_MISUSE, message: "the statement is empty") }
        let prepared = Statement(statement, of: handle)
        guard isWhole else {
            throw SQLiteFailure(code: SQLITE_MISUSE, message: "more than one statement: give each a value of its own")
        }
        return prepared
    }
}
