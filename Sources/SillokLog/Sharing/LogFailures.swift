import SillokCore
import SillokSQLiteConnections
import SillokSegments

extension LogError {
    /// The failure as an error of the store, with a definite outcome.
    var storeError: StoreError {
        switch self {
        case .disk, .stopped: StoreError(.ioFailure, "\(self)", cause: self)
        case .full: StoreError(.full, "\(self) Free some space, then try again.", cause: self)
        case .damaged: StoreError(.corrupt, "\(self) \(DamagedLog.remedy)", cause: self)
        case .noEvent: StoreError(.corrupt, "\(self) Run `sillok verify`.", cause: self)
        case .missing(let folder): StoreError(.notFound, "there is no store at \(folder).", cause: self)
        case .exists: StoreError(.readOnly, "\(self)", cause: self)
        case .unsupported: StoreError(.unsupportedFormat, "\(self)", cause: self)
        case .readOnly: StoreError(.readOnly, "\(self)", cause: self)
        }
    }
}

extension StoreError {
    /// Returns the error to throw for a failed read.
    static func reading(_ error: any Error) -> any Error {
        switch error {
        case let error as LogError: error.storeError
        case let error as SQLiteFailure: damagedIndex(error)
        default: error
        }
    }

    /// Returns the error for an append that failed before anything was written.
    static func storing(_ error: any Error) -> StoreError {
        reading(error) as? StoreError ?? StoreError(.ioFailure, "the append could not be checked: \(error).")
    }

    /// The error of a read that has found the index file damaged.
    static let damagedIndex = StoreError(
        .overloaded,
        "the index of the store is damaged. It is being rebuilt from the log. Nothing was stored. Retry.",
        retryAfter: .seconds(1))

    /// Returns the error for an index file that cannot be used.
    private static func damagedIndex(_ failure: SQLiteFailure) -> StoreError {
        if failure.isFull { return failure.storeError("the index could not be written") }
        return StoreError(
            .corrupt,
            "the index of the store cannot be read: \(failure.message). Close the store, delete index.sqlite in its "
                + "folder, and open it again: the index is rebuilt from the log.", cause: failure)
    }
}

extension SQLiteFailure {
    /// Whether the contents of the file are wrong, or a part of it is missing.
    var isOfDamage: Bool {
        let (corrupt, notADatabase, shortRead, ioError): (Int32, Int32, Int32, Int32) = (11, 26, 522, 10)
        return primary == corrupt || primary == notADatabase || code == shortRead || code == ioError
    }
}
