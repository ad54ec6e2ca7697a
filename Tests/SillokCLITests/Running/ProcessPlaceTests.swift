import Foundation
import Sillok
import SillokClient
import SillokCore
import SillokSQL
import SillokSQLite
import Testing

@testable import SillokCLI

#if Postgres
import SillokPostgres
#endif

/// The verbs of operators where the log is not a file of theirs: behind a server, or on PostgreSQL.
@Suite("Processes, webhooks and schedules of a server", .timeLimit(.minutes(10)))
struct ProcessPlaceTests {
    /// Runs a command line on the places of a test. The name of the read model comes after the verb.
    typealias Command = @Sendable ([String]) async throws -> Ending

    let folder = TemporaryFolder()

    @Test("every verb through sillok://, with a key that names the reserved categories, while the application runs")
    func served() async throws {
        let file = folder("shop.sqlite")
        let resources = ["*", "process:payment-*", "process:schedule_reminders-*", "schedule:*", "webhook:*"]
        let scopes = ["read", "append", "subscribe"]
        let created = await sillok(
            ["keys", "create", file, "--name", "operators"] + scopes.flatMap { ["--scope", $0] }
                + resources.flatMap { ["--resource", $0] })
        let token = try #require(created.lines.first)
        let server = try BuiltCommand(["serve", file, "--auth", "keys", "--grpc", "127.0.0.1:0"], in: folder)
        try await server.wait { $0.contains("sillok://") }
        let address = String(try #require(server.text.firstMatch(of: #/sillok://127.0.0.1:\d+/#)).0)
        let path = folder("views.sqlite")
        var options = RemoteEventStore.Options()
        options.token = token
        let store = try await RemoteEventStore(address, options)
        let model = try SQLiteReadModel(path: path)
        let folder = folder
        try await checkVerbs(store, model) { arguments in
            var all = arguments
            all.insert(path, at: 2)
            return try await BuiltCommand(
                all + ["--store", address], in: folder, environment: ["SILLOK_TOKEN": token]
            ).ending()
        }
        // Without the key the server refuses, and says why.
        let end = ["processes", "end", path, "payment", "2", "--reason", "a test", "--store", address]
        let refused = try await BuiltCommand(end, in: folder).ending()
        #expect(refused.status != 0 && refused.errors.contains("SILLOK_TOKEN"), "\(refused)")
        await model.close()
        await store.close()
        kill(server.process.processIdentifier, SIGTERM)
        #expect(try await server.ending().status == 0)
    }

    #if Postgres
    private static var server: String { ProcessInfo.processInfo.environment["SILLOK_POSTGRES"] ?? "" }

    @Test("every verb on PostgreSQL, while the application runs", .enabled(if: !server.isEmpty))
    func postgres() async throws {
        let name = UUID().uuidString.prefix(8).lowercased()
        let (log, views) = ("\(Self.server)#log_\(name)", "\(Self.server)#views_\(name)")
        let store = try await PostgresEventStore(Self.server, schema: "log_\(name)")
        let model = try await PostgresReadModel(Self.server, schema: "views_\(name)")
        try await checkVerbs(store, model) { arguments in
            var all = arguments
            all.insert(views, at: 2)
            return await sillok(all + ["--store", log])
        }
        // An operator who mistypes the name of a schema creates no store.
        let (typo, why) = ("\(Self.server)#typo_\(name)", ["--reason", "a test", "--actor", "ada"])
        let pause = ["webhooks", "pause", views, "warehouse", "--store", typo]
        #expect(await sillok(pause + why).status == 66)
        #expect(await sillok("processes", "list", views, "--store", typo).status == 66)
        #expect(await sillok("stat", typo).status == 66)
        let missing = await sillok("processes", "list", typo, "--store", log)
        #expect(missing.status == 0 && missing.errors.contains("no processes"), "\(missing)")
        await model.close()
        await store.close()
    }

    @Test("the log of the keys of any store can be in PostgreSQL", .enabled(if: !server.isEmpty))
    func keys() async throws {
        let (store, access) = (folder("bank.sqlite"), "\(Self.server)#keys_\(UUID().uuidString.prefix(8).lowercased())")
        let created = await sillok(
            "keys", "create", store, "--name", "operators", "--scope", "read", "--access", access)
        #expect(created.status == 0, "\(created)")
        #expect(await sillok("keys", "list", store, "--access", access).output.contains("operators"))
        #expect(await sillok("keys", "list", store).output.contains("operators") == false)
    }
    #endif

    // MARK: The verbs

    private let why = ["--reason", "a test", "--actor", "ada"]
    /// For requests that the application executes: it may begin late on a busy machine.
    private let patiently = ["--timeout-seconds", "300"]

    private func checkVerbs(_ store: any EventStore, _ model: any ReadModel, _ run: @escaping Command) async throws {
        let application = OperatedApplication(store: store, model: model)
        let declined = ["2", "3", "4", "5"]
        try await OperatedApplication.place([("1", 500)] + declined.map { ($0, 13) }, in: store)
        try await application.running {
            let isReady = try await eventually {
                let failing = try await run(["processes", "effects", "payment", "--json"]).lines
                let all = try await run(["processes", "list", "--json"]).output
                return failing.count == declined.count && all.contains(#""completed":1"#)
            }
            #expect(isReady)
            try await checkProcesses(run, application)
            try await checkSchedules(store, run)
            try await checkWebhooks(run)
        }
    }

    private func checkProcesses(_ run: Command, _ application: OperatedApplication) async throws {
        #expect(try await run(["processes", "instances", "payment", "--state", "completed"]).lines.count == 2)
        #expect(try await run(["processes", "show", "payment", "1"]).output.hasPrefix("payment 1  completed\n"))
        #expect(try await run(["processes", "deadlines", "payment"]).output.contains("reminder"))
        #expect(try await run(["processes", "effects", "payment"]).output.contains("the bank is closed"))
        for (verb, key, more) in [("answer", "3", ["--result", "by phone"]), ("skip", "4", [String]())] {
            let step = try await failingStep(of: key, run)
            let ending = try await run(["processes", verb, "payment", key, step] + more + why + patiently)
            #expect(ending.status == 0 && ending.output.contains(": done"), "\(verb): \(ending)")
        }
        for (verb, key) in [("end", "5"), ("undo", "5")] {
            let ending = try await run(["processes", verb, "payment", key] + why + patiently)
            #expect(ending.status == 0 && ending.output.contains(": done"), "\(verb): \(ending)")
        }
        for (verb, key) in [("end", "5"), ("release", "2")] {
            #expect(try await run(["processes", verb, "payment", key] + why).status == 2)
        }
        let retry = try await ["processes", "retry", "payment", "2", failingStep(of: "2", run)] + why + patiently
        let retried = try await run(retry)
        #expect(retried.status == 0, "\(retried)")
        application.isOpen.withLock { $0 = true }
        // The application may have made the call before the operator.
        let again = try await run(retry)
        #expect(again.status == 0 || again.errors.contains("no open work"), "\(again)")
        #expect(
            try await eventually {
                try await run(["processes", "show", "payment", "2"]).output.hasPrefix("payment 2  completed")
            })
        #expect(try await run(["processes", "show", "payment", "3"]).output.contains("by ada: a test"))
    }

    private func failingStep(of key: String, _ run: Command) async throws -> String {
        let lines = try await run(["processes", "effects", "payment", "--json"]).lines
        let line = try #require(lines.first { $0.contains(#""key":"\#(key)""#) })
        let start = try #require(line.range(of: #""id":""#))
        return String(line[start.upperBound...].prefix { $0 != "\"" })
    }

    private func checkSchedules(_ store: any EventStore, _ run: Command) async throws {
        for (key, time) in [("a", "2099-01-02T08:00:00Z"), ("b", "2001-01-01T08:00:00Z")] {
            let add = ["schedule", "add", "reminders", #"{"remind":{"order":"1"}}"#, "--at", time, "--key", key]
            #expect(try await run(add + why).status == 0)
        }
        #expect(
            try await eventually {
                let isDone = try await store.stream("reminder-1") != nil
                let waiting = try await run(["schedule", "list", "reminders"]).lines
                return isDone && waiting.count == 2
            })
        #expect(try await run(["schedule", "list"]).output.contains("reminders"))
        #expect(try await run(["schedule", "cancel", "reminders", "a"] + why).status == 0)
        let none = try await eventually {
            try await run(["schedule", "list", "reminders"]).errors.contains("no commands wait")
        }
        #expect(none)
    }

    private func checkWebhooks(_ run: Command) async throws {
        let register = ["webhooks", "register", "https://shop.example/hooks", "--id", "warehouse"]
        let registered = try await run(register + ["--category", "order"] + why)
        #expect(registered.status == 0, "\(registered)")
        for act in ["rotate", "pause", "resume"] {
            #expect(try await run(["webhooks", act, "warehouse"] + why).status == 0, "\(act)")
        }
        let list = try await run(["webhooks", "list", "--json"]).output
        #expect(list.contains(#""id":"warehouse","state":"active""#) && list.contains(#""generation":2"#))
        #expect(try await run(["webhooks", "show", "warehouse"]).output.contains("by ada"))
        #expect(try await run(["webhooks", "deliveries", "warehouse"]).errors.contains("no deliveries"))
        let redrive = try await run(["webhooks", "redrive", "warehouse", "--from", "1"] + why)
        #expect(redrive.status == 2, "\(redrive)")
        #expect(try await run(["webhooks", "remove", "warehouse"] + why).status == 0)
        #expect(try await run(["webhooks", "list"]).errors.contains("no endpoints"))
    }

    /// Asks again until something holds, for as long as a slow machine may take.
    private func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
        let deadline = ContinuousClock.now + .seconds(300)
        while ContinuousClock.now < deadline {
            if try await condition() { return true }
            try await Task.sleep(for: .milliseconds(50))
        }
        return false
    }
}
