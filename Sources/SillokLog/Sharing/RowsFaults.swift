import CSQLite
import SillokCore
import SillokSQLiteConnections

/// The faults that a test plants in the writing of rows.
package struct RowsFaults: Sendable {
    /// Bugs that the tests must find.
    package struct Planted: OptionSet, Sendable {
        package let rawValue: Int

        package init(rawValue: Int) { self.rawValue = rawValue }

        /// The rows are committed before the log is synced.
        package static let commitsBeforeSync = Planted(rawValue: 1 << 0)
        /// The rows of a refused append are not rolled back.
        package static let keepsRefusedRows = Planted(rawValue: 1 << 1)
        /// The events of the log that the rows do not contain are not projected.
        package static let skipsReplay = Planted(rawValue: 1 << 2)
    }

    package var planted: Planted = []

    /// How many of the next commits fail as on a full disk; `nil`: the disk decides.
    package var failingCommits: FailingCommits?

    package init() {}

    /// Throws if the next commit is to fail.
    func failIfDue() throws(SQLiteFailure) {
        guard let failingCommits, failingCommits.take() else { return }
        throw SQLiteFailure(code: SQLITE_FULL, message: "planted")
    }
}

/// A number of commits that fail.
package final class FailingCommits: Sendable {
    private let left = Lock(0)

    package init() {}

    /// Lets the next commits fail.
    package func set(_ count: Int) { left.withLock { $0 = count } }

    fileprivate func take() -> Bool {
        left.withLock { left in
            guard left > 0 else { return false }
            left -= 1
            return true
        }
    }
}
