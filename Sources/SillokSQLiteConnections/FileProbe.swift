package import CSQLite
import SillokSQL
import SillokSystem

/// The header of a file, read before the file is opened. A file of another program is rejected without any change: no
/// lock file, no write-ahead log next to it, no change of its journal mode.
package struct FileProbe {
    /// `nil` if there is no file yet, or an empty one.
    package let found: sillok_probe_result?
    /// The application id in the write-ahead log, for a database file that is still empty.
    package let logged: Int64?

    /// The application id of the file, also if it is in the write-ahead log only.
    package var applicationID: Int64? { logged ?? found?.application_id }

    package init(_ path: String) {
        guard let facts = FileFacts(path: path), facts.isRegular, facts.bytes > 0 else {
            (found, logged) = (nil, nil)
            return
        }
        let found = sillok_probe(path)
        self.found = found
        let isEmpty = found.code == SQLITE_OK && found.tables == 0 && found.application_id == 0
        logged = isEmpty ? Self.loggedApplicationID(resolvedPath(path) + "-wal") : nil
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
