import Foundation
import SillokProcesses
import SillokSQLite
import Testing

@testable import SillokCLI
@testable import SillokCommands
@testable import SillokTerminal

@Suite("Processes, webhooks and schedules on the command line")
struct ProcessCommandTests {
    let folder = TemporaryFolder()
    var store: String { folder("shop.sqlite") }
    var model: String { folder("views.sqlite") }
    let why = ["--reason", "a test", "--actor", "ada"]

    /// Runs the processes of an application until nothing can be done now.
    private func runApplication(isOpen: Bool = false) async throws {
        let store = try SQLiteEventStore(path: store)
        let model = try SQLiteReadModel(path: model)
        let application = OperatedApplication(store: store, model: model)
        application.isOpen.withLock { $0 = isOpen }
        try await application.catchUp()
        await model.close()
        await store.close()
    }

    /// Places orders, of which the second and later ones cannot be charged now, and runs the application.
    private func prepare(failing: Int = 1) async throws {
        let store = try SQLiteEventStore(path: store)
        let failing = (0..<failing).map { (key: "\($0 + 2)", cents: 13) }
        try await OperatedApplication.place([("1", 500)] + failing, in: store)
        await store.close()
        try await runApplication()
    }

    private func processes(_ arguments: String...) async -> Ending {
        var all = ["processes"] + arguments
        all.insert(model, at: 2)
        return await sillok(all + ["--store", store])
    }

    /// The id of the step that fails.
    private func failingStep() async throws -> String {
        let line = await processes("effects", "payment", "--json").output
        let start = try #require(line.range(of: #""id":""#))
        return String(line[start.upperBound...].prefix { $0 != "\"" })
    }

    @Test("list, instances, deadlines and effects show the work of a process")
    func list() async throws {
        try await prepare()
        let list = await processes("list")
        #expect(list.status == 0 && list.output.contains("payment"))
        let json = await processes("list", "--json").output
        #expect(json.contains(#""running":1,"waiting":0,"compensating":0,"parked":0,"completed":1"#))
        let instances = await processes("instances", "payment", "--state", "completed")
        #expect(instances.lines.count == 2 && instances.output.contains("completed"))
        #expect(await processes("instances", "payment", "--key", "2", "--json").lines.count == 1)
        #expect(await processes("instances", "payment", "--state", "odd").status == 64)
        #expect(await processes("deadlines", "payment").output.contains("reminder"))
        let effects = await processes("effects", "payment")
        #expect(effects.status == 1)
        #expect(effects.output.contains("charge") && effects.output.contains("the bank is closed"))
        #expect(await processes("instances", "other").status == 66)
        #expect(await sillok("processes", "list", model).status == 64)
    }

