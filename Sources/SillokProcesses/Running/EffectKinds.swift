import SillokCore
import SillokProcessMachine

/// What a runner knows of the kinds of effects: how the last calls ended, and which kinds are paused.
struct KindStates: Sendable {
    var health: [String: KindHealth] = [:]
    var paused: Set<String> = []
}

// Kinds whose calls keep failing.
extension EffectWork {
    private var pauses: PausedKinds { PausedKinds(model: list.model, tables: list.tables, build: list.build) }

    /// Returns the paused kinds, as all runners and operators see them.
    func pausedKinds() async throws -> [String: PausedKind] {
        let paused = try await pauses.all()
        runner.kinds.withLock { $0.paused = Set(paused.map(\.kind)) }
        return Dictionary(paused.map { ($0.kind, $0) }) { $1 }
    }

    /// Whether a kind was paused when this runner last looked, or by this runner.
    func isPaused(_ kind: String) -> Bool { runner.kinds.withLock { $0.paused.contains(kind) } }

    /// Takes the right to try a call of a paused kind. Returns `false` if another runner tries one.
    func claim(_ pause: PausedKind, _ policy: EffectCall.Policy) async throws -> Bool {
        try await pauses.claim(pause, as: pause.trying(at: handling.now, policy.kindRules))
    }

    /// Notes that the other side has answered a call. A paused kind continues.
    func answered(_ kind: String) async throws {
        let isPaused = runner.kinds.withLock { kinds in
            kinds.health[kind]?.answered()
            return kinds.paused.remove(kind) != nil
        }
        if isPaused { try await pauses.remove(kind) }
    }

    /// Notes that a call had no answer, and pauses the kind if that was one failure too many.
    func failed(_ kind: String, because error: any Error, at now: Timestamp, _ policy: EffectCall.Policy) async throws {
        let reason = "\(error)"
        let (isPaused, pause) = runner.kinds.withLock { kinds in
            if kinds.paused.contains(kind) { return (true, nil as PausedKind?) }
            let pause = kinds.health[kind, default: KindHealth()]
                .failed(kind, because: reason, at: now, policy.kindRules)
            if pause != nil { kinds.paused.insert(kind) }
            return (false, pause)
        }
        if isPaused { return try await pauses.note(reason, of: kind) }
        if let pause { try await pauses.add(pause) }
    }
}
