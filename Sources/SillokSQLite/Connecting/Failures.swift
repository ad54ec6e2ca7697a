import CSQLite
import SillokCore

extension SQLiteFailure {
    /// Whether there was no room on the disk.
    ///
    /// The shared-memory file of the write-ahead log reports a full disk with a code of its own.
    var isFull: Bool { primary == SQLITE_FULL || isSharedMemoryFull }

    private var isSharedMemoryFull: Bool {
        code == SQLITE_IOERR | (19 << 8)  // SQLITE_IOERR_SHMSIZE
    }

    /// Whether the connection must not write any more: the state of the disk is not known.
    var isFatal: Bool { !isFull && !isOfStatement && (primary == SQLITE_IOERR || isCorruption) }

    var isCorruption: Bool { primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB }

    /// Whether the statement is at fault, and not the storage.
    var isOfStatement: Bool {
        switch primary {
        case SQLITE_ERROR, SQLITE_ABORT, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_TOOBIG, SQLITE_AUTH, SQLITE_RANGE,
            SQLITE_MISUSE, SQLITE_SCHEMA:
            true
        default: code == SQLITE_CORRUPT | (1 << 8)  // SQLITE_CORRUPT_VTAB: of a virtual table's content, not the file
        }
    }

    /// What a query that failed is reported as.
    var queryError: StoreError {
        guard isOfStatement || primary == SQLITE_READONLY else {
            return storeError("the read model could not be read")
        }
        return StoreError(.invalidQuery, "the query cannot be carried out: \(message).", cause: self)
    }

    /// The code of the contract, and what to do.
    private var meaning: (code: StoreError.Code, advice: String) {
        if isFull { return (.full, "No space is left on the disk: free some and try again.") }
        if isCorruption { return (.corrupt, "The file is damaged: run `sillok verify`, restore a backup.") }
        let path = "Check the path and its permissions."
        switch primary {
        case SQLITE_READONLY, SQLITE_PERM: return (.readOnly, path)
        case SQLITE_CANTOPEN: return (.notFound, path)
        case SQLITE_BUSY, SQLITE_LOCKED: return (.locked, "Another connection holds the file: try again.")
        default: return (.ioFailure, "The disk reported a failure: check it, then open the store again.")
        }
    }

    /// The failure in the words of the contract.
    func storeError(_ what: String, outcome: StoreError.Outcome = .definite) -> StoreError {
        let (code, advice) = meaning
        return StoreError(code, "\(what): \(message) (SQLite \(self.code)). \(advice)", outcome: outcome, cause: self)
    }
}

extension StoreError {
    /// What a failed read is reported as.
    static func reading(_ error: any Error) -> any Error {
        (error as? SQLiteFailure)?.storeError("the store could not be read") ?? error
    }
}
