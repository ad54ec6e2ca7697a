import CSQLite
import SillokCore
import SillokSQLiteConnections

extension FileProbe {
    /// Whether the file is a store, of any format.
    var isStore: Bool { applicationID == Schema.applicationID }

    /// Throws unless the file is a store of a known format, or does not exist yet.
    func checkIsStore(_ path: String) throws(StoreError) {
        guard let found else { return }
        if found.code == SQLITE_NOTADB {
            throw StoreError(.unsupportedFormat, "\(path) is not a store: it is no SQLite database.")
        }
        // An interrupted checkpoint may have left the file unreadable without its log. Opening the file decides.
        guard found.code == SQLITE_OK else { return }
        if isStore { return try Schema.check(version: found.user_version, isLogged: logged != nil) }
        guard found.application_id == 0, found.tables == 0, logged == nil else { throw Schema.foreign }
    }
}
