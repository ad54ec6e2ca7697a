#if Postgres
import Foundation
import Sillok
import SillokCore
import SillokProcessOperations
import SillokProcesses
import SillokTesting
import Testing

@testable import SillokPostgres

/// What only PostgreSQL does: it cuts long names, and orders texts by a locale.
@Suite(.timeLimit(.minutes(10)), .enabled(if: ProcessInfo.processInfo.environment["SILLOK_POSTGRES"]?.isEmpty == false))
struct PostgresTests {
    private let server = ProcessInfo.processInfo.environment["SILLOK_POSTGRES"] ?? ""
    private let name = String(EventID().description.suffix(12))

    @Test("PRC-3: two processes with names of 60 characters that differ in the last one have indexes of their own")
    func longNames() async throws {
        let store = MemoryEventStore()
        let model = try await PostgresReadModel(server, schema: "long_\(name)")
        try await store.append([EventData(type: "asked", text: "{}")], to: "question-1")
        try await run(Answering<First>.self, store, model)
        try await run(Answering<Second>.self, store, model)
        let processes = try await ProcessOperations(of: store, in: model).processes()
        #expect(processes.map(\.name) == [Answering<First>.name, Answering<Second>.name])
        #expect(processes.map(\.name.utf8.count) == [60, 60])
        #expect(processes.allSatisfy { $0.instances == [.completed: 1] && $0.failing == 0 })
        try await store.append([EventData(type: "asked", text: "{}")], to: "question-2")
        try await run(Answering<Second>.self, store, model)
        let counts = try await ProcessOperations(of: store, in: model).processes().map(\.total)
        #expect(counts == [1, 2])
        await model.close()
    }

    @Test("names of up to 63 bytes are not changed, and longer ones are cut at a character and stay different")
    func quotedNames() {
        let short = String(repeating: "a", count: 63)
        #expect(ModelStatement.quoted(short) == SQL.quoted(short))
        let long = (0..<100).map { ModelStatement.quoted(String(repeating: "é", count: 40) + "\($0)") }
        #expect(Set(long).count == 100)
        #expect(long.allSatisfy { $0.utf8.count <= 63 + 2 && $0.hasPrefix("\"éé") })
    }

    @Test("P3: effects are executed in a database that orders texts as people do")
    func locale() async throws {
        let database = "people_\(name)"
        let connection = try Connection(ServerAddress(text: server, schema: ""), for: .writing)
        _ = try connection.run(
            Query(
                "CREATE DATABASE \(database) TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C' "
                    + "LOCALE_PROVIDER icu ICU_LOCALE 'en-US'", isBinary: false))
        let clock = ManualClock()
        let world = try World(MemoryEventStore(clock: clock.wallClock), clock)
        let model = try await PostgresReadModel(server.replacing("/postgres?", with: "/\(database)?"))
        try await world.stock("tea", 10)
        try await world.place("1")
        try await world.pay("1")
        try await world.settle(world.runner(index: model))
        #expect(try await world.outcome("1") == "confirmed")
        #expect(try await Checker.faults(world, ["1"]) == [])
        let operations = ProcessOperations(of: world.store, in: model)
        #expect(try await operations.process("checkout").instances == [.completed: 1])
        await model.close()
        _ = try connection.run(Query("DROP DATABASE \(database)", isBinary: false))
    }

    private func run<Manager: ProcessManager>(
        _ manager: Manager.Type, _ store: any EventStore, _ model: any ReadModel
    ) async throws {
        try await ProcessRunner(manager, after: .start, in: store, index: model, options: World.options) { _ in
            .execute(.confirm, on: "1", with: CommandHandler<Outcome>("outcome", in: store))
        } effects: { _ in
            EffectCall { _ in "" }
        }.catchUp()
    }
}

private protocol Ending { static var character: String { get } }
private enum First: Ending { static let character = "1" }
private enum Second: Ending { static let character = "2" }

private enum Question: Codable, Sendable { case asked }

/// A process with a name of 60 characters.
private struct Answering<Last: Ending>: ProcessManager {
    typealias Event = Question

    enum Effect: Codable, Sendable { case answer }
    enum Nothing: Codable, Hashable, Sendable { case nothing }
    typealias Request = Nothing
    typealias Deadline = Nothing

    static var name: String { String(repeating: "p", count: 59) + Last.character }
    static var source: EventQuery { .category("question") }

    static func correlate(_ event: Recorded<Question>) -> Correlation { .starts(event.stream?.key ?? "") }

    mutating func evolve(_ input: Input) {}

    func react(to input: Input) -> [Step] { if case .event = input { [.perform(.answer)] } else { [.complete] } }
}
#endif
