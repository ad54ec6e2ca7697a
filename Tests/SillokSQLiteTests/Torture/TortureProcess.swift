import Foundation
import SillokCore
import Testing

/// A place for a torture run: the store, the log of what its clients saw, and the program that is tortured.
final class TortureBench: Sendable {
    let folder: URL
    let seed: UInt64
    private let place: Place?
    private let isFolder: Bool

    /// - Parameters:
    ///   - storage: where the store and the read model are.
    ///   - inMemory: whether the disk may be a disk in memory, where a sync costs nothing.
    init(on storage: Storage = .sqlite, inMemory: Bool = false) throws {
        isFolder = storage == .folder
        place = storage == .postgres ? Place(storage) : nil
        let memory = URL(filePath: "/dev/shm")
        let isThere = inMemory && FileManager.default.isWritableFile(atPath: memory.path)
        folder = (isThere ? memory : FileManager.default.temporaryDirectory).appending(path: "sillok-\(EventID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        seed = setting("SILLOK_SEED").flatMap(UInt64.init) ?? .random(in: 1..<1_000_000)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// What the program takes for the store: a file, a folder, or `postgres://…#schema`.
    var store: String { place?.torture ?? path(isFolder ? "store.sillok" : "store.sqlite") }
    var log: String { path("log") }

    func path(_ name: String) -> String { folder.appending(path: name).path }

    /// Starts a run, `under` a command that starts programs.
    func start(
        _ verb: String, store: String? = nil, more: String? = nil, environment: [String: String] = [:],
        under command: [String] = []
    ) throws -> Process {
        let process = Process()
        let program = try Self.program()
        process.executableURL = command.isEmpty ? program : URL(filePath: "/usr/bin/env")
        process.arguments =
            (command.isEmpty ? [] : command + [program.path])
            + [verb, store ?? self.store, log, String(seed)] + (more.map { [$0] } ?? [])
        let name = ["PGAPPNAME": folder.lastPathComponent]
        process.environment = ProcessInfo.processInfo.environment.merging(name) { $1 }.merging(environment) { $1 }
        process.standardInput = Pipe()
        process.standardOutput = Pipe()
        try process.run()
        return process
    }

    /// Begins a run and waits until it has opened what it works on, however busy the machine is.
    func startOpened(_ verb: String, more: String? = nil) throws -> Process {
        let process = try start(verb, more: more)
        if let pipe = process.standardOutput as? Pipe { _ = pipe.fileHandleForReading.availableData }
        return process
    }

    /// Runs to the end and answers what it printed.
    func run(
        _ verb: String, store: String? = nil, more: String? = nil, environment: [String: String] = [:]
    ) throws -> TortureReport {
        let process = try start(verb, store: store, more: more, environment: environment)
        return try TortureReport(process)
    }

    private static func program() throws -> URL {
        if let path = setting("SILLOK_TORTURE_PROGRAM") { return URL(filePath: path) }
        let runner = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let places = CommandLine.arguments.filter { $0.hasSuffix(".xctest") }.map {
            URL(filePath: $0).deletingLastPathComponent()
        }
        let found = ([runner] + places).map { $0.appending(path: "sillok-torture") }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
        return try #require(found, "sillok-torture is not in the folder of the tests")
    }
}

/// What a run printed and how it ended.
struct TortureReport: CustomStringConvertible {
    let counts: [String: Int]
    let notes: [String]
    let status: Int32
    let isKilled: Bool

    init(_ process: Process) throws {
        let pipe = try #require(process.standardOutput as? Pipe)
        let text = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        let lines = text.split(separator: "\n").map(String.init)
        notes = lines.filter { $0.hasPrefix("#") }
        let pairs = lines.filter { !$0.hasPrefix("#") }.map { $0.split(separator: " ") }
        counts = Dictionary(
            pairs.filter { $0.count == 2 }.map { (String($0[0]), Int($0[1]) ?? -1) }, uniquingKeysWith: { $1 })
        status = process.terminationStatus
        isKilled = process.terminationReason == .uncaughtSignal
    }

    /// Whether the program ended by itself and found nothing wrong.
    var isClean: Bool { !isKilled && status == 0 }

    func count(_ name: String) -> Int { counts[name] ?? 0 }

    var faults: [String] { notes.filter { $0.hasPrefix("# fault: ") }.map { String($0.dropFirst(9)) } }

    var description: String {
        let found = counts.filter { $0.value != 0 }.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        return (found + notes + ["status \(status)\(isKilled ? " by a signal" : "")"]).joined(separator: "\n")
    }
}

/// What the environment asks of the tests.
func setting(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }

/// How often a scenario is run, unless the environment says otherwise.
func times(_ name: String, _ usual: Int) -> Int { setting(name).flatMap(Int.init) ?? usual }

#if os(Linux)
/// The library that makes calls to the disk fail, built once.
enum FaultShim {
    static let path: String? = {
        let source = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "FaultShim/shim.c")
        let library = FileManager.default.temporaryDirectory.appending(path: "sillok-shim-\(EventID()).so").path
        for compiler in ["clang", "cc", "gcc"] {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = [compiler, "-shared", "-fPIC", "-O1", "-o", library, source.path, "-ldl"]
            process.standardError = FileHandle.nullDevice
            guard (try? process.run()) != nil else { continue }
            process.waitUntilExit()
            if process.terminationStatus == 0 { return library }
        }
        return nil
    }()

    /// The environment in which calls on the bench's store fail.
    static func environment(_ bench: TortureBench, _ more: [String: String]) throws -> [String: String] {
        let library = try #require(path, "no C compiler built the fault shim")
        return ["LD_PRELOAD": library, "FAULT_PATH": bench.store, "FAULT_LOG": bench.log].merging(more) { $1 }
    }
}
#endif
