import Foundation
import SillokClient
import SillokCore

/// The program that the torture tests start, kill and starve: `sillok-torture VERB STORE LOG SEED [MORE]`. STORE is a
/// file, a folder `….sillok`, or `postgres://…#schema` for verbs that do not need SQLite.
///
/// - `write` runs 32 writers until it is killed (MORE: a bug to plant, `short-log`, `unsynced`).
/// - `write-remote` does so on the server STORE until the file MORE exists.
/// - `power-cuts` cuts the power under such writers, on a disk in the folder STORE (MORE: how often, `unsynced`,
///   `folder`).
/// - `check` compares the store with the log (MORE: `quick` leaves out the store's own check).
/// - `script` is a short life of a store, for faults.
/// - `full` fills a disk (MORE: the file that makes room).
/// - `flips` changes bits (MORE: how many, `folder`).
/// - `hold` opens the store and waits.
/// - `fill`, `rebuild` and `check-rebuilt` are for the index of a folder: see ``RebuildTorture``.
/// - `project` writes and projects until it is killed (MORE: `partitions`, `mended`, a bug to plant).
/// - `check-projections` compares rows with the log; `finish-projections` first projects to the end.
/// - `inline` writes with an inline projection until it is killed (MORE: `apart` to plant a bug).
/// - `check-inline` compares its rows with the log.
/// - `append` writes the events that `share` projects.
/// - `share` projects in other processes, by leases, until it is killed (MORE: a bug to plant).
/// - `payments` is the payment service of a shop (MORE: `ignores-keys`); `set-up-processes` makes the shop's store.
/// - `run-processes` runs the shop's process manager until it is killed (MORE: see ``ProcessTorture``).
/// - `customers` lets the shop's customers act; `check-processes` compares its log with the payment service's.
/// - `repeat` appends one event, the same each time.
/// - `act` writes to a read model like a projector and then like an operator, with marks in the log.
@main
enum Torture {
    static func main() async {
        let arguments = CommandLine.arguments
        guard arguments.count >= 5, let seed = UInt64(arguments[4]) else {
            print("sillok-torture write|check|script|full|flips|hold STORE LOG SEED [MORE]")
            exit(64)
        }
        do {
            let isClean = try await run(
                arguments[1], arguments[2], arguments[3], seed, arguments.count > 5 ? arguments[5] : nil)
            exit(isClean ? 0 : 1)
        } catch {
            print("# \(error)")
            exit(2)
        }
    }

    private static func run(
        _ verb: String, _ path: String, _ logPath: String, _ seed: UInt64, _ more: String?
    ) async throws -> Bool {
        switch verb {
        case "write":
            try await write(path, logPath, seed, words(more))
            return false
        #if os(Linux)
        case "power-cuts":
            var cuts = try PowerCuts(folder: path, logPath: logPath, seed: seed, words: words(more))
            return try await cuts.run()
        #endif
        case "write-remote":
            try await writeRemotely(path, logPath, seed, until: more ?? "")
            return true
        case "check":
            return try await check(path, logPath, seed, withVerify: more != "quick")
        case "script":
            var script = try FaultScript(path: path, logPath: logPath, seed: seed)
            return try await script.run().isEmpty
        case "full":
            var disk = try FullDisk(path: path, logPath: logPath, seed: seed, filler: more ?? "")
            return try await disk.run()
        case "flips":
            var flips = BitFlips(folder: path, seed: seed, words: words(more))
            return try await flips.run()
        case "project":
            try await ProjectionTorture.project(path, seed, words(more))
            return false
        case "check-projections": return try await ProjectionTorture.check(path)
        case "append":
            try await ProjectionTorture.append(path, seed)
            return false
        case "share":
            try await ProjectionTorture.share(path, seed, words(more))
            return false
        case "inline":
            try await ProjectionTorture.inline(path, seed, words(more))
            return false
        case "check-inline": return try await ProjectionTorture.checkInline(path)
        case "finish-projections": return try await ProjectionTorture.finish(path, words(more))
        case "hold":
            let store = try await TorturePlace(path).store(for: .writing).store
            print("open")
            fflush(nil)
            while true { try await store.reach(Position(.max)) }
        default: return try await runOther(verb, path, logPath, seed, words(more))
        }
    }

    private static func runOther(
        _ verb: String, _ path: String, _ logPath: String, _ seed: UInt64, _ words: [String]
    ) async throws -> Bool {
        if ProcessTorture.verbs.contains(verb) {
            return try await ProcessTorture.run(verb, path, logPath, seed, .init(words))
        }
        if RebuildTorture.verbs.contains(verb) {
            return try await RebuildTorture(path: path, logPath: logPath, seed: seed).run(verb, words.first)
        }
        return try await Acts(path: path, logPath: logPath, seed: seed).run(verb)
    }

    private static func check(
        _ path: String, _ logPath: String, _ seed: UInt64, withVerify: Bool
    ) async throws -> Bool {
        do {
            return try await checkStore(path, logPath, seed: seed, withVerify: withVerify).isEmpty
        } catch let error as StoreError where error.code == .notFound {
            // The writers were killed before they had made the store. Then they cannot have stored anything.
            guard try History(logPath).acknowledgements == 0 else { throw error }
            return true
        }
    }

    private static func write(_ path: String, _ logPath: String, _ seed: UInt64, _ words: [String]) async throws {
        _ = nice(10)  // other tests run beside this one
        let log = try AckLog(logPath)
        let history = try History(logPath)
        let store = try await openWritten(path, log, words)
        print("open")
        fflush(nil)
        let writers = Writers(store: store, log: log, seed: seed, plant: words.compactMap(Plant.init).first)
        await writers.settle(history)
        await writers.run(from: history.writers, count: 32)
    }

    private static func writeRemotely(
        _ address: String, _ logPath: String, _ seed: UInt64, until file: String
    ) async throws {
        let log = try AckLog(logPath)
        var options = RemoteEventStore.Options()
        options.timeout = .seconds(600)  // a busy machine starts a server slowly
        let store = try await RemoteEventStore(address, options)
        let writers = Writers(store: store, log: log, seed: seed)
        await writers.run(from: 0, count: 32, until: { FileManager.default.fileExists(atPath: file) })
    }

    private static func words(_ more: String?) -> [String] { (more ?? "").split(separator: ",").map(String.init) }
}
