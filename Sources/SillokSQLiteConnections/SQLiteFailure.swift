import CSQLite
package import SillokCore

/// A failure that SQLite reported.
@usableFromInline package struct SQLiteFailure: Error {
    /// SQLite's extended result code.
    package let code: Int32
    package let message: String

    @usableFromInline package init(code: Int32, message: String) {
        self.code = code
        self.message = message
    }

    /// The result code without its extension.
    package var primary: Int32 { code & 0xFF }
}

extension SQLiteFailure {
    /// Whether the disk was full.
    ///
    /// The shared-memory file of the write-ahead log reports a full disk with its own code.
    package var isFull: Bool { primary == SQLITE_FULL || isSharedMemoryFull }

    private var isSharedMemoryFull: Bool {
        code == SQLITE_IOERR | (19 << 8)  // SQLITE_IOERR_SHMSIZE
    }

    /// Whether the connection must not write any more, because the state of the disk is unknown.
    package var isFatal: Bool { !isFull && !isOfStatement && (primary == SQLITE_IOERR || isCorruption) }

    private var isCorruption: Bool { primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB }

    /// Whether the statement caused the failure, and not the storage.
    package var isOfStatement: Bool {
        switch primary {
        case SQLITE_ERROR, SQLITE_ABORT, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_TOOBIG, SQLITE_AUTH, SQLITE_RANGE,
            SQLITE_MISUSE, SQLITE_SCHEMA:
            true
        default: code == SQLITE_CORRUPT | (1 << 8)  // SQLITE_CORRUPT_VTAB: of a virtual table's content, not the file
        }
    }

    /// The error to throw for a failed query.
    package var queryError: StoreError {
        guard isOfStatement || primary == SQLITE_READONLY else {
            return storeError("the read model could not be read")
        }
        return StoreError(.invalidQuery, "the query cannot be executed: \(message).", cause: self)
    }

    /// The code of the contract, and what to do.
    private var meaning: (code: StoreError.Code, advice: String) {
        if isFull { return (.full, "No space is left on the disk. Free some space, then try again.") }
        if isCorruption { return (.corrupt, "The file is damaged. Run `sillok verify`, then restore a backup.") }
        let path = "Check the path and its permissions."
        switch primary {
        case SQLITE_READONLY, SQLITE_PERM: return (.readOnly, path)
        case SQLITE_CANTOPEN: return (.notFound, path)
        case SQLITE_BUSY, SQLITE_LOCKED: return (.locked, "Another connection holds the file: try again.")
        default: return (.ioFailure, "The disk reported a failure: check it, then open the store again.")
        }
    }

    /// Returns the failure as a `StoreError`.
    package func storeError(_ what: String, outcome: StoreError.Outcome = .definite) -> StoreError {
        let (code, advice) = meaning
        return StoreError(code, "\(what): \(message) (SQLite \(self.code)). \(advice)", outcome: outcome, cause: self)
    }
}
