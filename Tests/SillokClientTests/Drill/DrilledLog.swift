import Foundation
import Sillok
import SillokLog
import SillokPostgres
import SillokSQLite
import SillokTestSupport
import Testing

/// A log that can be put back to a copy of itself, as an operator restores a backup.
protocol DrilledLog: Sendable {
    /// Opens the log for appending.
    func open() async throws -> OpenedLog

    /// Keeps a copy of the current log. No process has it open.
    func keep(_ name: String) throws

    /// Puts a copy in the place of the log.
    func restore(_ name: String) throws

    /// Whether the log can be restored while stores have it open.
    var isRestoredInUse: Bool { get }

    /// Removes everything.
    func remove() throws
}

struct OpenedLog: Sendable {
    let store: any EventStore
    let close: @Sendable () async -> Void
}

/// A log in a file, or in a folder of its own.
struct DrilledFile: DrilledLog {
    let folder: TemporaryFolder
    var isFolder = false

    var path: String { folder(isFolder ? "log.sillok" : "log.sqlite") }
    var isRestoredInUse: Bool { false }

    func open() throws -> OpenedLog {
        if isFolder {
            let store = try LogEventStore(path: path)
            return OpenedLog(store: store) { await store.close() }
        }
        let store = try SQLiteEventStore(path: path)
        return OpenedLog(store: store) { await store.close() }
    }

    func keep(_ name: String) throws {
        try? FileManager.default.removeItem(atPath: folder(name))
        try FileManager.default.copyItem(atPath: path, toPath: folder(name))
    }

    func restore(_ name: String) throws {
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.copyItem(atPath: folder(name), toPath: path)
    }

    func remove() throws {}
}

#if Postgres
/// A log in a schema of a PostgreSQL database, kept with `pg_dump`.
struct DrilledSchema: DrilledLog {
    let folder: TemporaryFolder
    let schema = "drill_\(EventID().description.suffix(12))"

    var isRestoredInUse: Bool { true }

    /// The connection string of the server, if there is one.
    static var server: String? {
        ProcessInfo.processInfo.environment["SILLOK_POSTGRES"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Whether there is a server, and the programs that keep and restore a schema.
    static var isPossible: Bool {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        return server != nil
            && ["pg_dump", "psql"].allSatisfy { program in
                folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(program)") }
            }
    }

    func open() async throws -> OpenedLog {
        let server = try #require(Self.server)
        let named = server + (server.contains("?") ? "&" : "?") + "application_name=\(schema)"
        let store = try await PostgresEventStore(named, schema: schema, timeout: .seconds(30))
        return OpenedLog(store: store) { await store.close() }
    }

    func keep(_ name: String) throws {
        try run("pg_dump", "-n", schema, "-f", folder(name), "-d", try #require(Self.server))
    }

    /// Restores in one transaction, which ends all other sessions: every reader sees the old log or the new one.
    func restore(_ name: String) throws {
        let sessions =
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '\(schema)'"
        try run(
            "psql", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-c", "DROP SCHEMA \"\(schema)\" CASCADE",
            "-f",
            folder(name), "-c", sessions, "-d", try #require(Self.server))
    }

    func remove() throws {
        try run(
            "psql", "-q", "-c", "DROP SCHEMA \"\(schema)\" CASCADE", "-d", try #require(Self.server))
    }

    private func run(_ words: String...) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = words
        let pipe = Pipe()
        process.standardOutput = FileHandle.nullDevice
        process.standardError = pipe
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(words[0]) failed: \(output)")
    }
}
#endif

/// A store that forgets which event was at a place: what every reader was before marks. The drill must catch it.
struct ForgetfulStore: ForwardingEventStore {
    let base: any EventStore

    func read(_ request: ReadRequest) async throws -> EventBatch {
        var request = request
        if case .mark(let mark)? = request.after { request.after = .position(mark.position) }
        return try await base.read(request)
    }
}
