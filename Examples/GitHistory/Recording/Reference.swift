import Sillok

/// A branch, a tag or `HEAD` as a stream `ref-<name>`: which commit it pointed to, import by import.
struct Reference: Decider {
    enum Command: Sendable { case point(to: String) }
    enum Event: Codable, Equatable, Sendable { case pointed(to: String) }
    enum Refusal: Error {}

    private(set) var commit: String?

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .point(let commit): commit == self.commit ? [] : [.pointed(to: commit)]
        }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .pointed(let commit): self.commit = commit
        }
    }
}
