#if os(Linux)
import Foundation
import Sillok
import Testing

#if Postgres
import SillokPostgres
#endif

/// The tortured shop: its store, the payment service, and the processes of `sillok-torture` that work on them.
final class ProcessBench {
    /// Which store, and who opens it.
    enum Form: String, CaseIterable, CustomTestStringConvertible, Sendable {
        case file, folder, postgres, served, servedFolder

        var testDescription: String {
            switch self {
            case .file: "SQLite, one process"
            case .folder: "a folder, one process"
            case .postgres: "PostgreSQL, two processes"
            case .served: "SQLite behind sillok serve, two processes"
            case .servedFolder: "a folder behind sillok serve, two processes"
            }
        }

        /// Whether one process opens the store, and so runs the process manager and the customers alone.
        var isAlone: Bool { self == .file || self == .folder }

        /// How many processes run the process manager.
        var runners: Int { isAlone ? 1 : 2 }

        static var tested: [Form] { allCases.filter { $0 != .postgres || Self.server != nil } }

        static var server: String? {
            #if Postgres
            ProcessInfo.processInfo.environment["SILLOK_POSTGRES"].flatMap { $0.isEmpty ? nil : $0 }
            #else
            nil
            #endif
        }
    }

    let form: Form
    let seed: UInt64
    private let folder: URL
    private var store = ""
    private var token = ""
    private var words: [String]
    private var processes: [Process] = []

    init(_ form: Form, orders: Int, words: [String] = []) throws {
        self.form = form
        self.words = words + ["orders=\(orders)", "pace=60"] + (form.isAlone ? ["customers"] : ["lease"])
        let asked = ProcessInfo.processInfo.environment["SILLOK_SEED"].flatMap(UInt64.init)
        seed = asked ?? .random(in: 1..<1_000_000)
        folder = FileManager.default.temporaryDirectory.appending(path: "sillok-processes-\(EventID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit {
        for process in processes { end(process) }
        try? FileManager.default.removeItem(at: folder)
    }

    /// Starts the payment service and the server, and fills the store.
    func open() async throws {
        words.append("port=\(try firstLine(start("payments")))")
        let name = "processes_\(folder.lastPathComponent.suffix(12))"
        switch form {
        case .file: store = folder.appending(path: "shop.sqlite").path
        case .folder: store = folder.appending(path: "shop.sillok").path
        case .postgres: store = "\(Form.server ?? "")#\(name)"
        case .served: try serve(folder.appending(path: "shop.sqlite").path)
        case .servedFolder: try serve(folder.appending(path: "shop.sillok").path)
        }
        let started = try firstLine(start("set-up-processes"))
        words.append("start=\(started.split(separator: " ").last ?? "0")")
        if !form.isAlone { _ = try start("customers") }
    }

    /// Starts a server, with a key that names the streams of the process: a key on everything may not write them.
    private func serve(_ path: String) throws {
        let resources = ["--resource", "*", "--resource", "process:checkout-*"]
        let scopes = ["--scope", "read", "--scope", "append", "--scope", "subscribe"]
        token = try firstLine(
            start("sillok", ["keys", "create", path, "--name", "torture"] + scopes + resources))
        let server = try start("sillok", ["serve", path, "--auth", "keys", "--grpc", "127.0.0.1:0"])
        let line = try firstLine(server, with: "sillok://")
        store = line.split(separator: " ").first { $0.hasPrefix("sillok://") }.map(String.init) ?? ""
    }

    /// Starts a process that runs the process manager, and waits until it has opened the store.
    func startRunner(version: Int) throws -> Process {
        let runner = try start("run-processes", more: ["version=\(version)"])
        _ = try firstLine(runner)
        return runner
    }

    /// Compares both logs until nothing is left to find, or the time is over.
    func check(seconds: Int, _ more: [String] = []) throws -> Report {
        Report(try start("check-processes", more: more + ["seconds=\(seconds)"]))
    }

    func end(_ process: Process) {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    private func start(_ verb: String, more: [String] = []) throws -> Process {
        try start(
            "sillok-torture",
            [verb, store, folder.appending(path: "log").path, "\(seed)", (words + more).joined(separator: ",")])
    }

    private func start(_ program: String, _ arguments: [String]) throws -> Process {
        let runner = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let places = CommandLine.arguments.filter { $0.hasSuffix(".xctest") }.map {
            URL(filePath: $0).deletingLastPathComponent()
        }
        let found: URL? = ([runner] + places).map { $0.appending(path: program) }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
        let process = Process()
        let executable: URL = try #require(found, "\(program) is not in the folder of the tests")
        process.executableURL = executable
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(["SILLOK_TORTURE_TOKEN": token]) { $1 }
        process.standardOutput = Pipe()
        process.standardError = FileHandle.nullDevice
        try process.run()
        processes.append(process)
        return process
    }

    /// The first line that a process prints, of those with a text; empty if it ends before.
    private func firstLine(_ process: Process, with text: String = "") throws -> String {
        let pipe = try #require(process.standardOutput as? Pipe)
        while true {
            let data = pipe.fileHandleForReading.availableData
            let lines = String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
            if let line = lines.first(where: { text.isEmpty || $0.contains(text) }) { return line }
            if data.isEmpty { return "" }
        }
    }
}

/// What `check-processes` printed.
struct Report: CustomStringConvertible {
    let text: String
    let isClean: Bool

    init(_ process: Process) {
        let pipe = process.standardOutput as? Pipe
        text = String(decoding: (try? pipe?.fileHandleForReading.readToEnd()) ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        isClean = process.terminationReason == .exit && process.terminationStatus == 0
    }

    func count(_ name: String) -> Int {
        let line = text.split(separator: "\n").last { $0.hasPrefix(name + " ") }
        return line.flatMap { Int($0.split(separator: " ").last ?? "") } ?? 0
    }

    /// One line.
    var summary: String {
        text.split(separator: "\n").filter { !$0.hasPrefix("#") }.joined(separator: ", ")
    }

    var description: String { text }
}
#endif
