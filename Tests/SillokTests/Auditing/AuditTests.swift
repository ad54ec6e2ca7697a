import Sillok
import SillokHistory
import Testing

@Suite("Audit")
struct AuditTests {
    private struct Note: Decider {
        struct Command: Sendable { let count: Int }
        enum Event: Codable, Equatable, Sendable { case noted(number: Int) }
        enum Refusal: Error {}
        func decide(_ command: Command) throws(Refusal) -> [Event] { (0..<command.count).map { .noted(number: $0) } }
        mutating func evolve(_ event: Event) {}
    }

    private let store: MemoryEventStore
    private let notes: CommandHandler<Note>

    init() {
        store = MemoryEventStore(limits: Self.limits)
        notes = CommandHandler("note", in: store)
    }

    /// Small pages, so that every walk turns some.
    private static let limits: Limits = {
        var limits = Limits()
        limits.pageEvents = 3
        return limits
    }()

    @discardableResult
    private func note(_ count: Int = 1, on key: String, as context: Metadata = Metadata()) async throws -> CommandID {
        try await Metadata.$current.withValue(context) { try await notes.execute(.init(count: count), on: key).id }
    }

    private func event(at position: Position) async throws -> RecordedEvent {
        try #require(try await store.read(.all, after: position.previous, limit: 1).events.first)
    }

    private func positions(_ query: AuditQuery) async throws -> [Position] {
        var found: [Position] = []
        for try await page in store.audit(query) { found += page.events.map(\.position) }
        return found
    }

    @Test("answers by stream, actor, correlation, command and bounds, in both directions, all together")
    func queries() async throws {
        let command = try await note(2, on: "1", as: Metadata(actor: "ada", correlationID: "c1", reason: "asked for"))
        try await note(on: "2", as: Metadata(actor: "grace", correlationID: "c1"))
        try await note(on: "1", as: Metadata(actor: "ada", correlationID: "c2"))
        try await store.append([EventData(type: "other", payload: [])])
        #expect(try await positions(AuditQuery()) == [1, 2, 3, 4, 5])
        #expect(try await positions(AuditQuery(.stream("note-1"))) == [1, 2, 4])
        #expect(try await positions(AuditQuery(actor: "ada")) == [1, 2, 4])
        #expect(try await positions(AuditQuery(actor: "ad")) == [])
        #expect(try await positions(AuditQuery(correlationID: "c1")) == [1, 2, 3])
        #expect(try await positions(AuditQuery(commandID: command)) == [1, 2])
        #expect(try await positions(AuditQuery(actor: "ada", after: .position(1))) == [2, 4])
        #expect(try await positions(AuditQuery(actor: "ada", before: .position(4), direction: .backward)) == [2, 1])
        #expect(try await positions(AuditQuery(.stream("note-2"), actor: "grace", correlationID: "c1")) == [3])
        #expect(try await event(at: 1).metadata.reason == "asked for")
        #expect(try await event(at: 3).metadata.reason == nil)
    }

    @Test("a command without a correlation starts one, and is the cause of its events")
    func startsCorrelation() async throws {
        let command = try await note(2, on: "1")
        for position in [1, 2] as [Position] {
            let metadata = try await event(at: position).metadata
            #expect(metadata.correlationID == command.description)
            #expect(metadata.causationID == command.description)
            #expect(metadata.commandID == command)
        }
    }

    @Test(
        "what is done because of an event has it as its cause, and its correlation, actor and trace, but not its reason"
    )
    func causedBy() async throws {
        let trace = Metadata(actor: "ada", correlationID: "c", traceparent: "t", reason: "because")
        try await note(on: "1", as: trace)
        let cause = try await event(at: 1)
        let command = try await note(on: "2", as: .caused(by: cause))
        let effect = try await event(at: 2).metadata
        #expect(effect.causationID == cause.id.description)
        #expect(effect.commandID == command)
        #expect([effect.actor, effect.correlationID, effect.traceparent] == ["ada", "c", "t"])
        #expect(effect.reason == nil)
        let own = Metadata.$current.withValue(Metadata(actor: "clock", correlationID: "x", reason: "nightly")) {
            Metadata.caused(by: cause)
        }
        #expect([own.actor, own.correlationID, own.reason] == ["clock", "c", "nightly"])
        try await store.append([EventData(type: "bare", payload: [])])
        let bare = try await event(at: 3)
        #expect(Metadata.caused(by: bare).correlationID == bare.id.description)
    }

    /// The tree as text: an indented line for each place.
    private func tree(of position: Position) async throws -> [String] {
        try await store.causes(of: event(at: position)).nodes.map { node in
            let indent = String(repeating: "-", count: node.depth)
            return switch node.subject {
            case .command: indent + "command"
            case .outside(let id): indent + id
            case .event(let event): indent + "\(event.position)"
            }
        }
    }

    @Test("the tree of causes is the same from whichever of its events it is asked, and holds nothing else")
    func trees() async throws {
        try await note(2, on: "1")  // 1, 2
        try await note(on: "9")  // 3: unrelated
        try await note(2, on: "2", as: .caused(by: try await event(at: 1)))  // 4, 5
        try await note(on: "3", as: .caused(by: try await event(at: 2)))  // 6
        try await note(on: "9")  // 7: unrelated
        try await note(on: "4", as: .caused(by: try await event(at: 5)))  // 8
        try await note(on: "5", as: .caused(by: try await event(at: 1)))  // 9
        let direct = Metadata.caused(by: try await event(at: 8))
        try await store.append([EventData(type: "direct", metadata: direct, payload: [])])  // 10
        let expected = [
            "command", "-1", "--command", "---4", "---5", "----command", "-----8", "------10", "--command", "---9",
            "-2",
            "--command", "---6",
        ]
        for position in [1, 2, 4, 5, 6, 8, 9, 10] as [Position] {
            #expect(try await tree(of: position) == expected, "from \(position)")
        }
        #expect(try await tree(of: 3) == ["command", "-3"])
    }

    @Test("a cause that the log does not have is the root, and an event without a cause is alone")
    func outside() async throws {
        try await store.append([EventData(type: "bare", payload: [])])
        try await note(on: "1", as: Metadata(causationID: "request 7"))
        try await note(on: "2", as: Metadata(causationID: "request 8"))
        try await note(on: "3", as: Metadata(causationID: "request 7"))
        #expect(try await tree(of: 1) == ["1"])
        #expect(try await tree(of: 4) == ["request 7", "-command", "--2", "-command", "--4"])
    }

    @Test("a long chain of causes is followed to its end")
    func deep() async throws {
        var last: EventID?
        for _ in 0..<500 {
            let event = EventData(type: "step", metadata: Metadata(causationID: last?.description), payload: [])
            try await store.append([event])
            last = event.id
        }
        let tree = try await store.causes(of: event(at: 250))
        #expect(tree.events.map(\.position) == (1...500).map { Position($0) })
        #expect(tree.nodes.last?.depth == 499)
    }
}
