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
