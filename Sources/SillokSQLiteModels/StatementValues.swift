import CSQLite
import SillokSQL
import SillokSQLiteConnections

/// Memory for the values of one statement while it runs, so that SQLite need not copy them.
final class ValueArena {
    private let start = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
    private var used = 0
    private static let capacity = 16_384

    deinit { start.deallocate() }

    /// Frees the memory for the next statement.
    @inline(__always) func clear() { used = 0 }

    /// Returns a copy of the bytes, or `nil` if they do not fit.
    @inline(__always) func copy(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawPointer? {
        guard bytes.count <= Self.capacity - used else { return nil }
        let copy = start + used
        if let source = bytes.baseAddress { copy.copyMemory(from: source, byteCount: bytes.count) }
        used += bytes.count
        return UnsafeRawPointer(copy)
    }
}

extension Statement {
    /// Binds values that stay in `arena` until the statement is reset.
    @inline(__always) func bind(_ values: [SQLValue], _ arena: ValueArena) throws(SQLiteFailure) {
        arena.clear()
        var index: Int32 = 0
        for value in values {
            index += 1
            let result = bind(value, at: index, arena)
            guard result == SQLITE_OK else {
                throw SQLiteFailure(code: result, message: "value \(index): \(String(cString: sqlite3_errstr(result)))")
            }
        }
    }

    @inline(__always) private func bind(_ value: SQLValue, at index: Int32, _ arena: ValueArena) -> Int32 {
        switch value {
        case .null: return sqlite3_bind_null(handle, index)
        case .integer(let number): return sqlite3_bind_int64(handle, index, number)
        case .real(let number): return sqlite3_bind_double(handle, index, number)
        case .text(var text): return text.withUTF8 { bind(text: UnsafeRawBufferPointer($0), at: index, arena) }
        case .blob(let bytes): return bytes.withUnsafeBytes { bind(blob: $0, at: index, arena) }
        }
    }

    @inline(__always) private func bind(
        text: UnsafeRawBufferPointer, at index: Int32, _ arena: ValueArena
    ) -> Int32 {
        let copy = arena.copy(text)
        let bytes = (copy ?? text.baseAddress)?.assumingMemoryBound(to: CChar.self)
        return copy == nil
            ? sillok_bind_text_copied(handle, index, bytes, UInt64(text.count))
            : sillok_bind_text_static(handle, index, bytes, UInt64(text.count))
    }

    @inline(__always) private func bind(
        blob: UnsafeRawBufferPointer, at index: Int32, _ arena: ValueArena
    ) -> Int32 {
        if let copy = arena.copy(blob) { return sillok_bind_blob_static(handle, index, copy, Int32(blob.count)) }
        return sillok_bind_long_blob_copied(handle, index, blob.baseAddress, UInt64(blob.count))
    }

    /// Whether the statement changes nothing in the file.
    var isReadOnly: Bool { sqlite3_stmt_readonly(handle) != 0 }

    /// The number of values that the statement takes.
    var valueCount: Int { Int(sqlite3_bind_parameter_count(handle)) }

    /// The names of the columns of the row.
    var columns: [String] {
        (0..<max(0, sqlite3_column_count(handle))).map { column in
            sqlite3_column_name(handle, column).map { String(cString: $0) } ?? ""
        }
    }

    /// The values of the row.
    var values: [SQLValue] { (0..<max(0, sqlite3_column_count(handle))).map { value($0) } }

    /// Returns the value of a column, counted from 0.
    private func value(_ column: Int32) -> SQLValue {
        switch sqlite3_column_type(handle, column) {
        case SQLITE_INTEGER: .integer(int(column))
        case SQLITE_FLOAT: .real(sqlite3_column_double(handle, column))
        case SQLITE_TEXT: .text(valueText(column))
        case SQLITE_BLOB: .blob(Array(bytes(column)))
        default: .null
        }
    }

    /// Returns a text as stored in the file; `text` would read it as a blob.
    private func valueText(_ column: Int32) -> String {
        guard let start = sqlite3_column_text(handle, column) else { return "" }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }
}

extension Connection {
    /// Prepares a text of exactly one statement. SQLite would silently ignore everything after the first.
    func prepareWhole(_ sql: String) throws(SQLiteFailure) -> Statement {
        var statement: OpaquePointer?
        var rest = ""
        let result = sql.withCString { text in
            var tail: UnsafePointer<CChar>?
            let result = sqlite3_prepare_v3(handle, text, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, &tail)
            if let tail { rest = String(cString: tail) }
            return result
        }
        try check(result)
        guard let statement else { throw SQLiteFailure(code: SQLITE_MISUSE, message: "the statement is empty") }
        let prepared = Statement(statement, of: handle)
        guard isEmpty(rest), !sql.utf8.contains(0) else {
            throw SQLiteFailure(
                code: SQLITE_MISUSE, message: "more than one statement: write each statement as a separate `SQL` value")
        }
        return prepared
    }

    /// Returns whether a text contains no statement, only space, semicolons and comments.
    private func isEmpty(_ sql: String) -> Bool {
        if sql.utf8.allSatisfy({ $0 == 0x20 || $0 == 0x0A || $0 == UInt8(ascii: ";") }) { return true }
        var statement: OpaquePointer?
        defer { sqlite3_finalize(statement) }
        return sql.withCString { text in
            var tail: UnsafePointer<CChar>?
            guard sqlite3_prepare_v2(handle, text, -1, &statement, &tail) == SQLITE_OK, statement == nil, let tail
            else {
                return false
            }
            return tail > text && isEmpty(String(cString: tail))
        }
    }
}
