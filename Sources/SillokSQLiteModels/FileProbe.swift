import CSQLite
import SillokCore
import SillokSQL
import SillokSQLiteConnections

extension FileProbe {
    /// Throws unless the file is a read model, or an SQLite file in which one can be created.
    func checkIsReadModel(_ path: String) throws(StoreError) {
        guard let found, let applicationID else { return }
        try ReadModelFormat.check(
            isDatabase: found.code != SQLITE_NOTADB, applicationID: applicationID, version: found.read_model, path: path
        )
    }
}
