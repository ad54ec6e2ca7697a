import Foundation
import RawLoop
import SillokSQLite

/// How long to measure, and where the data is.
struct Plan {
    let isQuick: Bool
    let folder: URL
    /// Which cases of a suite are run; none: all.
    var cases: Set<String> = []

    /// The connection string of a PostgreSQL server, if there is one.
    var postgres: String? {
        ProcessInfo.processInfo.environment["SILLOK_POSTGRES"].flatMap { $0.isEmpty ? nil : $0 }
    }

    var rounds: Int { isQuick ? 3 : 7 }
    var seconds: Double { isQuick ? 0.4 : 0.8 }
    /// Events of the large store.
    var events: Int { isQuick ? 100_000 : 1_000_000 }
    /// The store that other suites read, made by the suite that fills it.
    var filled: String { path("filled") }

    func path(_ name: String) -> String { folder.appendingPathComponent(name + ".sqlite").path }

    /// The path of a store that is not there.
    func fresh(_ name: String) -> String {
        remove(name)
        return path(name)
    }

    func remove(_ name: String) {
        for end in ["", "-wal", "-shm", "-lock"] { try? FileManager.default.removeItem(atPath: path(name) + end) }
    }

    func store(_ name: String) throws -> SQLiteEventStore { try SQLiteEventStore(path: fresh(name)) }

    /// Bytes of a file, with its write-ahead log.
    func bytes(_ path: String) -> Int {
        ["", "-wal"].reduce(0) { sum, end in
            let attributes = try? FileManager.default.attributesOfItem(atPath: path + end)
            return sum + (attributes?[.size] as? Int ?? 0)
        }
    }
}

/// Pages of the write-ahead log after which the store moves it into the file.
let checkpointPages: Int32 = 8_000
