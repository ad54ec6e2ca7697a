#if os(Linux)
import Foundation
import SillokCore
import SillokTestSupport
import Testing

/// The server as a process of its own, killed while clients in another process write through the network.
@Suite("torture over the network", .serialized, .timeLimit(.minutes(15)))
struct NetworkKillTests {
    private let folder = TemporaryFolder()
    private let seed = setting("SILLOK_SEED").flatMap(UInt64.init) ?? .random(in: 1..<1_000_000)

    @Test(
        "DUR-1: when the server is killed at any instant under 32 clients that retry, nothing is lost or doubled",
        arguments: ["store.sqlite", "store.sillok"])
    func kills(_ store: String) async throws {
        var random = SystemRandomNumberGenerator()
        let kills = setting("SILLOK_KILLS").flatMap(Int.init) ?? 5
        let port = try freePort()
        var server = try await serve(store, port)
        let writing = try start(
            "sillok-torture",
            ["write-remote", "sillok://127.0.0.1:\(port)", folder("log"), String(seed), folder("stop")])
        for _ in 0..<kills {
            try await Task.sleep(for: .milliseconds(Int.random(in: 200...1200, using: &random)))
            kill(server.processIdentifier, SIGKILL)
            server.waitUntilExit()
            server = try await serve(store, port)
        }
        try folder.write("", to: "stop")
        let written = try Ended(writing)
        #expect(written.status == 0, "seed \(seed): \(written.text)")
        kill(server.processIdentifier, SIGTERM)
        server.waitUntilExit()

        let check = try Ended(start("sillok-torture", ["check", folder(store), folder("log"), String(seed)]))
        #expect(check.status == 0, "seed \(seed):\n\(check.text)")
        #expect(check.count("acknowledged") > 0)
        let errors = try folder.text("log")
            .split(separator: "\n").filter { $0.hasPrefix("E ") && !$0.contains("definite conflict") }
        #expect(errors.isEmpty, "seed \(seed): clients saw \(errors.count) errors, such as \(errors.first ?? "")")
        print(
            "DUR-1 over the network on \(store): \(kills) kills, seed \(seed): \(check.count("events")) events,",
            "\(check.count("acknowledged")) acknowledged appends; 0 lost, 0 doubled, \(errors.count) errors of clients")
    }

    /// Starts a server and waits until it takes connections.
    private func serve(_ store: String, _ port: Int) async throws -> Process {
        let process = try start("sillok", ["serve", folder(store), "--grpc", "127.0.0.1:\(port)"])
        while !canConnect(port) {
            try #require(process.isRunning, "the server ended before it listened")
            try await Task.sleep(for: .milliseconds(5))
        }
        return process
    }

    private func start(_ program: String, _ arguments: [String]) throws -> Process {
        let runner = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let places = CommandLine.arguments.filter { $0.hasSuffix(".xctest") }.map {
            URL(filePath: $0).deletingLastPathComponent()
        }
        let process = Process()
        let found: URL? = ([runner] + places).map { $0.appending(path: program) }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
        let executable: URL = try #require(found, "\(program) is not in the folder of the tests")
        process.executableURL = executable
        process.arguments = arguments
        process.standardOutput = Pipe()
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }
}

private func setting(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }

/// What a process printed, and how it ended.
private struct Ended {
    let text: String
    let status: Int32

    init(_ process: Process) throws {
        let pipe = try #require(process.standardOutput as? Pipe)
        text = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        status = process.terminationStatus
    }

    func count(_ name: String) -> Int {
        let line = text.split(separator: "\n").last { $0.hasPrefix(name + " ") }
        return line.flatMap { Int($0.split(separator: " ").last ?? "") } ?? 0
    }
}

private func withSocket<Result>(_ port: Int, _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}

private func canConnect(_ port: Int) -> Bool { withSocket(port) { connect($0, $1, $2) == 0 } }

/// A port that no process listens on now.
private func freePort() throws -> Int {
    let port: UInt16? = withSocket(0) { descriptor, address, length in
        guard bind(descriptor, address, length) == 0 else { return nil }
        var bound = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &bound) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        return result == 0 ? UInt16(bigEndian: bound.sin_port) : nil
    }
    return Int(try #require(port))
}
#endif
