import Foundation
import Logging
import NIOCore
import NIOPosix
import SillokCore
import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

@testable import SillokWebhooks

/// A receiver that others wrote, as a process: see Tests/Interop/webhook_receiver.py.
private final class PythonReceiver: Sendable {
    struct Line: Decodable {
        var message: String?
        var id: String?
        var stream: String?
        var revision: String?
        var error: String?
    }

    static let python = ProcessInfo.processInfo.environment["SILLOK_WEBHOOK_PYTHON"]

    private static let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Interop/webhook_receiver.py").path

    let port: Int
    private let log: String
    private let secret: String
    private let faults: Int
    private let process = Lock<Process?>(nil)

    init(log: String, secret: WebhookSecret, faults: Int) async throws {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
        try await channel.close()
        self.log = log
        self.secret = secret.revealed
        self.faults = faults
    }

    /// Starts the process, and returns when it takes connections.
    func start(seed: UInt64) throws {
        let process = Process()
        process.executableURL = URL(filePath: try #require(Self.python))
        process.arguments = [Self.script, "\(port)", log, secret, "\(seed % 1_000_000)", "\(faults)"]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        // It prints a line as soon as it listens.
        _ = output.fileHandleForReading.availableData
        self.process.withLock { $0 = process }
    }

    /// Ends the process without a warning.
    func end() {
        guard let process = process.withLock({ $0 }) else { return }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Answers 410 from now on, or no longer.
    func setGone(_ isGone: Bool) throws {
        if isGone {
            try Data().write(to: URL(filePath: log + ".gone"))
        } else {
            try FileManager.default.removeItem(atPath: log + ".gone")
        }
    }

    /// The ids of the events that it has kept.
    var keptIDs: Set<String> { get throws { Set(try lines.compactMap(\.id)) } }

    var lines: [Line] {
        get throws {
            guard let data = FileManager.default.contents(atPath: log) else { return [] }
            return try data.split(separator: UInt8(ascii: "\n")).compactMap { line in
                // A process that was killed may leave half a line.
                line.last == UInt8(ascii: "}") ? try JSONDecoder().decode(Line.self, from: line) : nil
            }
        }
    }
}

@Suite(
    "webhooks to receivers that others wrote",
    .enabled(if: PythonReceiver.python != nil, "scripts/interop installs the packages and runs this"), .serialized)
struct InteropTests {
    private static let (streams, revisions) = (20, 15)

    @Test(
        "at least once, in order where ordered, nothing lost: under drops, 500, 429, slow answers, restarts of both",
        arguments: [true, false], [WebhookEndpoint.ContentMode.structured, .batched])
    func faults(isOrdered: Bool, mode: WebhookEndpoint.ContentMode) async throws {
        let seed = Environment.seed
        var random = SeededGenerator(seed: seed)
        print("webhook faults: seed \(seed)")
        let folder = try WebhookFolder()
        let sides = try await Sides(folder, &random)
        defer { sides.receiver.end() }
        try sides.receiver.start(seed: random.next())
        try await sides.webhooks().register(
            "http://127.0.0.1:\(sides.receiver.port)/hook", for: .category("order"), id: "shop", isOrdered: isOrdered,
            mode: mode, by: sides.ada)
        for round in 0..<Self.revisions {
            for stream in 0..<Self.streams {
                try await sides.append(#"{"round":\#(round)}"#, to: "order-\(stream)")
            }
        }
        // Both sides are stopped at any moment.
        for _ in 0..<4 { try await sides.runBriefly(&random) }
        let last = try sides.webhooks()
        let task = Task { try await last.run() }
        let count = Self.streams * Self.revisions
        #expect(try await eventually(within: .seconds(600)) { try sides.receiver.keptIDs.count >= count })
        try await check(sides.receiver.lines, isOrdered, in: sides.store)
        try await checkGone(last, sides, count)
        // What was kept before its answer was dropped is sent once more.
        #expect(
            try await eventually(within: .seconds(300)) {
                try await last.readSide.deadLetters(of: "webhook-shop").isEmpty
            })
        task.cancel()
        _ = await task.result
        await sides.close()
    }

    /// Compares what the receiver has kept with the log.
    private func check(_ lines: [PythonReceiver.Line], _ isOrdered: Bool, in store: any EventStore) async throws {
        #expect(lines.compactMap(\.error).isEmpty)
        let sent = try await store.read(.category("order")).events
        #expect(Set(lines.compactMap(\.id)) == Set(sent.map(\.id.description)))
        print("webhook faults: \(lines.count) events kept of \(sent.count) sent")
        guard isOrdered else { return }
        for (stream, lines) in Dictionary(grouping: lines, by: \.stream) {
            // Without its repeats, each stream is in order.
            var seen: Set<Int> = []
            let first = lines.compactMap { $0.revision.flatMap { Int($0) } }.filter { seen.insert($0).inserted }
            #expect(first == Array(1...Self.revisions), "\(stream ?? "")")
        }
    }

    private func checkGone(_ webhooks: Webhooks, _ sides: Sides, _ count: Int) async throws {
        try sides.receiver.setGone(true)
        try await sides.append("1", to: "order-last")
        #expect(
            try await eventually(within: .seconds(300)) {
                try await webhooks.endpoints().first?.status == .disabled(reason: "It answered 410 Gone.")
            })
        try sides.receiver.setGone(false)
        try await webhooks.enable("shop", by: sides.ada)
        #expect(try await eventually(within: .seconds(300)) { try sides.receiver.keptIDs.count == count + 1 })
    }
}

/// The sender with its files, and the receiver.
private struct Sides {
    let store: SQLiteEventStore
    let model: SQLiteReadModel
    let receiver: PythonReceiver
    let ada = Operator("Ada", because: "it is a test")
    private let masterKey: WebhookMasterKey

    init(_ folder: WebhookFolder, _ random: inout SeededGenerator) async throws {
        store = try SQLiteEventStore(path: folder.path("log.sqlite"))
        model = try SQLiteReadModel(path: folder.path("model.sqlite"))
        masterKey = try WebhookMasterKey((0..<32).map { _ in .random(in: 0...255, using: &random) })
        receiver = try await PythonReceiver(
            log: folder.path("received"), secret: masterKey.secret(of: "shop", generation: 1), faults: 30)
    }

    func webhooks() throws -> Webhooks {
        var options = WebhookOptions()
        options.allowsLoopbackForTests = true
        options.timeout = .seconds(1)
        options.pollInterval = .milliseconds(50)
        options.schedule = RetrySchedule(pauses: [Duration](repeating: .milliseconds(60), count: 200))
        return try Webhooks(
            of: store, progressIn: model, masterKey: masterKey, options: options,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    func append(_ payload: String, to stream: StreamID) async throws {
        try await store.append([EventData(type: "noted", text: payload)], to: stream)
    }

    /// Sends for a short time, and starts the receiver again meanwhile, or not.
    func runBriefly(_ random: inout SeededGenerator) async throws {
        let task = Task { [webhooks = try webhooks()] in try await webhooks.run() }
        try await Task.sleep(for: .milliseconds(Int.random(in: 200...900, using: &random)))
        if random.once(in: 2) {
            receiver.end()
            try await Task.sleep(for: .milliseconds(100))
            try receiver.start(seed: random.next())
        }
        task.cancel()
        _ = await task.result
    }

    func close() async {
        await model.close()
        await store.close()
    }
}
