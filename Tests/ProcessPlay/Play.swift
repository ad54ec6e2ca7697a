import Foundation
import Logging
import Sillok
import SillokClient
import SillokProcesses
import SillokSQLite
import SillokWebhooks

/// Processes and webhooks for the tests in a browser:
/// `sillok-process-play make STORE MODEL RECEIVER INSTANCES [TEXTS]` writes a store and its read model, and
/// `sillok-process-play run sillok://HOST:PORT MODEL RECEIVER` runs them against a server until it is ended.
///
/// SILLOK_TOKEN has the key for the server. RECEIVER is the address of an HTTP server on this machine, and TEXTS a file
/// of JSON with texts for names.
@main
enum Play {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count > 4 else { throw BankFailure(description: "see Tests/ProcessPlay/Play.swift") }
        let model = try SQLiteReadModel(path: arguments[3])
        switch arguments[1] {
        case "make":
            let texts = arguments.count > 6 ? try read(arguments[6]) : []
            try await make(
                try SQLiteEventStore(path: arguments[2]), model, receiver: arguments[4],
                count: Int(arguments[5]) ?? 100, texts)
        default:
            var options = RemoteEventStore.Options()
            options.token = ProcessInfo.processInfo.environment["SILLOK_TOKEN"]
            let store = try await RemoteEventStore(arguments[2], options)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await Purchase.runner(in: store, index: model, isBankReached: true).run() }
                let webhooks = try webhooks(of: store, model, receiver: arguments[4])
                group.addTask { try await webhooks.run() }
                try await group.next()
            }
        }
    }

    private static func read(_ path: String) throws -> [String] {
        try JSONDecoder().decode([String].self, from: Data(contentsOf: URL(filePath: path)))
    }

    /// Writes orders of every fate, and handles them.
    private static func make(
        _ store: SQLiteEventStore, _ model: SQLiteReadModel, receiver: String, count: Int, _ texts: [String]
    ) async throws {
        let webhooks = try webhooks(of: store, model, receiver: receiver)
        for (id, path) in [("shop", "taken"), ("archive", "taken"), ("ledger", "refused"), ("partner", "gone")] {
            try await webhooks.register(
                receiver + path, for: EventQuery([.init(category: "order", types: ["paid"])]), id: id,
                by: Operator("Ada", because: "the owner of \(id) asked for it"))
        }
        let runner = Purchase.runner(in: store, index: model)
        let fates = ["tea", "coffee", "slow", "lost", "declined", "rare", "unpaid", "unpaid", "tea", "tea"]
        try await place(
            store,
            (0..<min(count, 300)).map { ("order-\($0 + 1)", fates[$0 % fates.count]) }
                + texts.enumerated().map { ("order-\($1)", "\(fates[2 + $0 % 5]) \($1)") })
        try await runner.catchUp()
        try await place(store, [("order-rated", "rated")])
        let parked = texts.prefix(10).map { "order-parked \($0)" } + (1...3).map { "order-parked-\($0)" }
        try await place(store, parked.map { ($0, "unpaid") }, hops: 200)
        for start in stride(from: 300, to: count, by: 1000) {
            try await place(store, (start..<min(count, start + 1000)).map { ("order-\($0)", "many") })
        }
        try await runner.catchUp()
        try await webhooks.pause("archive", by: Operator("Ada", because: texts.first ?? "it is being moved"))
        // Until the endpoint that is gone is disabled, which needs an attempt.
        let sending = Task { try await webhooks.run() }
        defer { sending.cancel() }
        while try await webhooks.endpoints().allSatisfy({ $0.status == .active || $0.id == "archive" }) {
            try await Task.sleep(for: .milliseconds(50))
        }
        while try await webhooks.deliveries(of: "shop", limit: 1).isEmpty {
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Appends orders, and their payments unless the order is unpaid.
    static func place(
        _ store: any EventStore, _ orders: [(stream: String, item: String)], hops: Int? = nil
    ) async throws {
        let coding = EventCoding<PurchaseEvent>()
        var metadata = Metadata()
        if let hops { metadata["hops"] = "\(hops)" }
        var request = AppendRequest([])
        for (stream, item) in orders {
            let id = StreamID(stream)
            request.entries.append(
                .init(stream: id, event: try coding.encode(.placed(item: item, cents: 1999), metadata: metadata)))
            if item != "many", !item.hasPrefix("unpaid") {
                request.entries.append(.init(stream: id, event: try coding.encode(.paid(cents: 1999))))
            }
            if request.entries.count >= 500 {
                try await store.append(request)
                request.entries = []
            }
        }
        if !request.entries.isEmpty { try await store.append(request) }
    }

    static func webhooks(
        of store: any EventStore, _ model: SQLiteReadModel, receiver: String
    ) throws -> Webhooks {
        var options = WebhookOptions()
        options.allowsLoopbackForTests = true
        options.pollInterval = .milliseconds(200)
        if let port = URL(string: receiver)?.port { options.ports = [port] }
        return try Webhooks(
            of: store, progressIn: model, masterKey: WebhookMasterKey([UInt8](repeating: 7, count: 32)),
            options: options, logger: Logger(label: "play") { _ in SwiftLogNoOpLogHandler() })
    }
}
