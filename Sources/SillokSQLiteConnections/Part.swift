/// A part of a transaction that can be taken back without the rest.
package final class Part {
    private let begin: Statement
    private let end: Statement
    private let undo: Statement

    package init(_ connection: Connection) throws(SQLiteFailure) {
        begin = try connection.prepare("SAVEPOINT part")
        end = try connection.prepare("RELEASE part")
        undo = try connection.prepare("ROLLBACK TO part")
    }

    /// Runs `body`. If it throws, rolls back its changes and calls `undone`.
    ///
    /// A failure of SQLite that is not the statement's own concerns the whole transaction and is thrown unchanged.
    package func run<Result>(_ body: () throws -> Result, undone: () throws -> Void = {}) throws -> Result {
        try begin.run()
        let result: Result
        do {
            result = try body()
        } catch {
            if error is SQLiteFailure { throw error }
            try undo.run()
            try end.run()
            try undone()
            throw error
        }
        try end.run()
        return result
    }
}
