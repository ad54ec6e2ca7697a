#if Postgres
import Foundation
import Sillok
import SillokPostgres
import SillokProcesses
import SillokProjections

/// One application process: writers, projectors, a process manager, subscribers and readers.
struct Application: Sendable {
    let name: String
    let folder: String
    let words: Words
    let store: PostgresEventStore
    let pooled: PostgresEventStore
    let model: PostgresReadModel
    let history: HistoryFile
    let isOver: Flag

    init(_ words: Words) async throws {
        self.words = words
        name = try words.text("name")
        folder = try words.text("folder")
        history = try HistoryFile("\(folder)/\(name).history")
        isOver = Flag("\(folder)/over")
        let timeout = Duration.seconds(words.number("timeout", 45))
        let primary = try words.text("primary")
        let clock = Self.clock("\(folder)/\(name).skew")
        store = try await PostgresEventStore(primary, mode: .existing, timeout: timeout, readers: 6, clock: clock)
        pooled = try await PostgresEventStore(
            try words.text("pooler"), mode: .existing, timeout: timeout, readers: 1)
        model = try await PostgresReadModel(primary)
    }

    /// The clock of this process: that of the system, and ahead by the number of seconds in a file.
    private static func clock(_ path: String) -> WallClock {
        WallClock {
            let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? "0"
            let seconds = Int64(text.prefix { $0 != "\n" }) ?? 0
            return WallClock.system.now().advanced(byMicroseconds: seconds * 1_000_000)
        }
    }

    /// Creates the store and the read model.
    static func prepare(_ words: Words) async throws {
        let store = try await PostgresEventStore(try words.text("primary"))
        let model = try await PostgresReadModel(try words.text("primary"))
        await model.close()
        await store.close()
    }

    func run() async throws {
        history.write("started \(name) \(microseconds())")
        let finished = Flag("\(folder)/finished")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in try writers() { group.addTask { await writer.run(until: isOver) } }
            for subscriber in try await subscribers() { group.addTask { await subscriber.run() } }
            let reader = Reader(name: name, address: name, store: store, history: history, pause: .milliseconds(100))
            group.addTask { await reader.run() }
            for projection in [1, 2] { group.addTask { await project(projection) } }
            group.addTask { await handleOrders() }
            while !finished.isSet { try await Task.sleep(for: .milliseconds(200)) }
            group.cancelAll()
        }
    }

    private func writers() throws -> [Writer] {
        let kinds: [Writer.Kind] = [.single, .single, .batch, .revision, .revision, .tags, .mark, .order]
        let pause = Duration.milliseconds(1000 * kinds.count / max(1, words.number("rate", 24)))
        let plant = Writer.Plant(words)
        var writers = kinds.enumerated().map { index, kind in
            Writer(
                name: "\(name)_\(index)", address: name, kind: kind, store: store, settling: store, history: history,
                pause: pause, plant: plant)
        }
        writers.append(
            Writer(
                name: "\(name)_p", address: "\(name)/pooler", kind: .single, store: pooled, settling: pooled,
                history: history, pause: .milliseconds(500), plant: plant))
        return writers
    }

    private func subscribers() async throws -> [Subscriber] {
        let replica = try await PostgresEventStore(
            try words.text("replicas"), mode: .readOnly, timeout: .seconds(10), readers: 2)
        var subscribers = (1...3).map {
            Subscriber(
                name: "\(name)_s\($0)", isReplica: false, store: store, history: history,
                checksMark: $0 < 3 || !words.has("skips-marks"))
        }
        subscribers.append(
            Subscriber(name: "\(name)_r", isReplica: true, store: replica, history: history, checksMark: true))
        return subscribers
    }

    private func project(_ number: Int) async {
        await again {
            try await Projector(
                WrittenTotals(name: "written_\(number)"), from: store, into: model,
                options: ProjectorOptions(
                    failures: .stop, partitions: 2, lease: .seconds(3), batch: 200, pollInterval: .milliseconds(500))
            ).run()
        }
    }

    private func handleOrders() async {
        await again { try await Checkout.runner(in: store, index: model, name: name, folder: folder).run() }
    }

    /// Runs work that should not end, again if it does.
    private func again(_ work: () async throws -> Void) async {
        while !Task.isCancelled {
            do { try await work() } catch is CancellationError { return } catch {
                history.write("trouble \(microseconds()) \(name) \(error)".replacing("\n", with: " "))
            }
            try? await Task.sleep(for: .milliseconds(500))
        }
    }
}

/// Whether a file exists.
struct Flag: Sendable {
    let path: String
    init(_ path: String) { self.path = path }
    var isSet: Bool { access(path, F_OK) == 0 }
}
#endif
