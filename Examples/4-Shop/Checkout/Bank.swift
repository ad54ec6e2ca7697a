import SillokProcesses

/// The other company: a bank that executes each idempotency key once, and does not always answer.
final class Bank: Sendable {
    enum Answer: Sendable {
        case works
        case declines
        /// The money is taken, and the answer is lost.
        case losesAnswer
        /// The money is taken, and there is no answer; the function is called when it is taken.
        case isSilent(@Sendable () -> Void)
    }

    struct Books {
        var calls = 0
        /// What was taken, by the idempotency key.
        var taken: [String: Int] = [:]
        var answers: [Answer] = []
        var isReachable = true
        var messages: [String] = []

        var total: Int { taken.values.reduce(0, +) }
    }

    private struct Unreachable: Error {}

    let books = Guarded(Books())

    /// Sets how the next calls end. All later ones work.
    func answers(_ answers: Answer...) { books.withLock { $0.answers = answers } }

    func take(_ cents: Int, from card: String, key: String) async throws -> String {
        let answer = try books.withLock { books in
            books.calls += 1
            let answer = books.answers.isEmpty ? Answer.works : books.answers.removeFirst()
            // A known key gets its first outcome, and money that comes back is never declined.
            if case .declines = answer, cents > 0, books.taken[key] == nil {
                throw EffectFailed("\(card) was declined")
            }
            books.taken[key] = books.taken[key] ?? cents
            return answer
        }
        switch answer {
        case .works, .declines: return "receipt \(key)"
        case .losesAnswer: throw Unreachable()
        case .isSilent(let isTaken):
            isTaken()
            try await Task.sleep(for: .seconds(3600))
            throw Unreachable()
        }
    }

    /// Returns what became of a key; `nil` while the bank does not answer.
    func find(_ key: String) -> EffectResult? {
        books.withLock { books in
            guard books.isReachable else { return nil }
            return books.taken[key] == nil ? .failed(reason: "never arrived") : .done("receipt \(key)")
        }
    }

    /// Shows a message to a clerk.
    func tell(_ text: String) -> String {
        books.withLock { $0.messages.append(text) }
        return ""
    }
}