    @Test("show draws the history of an instance with its causes")
    func show() async throws {
        try await prepare()
        let show = await processes("show", "payment", "1")
        #expect(show.status == 0)
        #expect(show.output.hasPrefix("payment 1  completed\n"))
        #expect(show.output.contains(#"started  "generation 1, version 1"  ← 1 order-1"#))
        #expect(
            show.output.contains("├─ received") && show.output.contains("├─ effectPlanned")
                && show.output.contains("└─ deadlineScheduled"))
        #expect(show.output.contains(#"effectDone  "receipt"  ← "#))
        let json = await processes("show", "payment", "1", "--json", "--limit", "2")
        #expect(json.lines.count == 3 && json.errors.contains("--after"))
        #expect(await processes("show", "payment", "9").status == 66)
    }

    @Test("a retry is stored with its operator, and the application obeys it")
    func retry() async throws {
        try await prepare()
        let step = try await failingStep()
        let retry = await sillok(
            ["processes", "retry", model, "payment", "2", step, "--store", store] + why)
        #expect(retry.status == 0)
        try await runApplication(isOpen: true)
        #expect(await processes("effects", "payment").status == 0)
        let show = await processes("show", "payment", "2").output
        #expect(show.contains("by ada: a test") && show.hasPrefix("payment 2  completed"))
        #expect(await sillok(["processes", "retry", model, "payment", "2", step, "--store", store] + why).status == 66)
        #expect(await sillok("processes", "retry", model, "payment", "2", step, "--store", store).status == 64)
    }

    @Test("an answer, an end and acts that are refused")
    func acts() async throws {
        try await prepare()
        let step = try await failingStep()
        let answer = ["processes", "answer", model, "payment", "2", step, "--result", "by phone", "--store", store]
        #expect(await sillok(answer + why).output.contains("stored"))
        try await runApplication()
        #expect(await processes("show", "payment", "2").output.contains("by phone"))
        #expect(await sillok(["processes", "end", model, "payment", "2", "--store", store] + why).status == 2)
        #expect(await sillok(["processes", "release", model, "payment", "2", "--store", store] + why).status == 2)
        #expect(await sillok(["processes", "skip", model, "payment", "1", step, "--store", store] + why).status == 66)
    }

    @Test("a kind of effect that keeps failing is listed as paused, and continues when an operator wants it")
    func resume() async throws {
        try await prepare(failing: 25)
        let list = await processes("list")
        #expect(list.output.contains("PAUSED EFFECTS") && list.output.contains("charge"))
        #expect(
            list.errors.contains("payment: effects charge are paused") && list.errors.contains("the bank is closed"))
        #expect(await processes("list", "--json").output.contains(#""pausedKinds":[{"kind":"charge""#))
        let resume = ["processes", "resume", model, "payment"]
        let places = ["--store", store] + why
        #expect(await sillok(resume + ["refund"] + places).status == 66)
        #expect(await sillok(resume + ["charge"] + places).output.contains("charge of payment continues"))
        #expect(await processes("list", "--json").output.contains(#""pausedKinds":[]"#))
        #expect(await sillok(resume + ["charge"] + places).status == 66)
        let audit = await sillok("projections", "audit", model, "--store", store)
        #expect(audit.output.contains("effects charge") && audit.output.contains("ada"))
    }

    @Test("a tool of an application has the commands of operators, over the places that it opens")
    func tool() async throws {
        try await prepare()
        let plain = StoreTool("shop") { path in try SQLiteEventStore(path: path, mode: .readOnly) }
        let tool = plain.operating { place in
            (
                try SQLiteEventStore(path: place.store ?? "", mode: place.appends ? .existing : .readOnly),
                try SQLiteReadModel(path: place.readModel)
            )
        }
        func run(_ tool: StoreTool, _ arguments: [String]) async -> (status: Int32, output: String, errors: String) {
            let (output, errors) = (Output(), Output())
            let status = await Console.$current.withValue(Console(output: output, errors: errors)) {
                await tool.run(arguments)
            }
            return (status, output.text, errors.text)
        }
        let places = [model, "--store", store]
        let list = await run(tool, ["processes", "list"] + places)
        #expect(list.status == 0 && list.output.contains("payment"))
        #expect(await run(tool, ["schedule", "list"] + places).status == 0)
        #expect(await run(tool, ["webhooks", "list"] + places).status == 0)
        let step = try await failingStep()
        let skip = [
            "processes", "skip", model, "payment", "2", step, "--store", store, "--reason", "r", "--actor", "a",
        ]
        let skipped = await run(tool, skip)
        #expect(skipped.status == 0 && skipped.output.contains("stored"), "\(skipped)")
        #expect(await run(tool, ["processes", "show", model, "payment", "9", "--store", store]).status == 66)
        #expect(await run(tool, ["history", store, "order-1"]).status == 0)
        #expect(await run(plain, ["processes", "list"] + places).status == 64)
    }

    @Test("schedule adds, lists and cancels commands")
    func schedule() async throws {
        try await prepare()
        let command = #"{"remind":{"order":"1"}}"#
        let places = ["--store", store] + why
        for (key, time) in [("a", "2099-01-02T08:00:00Z"), ("b", "2001-01-01T08:00:00Z")] {
            let add = ["schedule", "add", model, "reminders", command, "--at", time, "--key", key]
            #expect(await sillok(add + places).status == 0)
        }
        try await runApplication()
        let list = await sillok("schedule", "list", model, "reminders", "--store", store)
        #expect(list.lines.count == 2 && list.output.contains("2099-01-02"))
        #expect(await sillok("schedule", "list", model, "--store", store).output.contains("reminders"))
        #expect(await sillok("read", store, "--stream", "reminder-1").output.contains("reminded"))
        #expect(await sillok(["schedule", "cancel", model, "reminders", "a"] + places).status == 0)
        try await runApplication()
        #expect(await sillok(["schedule", "cancel", model, "reminders", "a"] + places).status == 2)
        let none = await sillok("schedule", "list", model, "reminders", "--store", store)
        #expect(none.output.isEmpty && none.errors.contains("no commands wait"))
        let odd = ["schedule", "add", model, "reminders", "{", "--at", "2099-01-02T08:00:00Z"]
        #expect(await sillok(odd + places).status == 65)
    }

    @Test("webhooks are registered, rotated, paused, resumed and removed, and each change has its operator")
    func webhooks() async throws {
        try await prepare()
        let places = ["--store", store] + why
        let register = ["webhooks", "register", model, "https://shop.example/hooks", "--id", "warehouse"]
        #expect(await sillok(register + ["--category", "order"] + places).status == 0)
        #expect(await sillok(register + places).status == 2)
        #expect(await sillok(["webhooks", "register", model, "https://10.0.0.1/"] + places).status == 65)
        for act in ["rotate", "pause", "resume"] {
            #expect(await sillok(["webhooks", act, model, "warehouse"] + places).status == 0)
        }
        // An act that the state refuses ends as one of a process does.
        let refused = await sillok(["webhooks", "resume", model, "warehouse"] + places)
        #expect(refused.status == 2 && refused.errors.contains("must be paused"), "\(refused.errors)")
        let list = await sillok("webhooks", "list", model, "--store", store, "--json").output
        #expect(list.contains(#""id":"warehouse","state":"active""#) && list.contains(#""generation":2"#))
        let show = await sillok("webhooks", "show", model, "warehouse", "--store", store).output
        #expect(show.contains("no application has begun") && show.contains("by ada"))
        let deliveries = await sillok("webhooks", "deliveries", model, "warehouse", "--store", store)
        #expect(deliveries.status == 0 && deliveries.errors.contains("no deliveries"))
        #expect(await sillok(["webhooks", "redrive", model, "warehouse", "--from", "1"] + places).status == 2)
        #expect(await sillok(["webhooks", "remove", model, "warehouse"] + places).status == 0)
        #expect(await sillok("webhooks", "list", model, "--store", store).errors.contains("no endpoints"))
        #expect(await sillok("webhooks", "show", model, "other", "--store", store).status == 66)
        let events = await sillok("read", store, "--stream", "webhook:endpoint-warehouse", "--json").output
        #expect(events.components(separatedBy: #""ada""#).count - 1 == 5)
    }
}
