import Foundation
import Sillok
import SillokClient
import SillokCore
import SillokHistory
import SillokPostgres
import SillokProcesses
import SillokRehearsal
import SillokSQLite

/// The verbs `payments`, `set-up-processes`, `customers`, `run-processes` (until it is killed) and `check-processes`.
enum ProcessTorture {
    static let verbs: Set<String> = ["payments", "set-up-processes", "customers", "run-processes", "check-processes"]

    /// What the last argument of a verb says: `name` or `name=value`, joined by commas.
    struct Words: Sendable {
        private let values: [String: String]

        init(_ words: [String]) {
            let pairs = words.map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
            values = Dictionary(pairs.map { ($0.first ?? "", $0.count > 1 ? $0[1] : "") }) { $1 }
        }

        func has(_ name: String) -> Bool { values[name] != nil }
        func number(_ name: String, _ usual: Int) -> Int { values[name].flatMap(Int.init) ?? usual }
    }

    /// Opens the log and the model of the index: of a file, a server `sillok://` with a file for the index, or schemas.
    private static func open(_ path: String, _ logPath: String) async throws -> (
        store: any EventStore, model: any ReadModel
    ) {
        if path.hasPrefix("sillok://") {
            var options = RemoteEventStore.Options()
            options.timeout = .seconds(120)
            options.token = ProcessInfo.processInfo.environment["SILLOK_TORTURE_TOKEN"]
            return (try await RemoteEventStore(path, options), try SQLiteReadModel(path: logPath + ".index"))
        }
        return (try await TorturePlace(path).store(for: .writing).store, try await TorturePlace(path).model())
    }

    /// Runs a verb. Returns whether nothing was found.
    static func run(_ verb: String, _ path: String, _ logPath: String, _ seed: UInt64, _ words: Words) async throws
        -> Bool
    {
        switch verb {
        case "payments":
            try PaymentService(logPath: logPath + ".payments", seed: seed, honoursKeys: !words.has("ignores-keys"))
                .run()
        case "set-up-processes": try await setUp(path, logPath, seed)
        case "customers": try await customers(path, logPath, seed, words)
        case "run-processes": try await run(path, logPath, seed, words)
        default: return try await check(path, logPath, seed, words)
        }
        return true
    }

    private static func setUp(_ path: String, _ logPath: String, _ seed: UInt64) async throws {
        let (store, _) = try await open(path, logPath)
        print("start \(try await Customers.setUp(store, seed: seed).value)")
    }

    private static func customers(_ path: String, _ logPath: String, _ seed: UInt64, _ words: Words) async throws {
        let (store, _) = try await open(path, logPath)
        try await customers(seed, words).run(store)
    }

    private static func customers(_ seed: UInt64, _ words: Words) -> Customers {
        Customers(seed: seed, orders: words.number("orders", 40), pace: words.number("pace", 40))
    }

