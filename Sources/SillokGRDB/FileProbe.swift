import CSQLite
import SillokCore
import SillokSQL

/// Throws if the file at a path is something else than a read model, or an SQLite file in which one can be made.
/// Changes nothing, and leaves nothing next to the file.
func checkIsReadModel(_ path: String) throws(StoreError) {
    guard let facts = FileFacts(path: path), facts.isRegular, facts.bytes > 0 else { return }
    let found = sillok_probe(path)
    try ReadModelFormat.check(
        isDatabase: found.code != SQLITE_NOTADB, applicationID: found.application_id, version: found.read_model,
        path: path)
}
