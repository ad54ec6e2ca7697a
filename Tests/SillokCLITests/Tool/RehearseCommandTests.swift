import Sillok
import SillokCommands
import SillokProcesses
import SillokSQLite
import SillokTerminal
import Testing

@testable import SillokCLI

private enum ParcelEvent: Codable, Sendable { case placed }
private enum ParcelRequest: Codable, Sendable { case cancel }
private enum ParcelEffect: Codable, Sendable { case remind }
private enum ParcelDeadline: Codable, Hashable, Sendable { case payment }

private protocol ParcelVersion: ProcessManager
where Event == ParcelEvent, Request == ParcelRequest, Effect == ParcelEffect, Deadline == ParcelDeadline {
    static var seconds: Int { get }
}

extension ParcelVersion {
    static var name: String { "parcel" }
    static var source: EventQuery { .category("order") }

    static func correlate(_ event: Recorded<ParcelEvent>) -> Correlation { .starts(event.stream?.key ?? "") }

    mutating func evolve(_ input: ProcessInput<Self>) {}

    func react(to input: ProcessInput<Self>) -> [ProcessStep<Self>] {
        [.schedule(.payment, after: .seconds(Self.seconds))]
    }
}

private struct Parcel: ParcelVersion { static let seconds = 36_000 }
private struct SlowParcel: ParcelVersion { static let seconds = 72_000 }

@Suite("The command rehearse of an application's tool")
struct RehearseCommandTests {
    let folder = TemporaryFolder()
    var path: String { folder("shop.sqlite") }

    private func prepare() async throws {
        let store = try SQLiteEventStore(path: path)
        let model = try SQLiteReadModel()
        try await store.append([EventCoding<ParcelEvent>().encode(.placed)], to: "order-1")
        try await ProcessRunner(Parcel.self, after: .start, in: store, index: model) { _ in
            .execute(0, on: "1", with: CommandHandler<Nothing>("nothing", in: store))
        } effects: { _ in
            EffectCall { _ in "" }
        }.catchUp()
        await model.close()
        await store.close()
    }

    private struct Nothing: Decider {
        enum Event: Codable, Sendable { case nothing }
        enum Refusal: Error {}

        func decide(_ command: Int) throws(Refusal) -> [Event] { [] }

        mutating func evolve(_ event: Event) {}
    }

    private func run(_ process: RehearsedProcess, _ arguments: String...) async -> (status: Int32, output: String) {
        let tool = StoreTool("shop", processes: [process]) { path in
            try SQLiteEventStore(path: path, mode: .readOnly)
        }
        let output = Output()
        let status = await Console.$current.withValue(Console(output: output, errors: Output())) {
            await tool.run(["rehearse"] + arguments)
        }
        return (status, output.text)
    }

    @Test("P7: a version with the recorded steps ends with 0, one with others with 1 and the steps")
    func versions() async throws {
        try await prepare()
        let same = await run(.process(Parcel.self), path, "parcel")
        #expect(same.status == 0)
        #expect(same.output == "1 instances up to position 4: 0 differ, of them 0 unreadable, 0 events not taken\n")
        let slow = await run(.process(SlowParcel.self), path, "parcel", "--json")
        #expect(slow.status == 1)
        #expect(slow.output.contains(#""key":"1""#))
        #expect(slow.output.contains(#""differing":1"#))
        let before = await run(.process(SlowParcel.self), path, "parcel", "--at", "0")
        #expect(before.status == 0)
    }

    @Test("an unknown process, and a revision in place of a position, are refused")
    func refusals() async throws {
        try await prepare()
        #expect(await run(.process(Parcel.self), path, "checkout").status == 64)
        #expect(await run(.process(Parcel.self), path, "parcel", "--at", "r2").status == 64)
    }
}
