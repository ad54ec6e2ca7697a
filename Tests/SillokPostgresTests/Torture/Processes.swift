#if Postgres && os(Linux)
import Foundation
import Testing

/// Programs that the tests start.
enum Programs {
    struct Failure: Error, CustomStringConvertible { let description: String }

    /// `sillok-postgres-torture`, which is in the folder of the tests.
    static func torture() throws -> URL {
        let link = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        for folder in [URL(filePath: link).deletingLastPathComponent(), Bundle.main.bundleURL] {
            let program = folder.appending(path: "sillok-postgres-torture")
            if FileManager.default.isExecutableFile(atPath: program.path) { return program }
        }
        throw Failure(description: "sillok-postgres-torture is not beside \(link)")
    }

    /// Starts a program whose output goes to a file.
    static func start(_ program: URL, _ arguments: [String], output: String) throws -> Process {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        _ = FileManager.default.createFile(atPath: output, contents: nil)
        process.standardOutput = FileHandle(forWritingAtPath: output)
        try process.run()
        return process
    }

    /// Runs `scripts/postgres`. Returns the last line that it prints.
    @discardableResult
    static func server(_ arguments: String...) throws -> String { try server(arguments) }

    /// Runs `scripts/postgres` in a changed environment.
    @discardableResult
    static func server(_ arguments: [String], environment: [String: String] = [:]) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardized
        let process = Process()
        process.executableURL = root.appending(path: "scripts/postgres")
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: "scripts/postgres \(arguments.joined(separator: " ")) failed: \(output)")
        }
        return output.split(separator: "\n").last.map(String.init) ?? ""
    }

    /// A folder for servers, whose path is short enough for a socket and open to their user. `scripts/test` looks into
    /// `SILLOK_SERVERS` for what an interrupted run has left.
    static func serverFolder() throws -> URL {
        let place = URL(filePath: setting("SILLOK_SERVERS") ?? "/tmp")
        let folder = place.appending(path: "sillok-servers-\(Int.random(in: 1...1_000_000_000))")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        return folder
    }
}
#endif
