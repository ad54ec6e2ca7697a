import Sillok
import Testing

/// Exercise 6: no two members have the same nickname. A command names the events on which its decision depends.
enum Exercise6 {
    struct Membership: BoundaryDecider {
        enum Command: Sendable { case join(member: String, nickname: String) }
        enum Event: Codable, Equatable, Sendable { case joined(member: String, nickname: String) }
        enum Refusal: Error, Equatable { case isMember, nicknameTaken }

        private var members: Set<String> = []
        private var nicknames: Set<String> = []

        static func tags(of event: Event) -> [EventTag] {
            switch event {
            case .joined(let member, _): [EventTag("member", member)]
            }
        }

        static func boundary(of command: Command) -> EventQuery {
            switch command {
            case .join(let member, _): .tags(EventTag("member", member))
            }
        }

        func decide(_ command: Command) throws(Refusal) -> [Event] {
            switch command {
            case .join(let member, let nickname):
                if members.contains(member) { throw .isMember }
                if nicknames.contains(nickname) { throw .nicknameTaken }
                return [.joined(member: member, nickname: nickname)]
            }
        }

        mutating func evolve(_ event: Event) {
            switch event {
            case .joined(let member, let nickname):
                members.insert(member)
                nicknames.insert(nickname)
            }
        }
    }
}

@Suite(.enabled(if: Exercises.areOpen)) struct Exercise6Tests {
    @Test func `of twenty who want one nickname at the same moment, one gets it`() async throws {
        let store = MemoryEventStore()
        let members = CommandHandler<Exercise6.Membership>(in: store)
        await withTaskGroup(of: Void.self) { group in
            for number in 1...20 {
                group.addTask { _ = try? await members.execute(.join(member: "\(number)", nickname: "tiger")) }
            }
        }
        #expect(try await store.head() == 1)
        await #expect(throws: Exercise6.Membership.Refusal.nicknameTaken) {
            try await members.execute(.join(member: "21", nickname: "tiger"))
        }
        try await members.execute(.join(member: "21", nickname: "crane"))
        #expect(try await store.head() == 2)
    }
}
