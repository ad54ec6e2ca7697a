import CSQLite
import SillokCore
import SillokSQL

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The header of a file, read before the file is opened. A file of another program is rejected without any change: no
/// lock file, no write-ahead log next to it, no change of its journal mode.
struct FileProbe {
    /// `nil` if there is no file yet, or an empty one.
    private let found: sillok_probe_result?
    /// The application id in the write-ahead log, for a database file that is still empty.
    private let logged: Int64?

    init(_ path: String) {
        guard let facts = FileFacts(path: path), facts.isRegular, facts.bytes > 0 else {
            (found, logged) = (nil, nil)
            return
        }
        let found = sillok_probe(path)
        self.found = found
        let isEmpty = found.code == SQLITE_OK && found.tables == 0 && found.application_id == 0
        logged = isEmpty ? Self.loggedApplicationID(resolvedPath(path) + "-wal") : nil
    }

    /// Whether the file is a store, of any format.
    var isStore: Bool { (logged ?? found?.application_id) == Schema.applicationID }

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

    /// Throws unless the file is a read model, or an SQLite file in which one can be created.
    func checkIsReadModel(_ path: String) throws(StoreError) {
        guard let found else { return }
        try ReadModelFormat.check(
            isDatabase: found.code != SQLITE_NOTADB, applicationID: logged ?? found.application_id,
            version: found.read_model, path: path)
    }

    /// Returns the application id in the newest first page of a write-ahead log; `nil` without one.
    ///
    /// Only the beginning of the log is read, because the first transaction in it creates the database.
    private static func loggedApplicationID(_ path: String) -> Int64? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        func number(_ offset: Int) -> Int64 { bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int64($1) } }
        let (header, frameHeader, mark) = (32, 24, 68)
        guard count > header, number(0) & ~1 == 0x377F_0682 else { return nil }
        let pageSize = Int(number(8))
        guard (512...65_536).contains(pageSize) else { return nil }
        var (offset, id): (Int, Int64?) = (header, nil)
        while offset + frameHeader + pageSize <= count {
            // Frames of an earlier use of the log have other salts.
            guard number(offset + 8) == number(16), number(offset + 12) == number(20) else { break }
            if number(offset) == 1 { id = number(offset + frameHeader + mark) }
            offset += frameHeader + pageSize
        }
        return id
    }
}
