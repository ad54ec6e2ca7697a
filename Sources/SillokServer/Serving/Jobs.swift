import SillokCore

/// Long operations that a caller has requested, one of each kind at a time, and the result of the last of each kind.
final class Jobs: Sendable {
    enum Kind: String, Sendable { case verification, backup }

    enum Outcome: Sendable {
        case running(WorkProgress?)
        case done(String, isGood: Bool)
        case failed(String)
    }

    struct Job: Sendable {
        let by: String
        let begun: Timestamp
        var ended: Timestamp?
        var outcome: Outcome
        /// Details in addition to the sentence of the outcome.
        var findings: [String] = []
    }

    private struct State {
        var jobs: [Kind: Job] = [:]
        var tasks: [Kind: Task<Void, Never>] = [:]
    }

    private let state = Lock(State())

    func job(_ kind: Kind) -> Job? { state.withLock { $0.jobs[kind] } }

    /// Begins an operation; returns `false` if one of its kind is in progress.
    func begin(
        _ kind: Kind, by whom: String, clock: WallClock,
        _ work:
            @escaping @Sendable (@escaping @Sendable (WorkProgress) -> Void) async throws -> (
                String, isGood: Bool, findings: [String]
            )
    ) -> Bool {
        state.withLock { state in
            if case .running? = state.jobs[kind]?.outcome { return false }
            state.jobs[kind] = Job(by: whom, begun: clock.now(), outcome: .running(nil))
            state.tasks[kind] = Task { [self] in
                let outcome: (Outcome, [String])
                do {
                    let (text, isGood, findings) = try await work { progress in
                        self.change(kind) { $0.outcome = .running(progress) }
                    }
                    outcome = (.done(text, isGood: isGood), findings)
                } catch {
                    outcome = (.failed("\(error)"), [])
                }
                change(kind) { job in
                    (job.outcome, job.findings) = outcome
                    job.ended = clock.now()
                }
            }
            return true
        }
    }

    /// Cancels the operations in progress.
    func cancel() { for task in state.withLock({ Array($0.tasks.values) }) { task.cancel() } }

    private func change(_ kind: Kind, _ body: (inout Job) -> Void) {
        state.withLock { state in
            guard var job = state.jobs[kind] else { return }
            body(&job)
            state.jobs[kind] = job
        }
    }
}
