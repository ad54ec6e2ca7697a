// Public, so that the calls of SQLite can be inlined into other targets: each of them is made several times an event.
public import CSQLite

/// A prepared statement of a connection, used many times.
@usableFromInline package final class Statement {
    @usableFromInline package let handle: OpaquePointer
    @usableFromInline let connection: OpaquePointer

    package init(_ handle: OpaquePointer, of connection: OpaquePointer) {
        self.handle = handle
        self.connection = connection
    }

    deinit { sqlite3_finalize(handle) }

    /// Binds a number; placeholders count from 1.
    @inlinable @inline(__always) package func bind(_ value: Int64, at index: Int32) {
        sqlite3_bind_int64(handle, index, value)
    }

    /// Binds NULL.
    @inlinable @inline(__always) package func bindNull(at index: Int32) { sqlite3_bind_null(handle, index) }

    /// Binds bytes that must stay valid until the statement is reset.
    @inlinable @inline(__always) package func bind(unowned bytes: UnsafeRawBufferPointer, at index: Int32) {
        // A null pointer would bind NULL instead of an empty blob.
        if bytes.count == 0 {
            sqlite3_bind_zeroblob(handle, index, 0)
        } else {
            _ = sillok_bind_blob_static(handle, index, bytes.baseAddress, Int32(clamping: bytes.count))
        }
    }

    /// Binds bytes that SQLite copies.
    package func bind(copied bytes: [UInt8], at index: Int32) {
        _ = bytes.withUnsafeBytes {
            $0.isEmpty
                ? sqlite3_bind_zeroblob(handle, index, 0)
                : sillok_bind_blob_copied(handle, index, $0.baseAddress, Int32(clamping: $0.count))
        }
    }

    /// Binds the UTF-8 bytes of a text as a blob.
    @inlinable package func bind(bytesOf text: String, at index: Int32) {
        var text = text
        text.withUTF8 { utf8 in
            _ =
                utf8.isEmpty
                ? sqlite3_bind_zeroblob(handle, index, 0)
                : sillok_bind_blob_copied(handle, index, utf8.baseAddress, Int32(clamping: utf8.count))
        }
    }

    /// Binds a text.
    package func bind(text: String, at index: Int32) {
        _ = sillok_bind_text_copied(handle, index, text, sqlite3_uint64(text.utf8.count))
    }

    /// Moves to the next row. Returns `false` at the end; the statement can then be bound again.
    @inlinable @inline(__always) package func step() throws(SQLiteFailure) -> Bool {
        let result = sqlite3_step(handle)
        if result == SQLITE_ROW { return true }
        sqlite3_reset(handle)
        if result == SQLITE_DONE { return false }
        throw SQLiteFailure(
            code: sqlite3_extended_errcode(connection), message: String(cString: sqlite3_errmsg(connection)))
    }

    /// Runs a statement without rows.
    @inlinable @inline(__always) package func run() throws(SQLiteFailure) {
        if try step() { reset() }
    }

    /// Makes the statement ready to be bound again.
    @inlinable @inline(__always) package func reset() { sqlite3_reset(handle) }

    /// Returns a column as a number. Columns count from 0.
    @inlinable @inline(__always) package func int(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    /// Returns the bytes of a column, valid until the next step; empty for NULL.
    @inlinable @inline(__always) package func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
        let start = sqlite3_column_blob(handle, column)
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))
    }

    /// Returns the bytes of a column as text.
    @inlinable package func text(_ column: Int32) -> String { String(decoding: bytes(column), as: UTF8.self) }
}
