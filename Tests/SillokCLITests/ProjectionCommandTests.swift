import Foundation
import SillokLog
import SillokProjections
import SillokSQLite
import Testing

@testable import SillokCLI

private enum AccountEvent: Codable, Sendable { case opened(owner: String), deposited(cents: Int) }

/// Sums of accounts; cannot handle amounts over a thousand until it is mended.
private struct Sums: Projection {
    struct TooMuch: Error {}

    var isMended = false
    let name = "sums"
    let version = 1
    let source = EventQuery.category("account")
    let schema: [SQL] = ["CREATE TABLE \(table: "sums") (account TEXT PRIMARY KEY, cents BIGINT NOT NULL)"]

    func project(_ event: Recorded<AccountEvent>) throws -> [SQL] {
        switch event.payload {
        case .opened: return ["INSERT INTO \(table: "sums") VALUES (\(event.stream), 0)"]
        case .deposited(let cents):
            if cents > 1000 && !isMended { throw TooMuch() }
            return ["UPDATE \(table: "sums") SET cents = cents + \(cents) WHERE account = \(event.stream)"]
        }
    }
}

/// A clock that lets nothing sleep: what looks again and again looks once.
private struct OneLook: Clock {
    var now: ContinuousClock.Instant { ContinuousClock.now }
    var minimumResolution: Duration { .zero }

    func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws { throw CancellationError() }
}

@Suite("Projections on the command line")
struct ProjectionCommandTests {
    let folder = TemporaryFolder()
    var store: String { folder("bank.sqlite") }
    var model: String { folder("views.sqlite") }
    let why = ["--reason", "a test", "--actor", "ada"]
    /// For requests that the application executes: it may begin late on a busy machine.
    let patiently = ["--timeout-seconds", "300"]