    /// Runs the process manager, and with `customers` the customers as well.
    private static func run(_ path: String, _ logPath: String, _ seed: UInt64, _ words: Words) async throws {
        _ = nice(10)  // other tests run beside this one
        TorturedCheckout.version = words.number("version", 1)
        let (store, model) = try await open(path, logPath)
        let calls = try AckLog(logPath + ".calls")
        calls.write("opened")
        let client = PaymentClient(
            port: UInt16(words.number("port", 0)), calls: calls, isRandom: words.has("random-keys"))
        let runner = runner(store, model, client, words)
        print("open")
        fflush(nil)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await runner.run() }
            if words.has("customers") { group.addTask { try await customers(seed, words).run(store) } }
            try await group.waitForAll()
        }
    }

    private static func runner(
        _ store: any EventStore, _ model: any ReadModel, _ client: PaymentClient, _ words: Words
    ) -> ProcessRunner<TorturedCheckout> {
        var options = ProcessOptions(
            partitions: 4, lease: words.has("lease") ? .milliseconds(300) : nil, pollInterval: .milliseconds(100))
        options.longestPause = .milliseconds(500)
        let stock = CommandHandler<TorturedStock>("stock", in: store)
        let invoices = CommandHandler<TorturedInvoice>("invoice", in: store)
        let outcomes = CommandHandler<TorturedOutcome>("outcome", in: store)
        let start = Position(UInt64(words.number("start", 0)))
        return ProcessRunner(TorturedCheckout.self, after: start, in: store, index: model, options: options) {
            request in
            switch request {
            case .reserve(let item, let units, let order):
                .execute(.reserve(units: units, order: order), on: item, with: stock)
            case .release(let item, let units, let order):
                .execute(.release(units: units, order: order), on: item, with: stock)
            case .invoice(let order, let cents): .execute(.issue(cents: cents), on: order, with: invoices)
            case .credit(let order, let cents): .execute(.credit(cents: cents), on: order, with: invoices)
            case .confirm(let order): .execute(.confirm, on: order, with: outcomes)
            case .cancel(let order, let reason): .execute(.cancel(reason: reason), on: order, with: outcomes)
            }
        } effects: {
            client.call($0)
        }
    }

    /// Checks until there is nothing to find, or the time is over.
    private static func check(_ path: String, _ logPath: String, _ seed: UInt64, _ words: Words) async throws -> Bool {
        let end = ContinuousClock.now + .seconds(words.number("seconds", 30))
        let store: any EventStore =
            path.hasPrefix("sillok://")
            ? try await open(path, logPath).store : try await TorturePlace(path).store(for: .reading).store
        while true {
            var check = ProcessCheck(
                seed: seed, orders: words.number("orders", 40), honoursKeys: !words.has("ignores-keys"))
            check.isAlone = !words.has("lease")
            try await check.read(store, payments: logPath + ".payments", calls: logPath + ".calls")
            check.run()
            // Only a log in which all orders have ended is worth the time.
            if check.findings.isEmpty { try await rehearse(store, words, &check) }
            if check.findings.isEmpty || ContinuousClock.now > end || (words.has("until-doubled") && check.doubled > 0)
            {
                check.report()
                return check.findings.isEmpty
            }
            try await Task.sleep(for: .milliseconds(300))
        }
    }

    /// P7: the rules that ran want the recorded steps, after all kills and for the records of both versions.
    ///
    /// With `other-rules` the payment may take longer, so each order must differ.
    private static func rehearse(_ store: any EventStore, _ words: Words, _ check: inout ProcessCheck) async throws {
        if words.has("other-rules") { TorturedCheckout.patience = .milliseconds(3000) }
        let start = Position(UInt64(words.number("start", 0)))
        let report = try await store.past().rehearse(TorturedCheckout.self, after: start, limit: 1)
        check.rehearsed = report.instances
        if !report.isSame { check.note("P7: \("\(report)".replacing("\n", with: ";"))") }
    }
}

/// The runner's side of the payment service.
struct PaymentClient: Sendable {
    let port: UInt16
    /// Notes each call that was not answered well.
    let calls: AckLog
    /// Whether each call has a key of its own: a bug.
    let isRandom: Bool

    private static func policy(_ effect: TorturedCheckout.Effect) -> EffectCall.Policy {
        var policy = EffectCall.Policy()
        policy.limit = 8
        policy.timeout = .milliseconds(350)
        // Money that was taken must be given back, however long that takes.
        policy.attempts = if case .refund = effect { .max } else { 4 }
        policy.pause = .milliseconds(40)
        policy.longestPause = .milliseconds(300)
        return policy
    }

    func call(_ effect: TorturedCheckout.Effect) -> EffectCall {
        let content =
            switch effect {
            case .charge(let order, let cents): "charge \(order) \(cents)"
            case .refund(let order, let cents): "refund \(order) \(cents)"
            }
        let lookUp: @Sendable (EffectAttempt) async throws -> EffectResult? = { attempt in
            let answer = try await ask("find \(attempt.idempotencyKey)")
            return switch answer {
            case "200 done": .done(answer)
            case "402 declined", "409 void": .failed(reason: answer)
            default: nil
            }
        }
        return EffectCall(policy: Self.policy(effect), lookUp: isRandom ? nil : lookUp) { attempt in
            let key = isRandom ? EventID().description : attempt.idempotencyKey
            return try await withTaskCancellationHandler {
                let answer = try await ask("call \(key) \(content)")
                switch answer {
                case "200 done": return answer
                case "402 declined", "409 void": throw EffectFailed(answer)
                default:
                    // One that ran out of time is noted below.
                    if !Task.isCancelled { calls.write("failed \(content)") }
                    throw TortureFailure("the payment service answered \(answer)")
                }
            } onCancel: {
                calls.write("failed \(content)")
            }
        }
    }

    /// Sends a line and returns the answer. The call blocks a thread of its own.
    private func ask(_ line: String) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        let socket = try LineSocket(port: port, timeoutSeconds: 2)
                        socket.writeLine(line)
                        return socket.readLine()
                    })
            }
        }
    }
}