    /// A store with two accounts, one of which has a deposit that is too much, projected.
    private func prepare() async throws {
        let store = try SQLiteEventStore(path: store)
        let model = try SQLiteReadModel(path: model)
        let accounts: [(StreamID, [String])] = [("account-1", ["5", "2000", "7"]), ("account-2", ["9"])]
        for (stream, amounts) in accounts {
            try await store.append([EventData(type: "opened", text: #"{"owner":"Ada"}"#)], to: stream)
            for cents in amounts {
                try await store.append([EventData(type: "deposited", text: "{\"cents\":\(cents)}")], to: stream)
            }
        }
        try await Projector(Sums(), from: store, into: model).catchUp()
        await model.close()
        await store.close()
    }

    /// Runs an application with the mended projection while `body` does.
    private func withApplication<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        let store = try SQLiteEventStore(path: store)
        let model = try SQLiteReadModel(path: model)
        let projector = Projector(
            Sums(isMended: true), from: store, into: model, options: .init(pollInterval: .milliseconds(20)))
        let running = Task { try await projector.run() }
        let result = try await body()
        running.cancel()
        _ = await running.result
        await model.close()
        await store.close()
        return result
    }

    @Test("list and status say how projections are")
    func list() async throws {
        try await prepare()
        let list = await sillok("projections", "list", model, "--store", store)
        #expect(list.status == 0)
        #expect(list.output.contains("sums v1"))
        #expect(list.output.contains("live"))
        let json = await sillok("projections", "status", model, "sums", "--store", store, "--json").output
        #expect(json.contains(#""state":"live","lifecycle":"async","partitions":1,"position":6,"head":6,"behind":0"#))
        #expect(json.contains(#""deadLetters":2"#))
        #expect(await sillok("projections", "status", model, "none", "--store", store).status == 66)
        #expect(await sillok("projections", "list", model).status == 64)
        #expect(await sillok("projections", "list", folder("none"), "--store", store).status == 66)
        #expect(!FileManager.default.fileExists(atPath: folder("none")))
    }

    @Test("verify is sound, or names the event that differs")
    func verify() async throws {
        try await prepare()
        let sound = await sillok("projections", "verify", model, "sums", "--store", store)
        #expect(sound.status == 0)
        #expect(sound.output == "sound: sums v1, 6 events, 2 of them dead letters\n")
        let opened = try SQLiteReadModel(path: model)
        try await opened.write(ReadModelWrite([.init("UPDATE sillok_checkpoints SET sum = 1")]))
        await opened.close()
        let differs = await sillok("projections", "verify", model, "sums", "--store", store)
        #expect(differs.status == 1)
        #expect(differs.output.hasPrefix("differs: sums v1"))
    }

    @Test("dead letters are listed, shown, and retried by the application when it runs")
    func deadLetters() async throws {
        try await prepare()
        let list = await sillok("dead-letters", "list", model)
        #expect(list.output.contains("TooMuch"))
        #expect(list.output.contains("behind"))
        #expect(await sillok("dead-letters", "list", model, "--json").lines.count == 2)
        let show = await sillok("dead-letters", "show", model, "sums", "3", "--store", store)
        #expect(show.output.contains(#"{"cents":2000}"#))
        #expect(await sillok("dead-letters", "show", model, "sums", "1", "--store", store).status == 2)
        let alone = await sillok(
            ["dead-letters", "retry", model, "sums", "--all", "--timeout-seconds", "0.2"] + why)
        #expect(alone.status == 1)
        #expect(alone.errors.contains("no application has started it yet"))
        let retried = try await withApplication {
            await sillok(["dead-letters", "retry", model, "sums", "--all"] + why + patiently)
        }
        // The application may have seen the first request before the second was made.
        #expect(retried.status == 0)
        #expect(await sillok("dead-letters", "list", model).errors == "no dead letters\n")
        let audit = await sillok("projections", "audit", model)
        #expect(audit.output.contains("a test"))
        #expect(await sillok(["dead-letters", "retry", model, "sums"] + why).status == 64)
        #expect(await sillok("dead-letters", "skip", model, "sums", "3").status == 64)
    }

    @Test("skip and replace settle parked events")
    func settles() async throws {
        try await prepare()
        #expect(await sillok(["dead-letters", "replace", model, "sums", "3", "--data", "{"] + why).status == 2)
        #expect(
            await sillok(["dead-letters", "replace", model, "sums", "3", "--data", #"{"cents":1}"#] + why).status == 0)
        #expect(await sillok(["dead-letters", "skip", model, "sums", "4"] + why).status == 0)
        #expect(await sillok("dead-letters", "list", model).output.contains("skipped"))
    }

    @Test("N11: a rebuild says that queries see it when it is promoted")
    func promoteNext() async throws {
        try await prepare()
        let built = try await withApplication {
            await sillok(["projections", "rebuild", model, "sums", "--store", store] + why + patiently)
        }
        #expect(built.status == 0 && built.output.contains("until this one is promoted"), "\(built.output)")
    }

    @Test("the application rebuilds a projection, which is compared, promoted, rolled back and dropped")
    func rebuild() async throws {
        try await prepare()
        let alone = await sillok(
            ["projections", "rebuild", model, "sums", "--store", store, "--timeout-seconds", "0.2"] + why)
        #expect(alone.status == 1)
        #expect(alone.errors.contains("no application has started it yet"))
        #expect(await sillok(["projections", "drop", model, "sums", "1", "2"] + why).status == 0)
        let built = try await withApplication {
            await sillok(["projections", "rebuild", model, "sums", "--store", store] + why + patiently)
        }
        #expect(built.status == 0)
        #expect(built.output.hasPrefix("sums v1 build 2 is built: 6 events"))
        let diff = await sillok("projections", "diff", model, "sums")
        #expect(diff.status == 1)
        #expect(diff.output.contains("- account=\"account-1\" cents=5"))
        #expect(diff.output.contains("+ account=\"account-1\" cents=2012"))
        #expect(await sillok(["projections", "promote", model, "sums"] + why).status == 0)
        #expect(await sillok(["projections", "promote", model, "sums"] + why).status == 2)
        #expect(await sillok(["projections", "rollback", model, "sums"] + why).status == 0)
        #expect(await sillok(["projections", "pause", model, "sums"] + why).status == 0)
        #expect(await sillok("projections", "list", model, "--store", store).output.contains("paused"))
        #expect(await sillok(["projections", "resume", model, "sums"] + why).status == 0)
    }

    @Test("objectives without a measurement, or broken ones, end with status 1")
    func objectives() async throws {
        try await prepare()
        #expect(await sillok("slo", model).status == 1)
        for (target, isMet) in [(Duration.seconds(1_000_000_000), true), (.zero, false)] {
            let opened = try SQLiteReadModel(path: model)
            let log = try SQLiteEventStore(path: store, mode: .readOnly)
            let monitor = ObjectiveMonitor([.lag(p99: target, over: .seconds(60))]) { _ in }
            let side = ReadSide(of: log, in: opened)
            let measuring = Task { try await side.measure(with: monitor, every: .milliseconds(5)) }
            while try await side.objectives().isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            measuring.cancel()
            _ = await measuring.result
            let ending = await sillok("slo", model)
            #expect(ending.status == (isMet ? 0 : 1))
            #expect(ending.output.contains(isMet ? "met" : "broken"))
            #expect(await sillok("slo", model, "--stale-seconds=-5").status == 1)
            try await opened.write(ReadModelWrite([.init("DELETE FROM sillok_objectives")]))
            await opened.close()
            await log.close()
        }
    }

    @Test("N10: an event that was parked within the window breaks the objective after a restart too")
    func restart() async throws {
        try await prepare()
        let opened = try SQLiteReadModel(path: model)
        let log = try SQLiteEventStore(path: store, mode: .readOnly)
        func measureOnce() async {
            let monitor = ObjectiveMonitor([.deadLetters(atMost: 0, over: .seconds(3600))]) { _ in }
            let side = ReadSide(of: log, in: opened)
            await #expect(throws: CancellationError.self) { try await side.measure(with: monitor, clock: OneLook()) }
        }
        await measureOnce()
        #expect(await sillok("slo", model).output.contains("broken"))
        // They are gone, and were there.
        try await opened.write(ReadModelWrite([.init("DELETE FROM sillok_dead_letters")]))
        await measureOnce()
        let ending = await sillok("slo", model)
        #expect(ending.status == 1 && ending.output.contains("broken"), "\(ending.output)")
        await opened.close()
        await log.close()
    }

    @Test("a folder with a log has its read model too")
    func inFolder() async throws {
        let path = folder("bank.sillok")
        let store = try LogEventStore(path: path)
        #expect(await sillok("projections", "list", path).errors.contains("no projection has written"))
        let projector = Projector(Sums(isMended: true), .inline, from: store, into: store.readModel)
        try await projector.attach()
        try await store.append([EventData(type: "opened", text: #"{"owner":"Ada"}"#)], to: "account-1")
        try await store.append([EventData(type: "deposited", text: #"{"cents":2000}"#)], to: "account-1")
        let json = await sillok("projections", "status", path, "sums", "--json").output
        #expect(json.contains(#""lifecycle":"inline","partitions":1,"position":2,"head":2,"behind":0"#))
        #expect(await sillok("projections", "verify", path, "sums").output == "sound: sums v1, 2 events\n")
        let locked = await sillok(["projections", "rebuild", path, "sums"] + why)
        #expect(locked.status == 75)
        #expect(locked.errors.contains("let its application do it"))
        await store.close()
        let asked = await sillok(["projections", "rebuild", path, "sums"] + why)
        #expect(asked.output == "sums v1 build 2 was requested\n")
        let again = try LogEventStore(path: path)
        try await Projector(Sums(isMended: true), .inline, from: again, into: again.readModel).attach()
        await again.close()
        #expect(await sillok("projections", "diff", path, "sums").output.hasPrefix("0 of 1 rows differ"))
        #expect(await sillok(["projections", "promote", path, "sums"] + why).status == 0)
        #expect(await sillok("verify", path).status == 0)
    }

    @Test("a store whose file has its read model is both; while its application runs, it can be looked at")
    func inStore() async throws {
        let store = try SQLiteEventStore(path: store)
        let path = self.store
        let none = await sillok("projections", "list", path)
        #expect(none.status == 66)
        #expect(none.errors.contains("no projection has written"))
        let projector = Projector(Sums(isMended: true), .inline, from: store, into: store.readModel)
        try await projector.attach()
        try await store.append([EventData(type: "opened", text: #"{"owner":"Ada"}"#)], to: "account-1")
        try await store.append([EventData(type: "deposited", text: #"{"cents":2000}"#)], to: "account-1")
        let json = await sillok("projections", "status", path, "sums", "--json").output
        #expect(json.contains(#""lifecycle":"inline","partitions":1,"position":2,"head":2,"behind":0"#))
        #expect(await sillok("projections", "verify", path, "sums").output == "sound: sums v1, 2 events\n")
        #expect(await sillok("projections", "list", path, "--store", folder("other")).status == 64)
        #expect(await sillok("dead-letters", "list", path).errors == "no dead letters\n")
        #expect(await sillok("slo", path).status == 1)
        let locked = await sillok(["projections", "rebuild", path, "sums"] + why)
        #expect(locked.status == 75)
        #expect(locked.errors.contains("let its application do it"))
        await store.close()
        let asked = await sillok(["projections", "rebuild", path, "sums"] + why)
        #expect(asked.output == "sums v1 build 2 was requested\n")
        let again = try SQLiteEventStore(path: path)
        try await Projector(Sums(isMended: true), .inline, from: again, into: again.readModel).attach()
        await again.close()
        let diff = await sillok("projections", "diff", path, "sums")
        #expect(diff.output.hasPrefix("0 of 1 rows differ"))
        #expect(await sillok(["projections", "promote", path, "sums"] + why).status == 0)
        #expect(await sillok(["projections", "rollback", path, "sums"] + why).status == 0)
        #expect(await sillok("verify", path).status == 0)
    }
}
