import SillokCore

/// A bug that a writer has on purpose, so that the verifier is seen to catch it.
enum Plant: String {
    /// Acknowledges before the store has answered.
    case ackBeforeCommit = "ack-before-commit"
    /// Repeats an append with new ids.
    case duplicate
    /// Makes two appends of a batch.
    case tear
    /// Reports a definite failure for what was stored.
    case lie
    /// Stores other bytes than it says.
    case forge
    /// Decides without looking.
    case unguarded
}

/// Writers that append all kinds of requests, and note what they see, until the process is killed.
struct Writers: Sendable {
    let store: any EventStore
    let log: AckLog
    let seed: UInt64
    var plant: Plant?

    /// Makes again what had no answer when the process before was killed.
    func settle(_ history: History) async {
        for (key, attempts) in history.requests.sorted(by: { $0.key < $1.key }) {
            switch attempts.outcome {
            case .open, .unknown:
                let request = TortureRequest(seed: seed, key: key, milliseconds: attempts.milliseconds)
                _ = await attempt(request, attempts.basis)
            case .acknowledged, .definite: break
            }
        }
    }

    /// Runs `count` writers until there is an end, or for ever.
    func run(from first: Int, count: Int, until isOver: @escaping @Sendable () -> Bool = { false }) async {
        await withTaskGroup(of: Void.self) { group in
            for writer in first..<first + count { group.addTask { await write(as: writer, until: isOver) } }
        }
    }

    private func write(as writer: Int, until isOver: @Sendable () -> Bool) async {
        var random = SeededGenerator(seed, UInt64(writer), 1 << 32)
        var number = 0
        while !isOver() {
            await step(RequestKey(writer: writer, number: number), &random)
            number += 1
        }
    }

    /// One request, now and then made twice: one after the other, or both at once.
    func step(_ key: RequestKey, _ random: inout SeededGenerator) async {
        let milliseconds: EventID = IDGenerator.system.next()
        let request = TortureRequest(seed: seed, key: key, milliseconds: milliseconds.high >> 16)
        guard let basis = try? await basis(of: request.subject) else { return }
        switch random.below(20) {
        case 0:
            _ = await attempt(request, basis)
            _ = await attempt(request, basis)
        case 1:
            log.tried(request, basis)
            async let first: Bool = call(request, basis)
            async let second: Bool = call(request, basis)
            _ = await (first, second)
        default: _ = await attempt(request, basis)
        }
    }

    /// What the condition of a request is built on: what the store says now.
    private func basis(of subject: TortureRequest.Subject) async throws -> Basis {
        switch subject {
        case .nothing: return .none
        case .stream(let stream): return .revision(try await store.stream(stream)?.revision ?? .none)
        case .tag: return .since(try await store.head())
        }
    }

    /// Notes the attempt, makes it, notes the answer. Whether it was acknowledged.
    func attempt(_ request: TortureRequest, _ basis: Basis) async -> Bool {
        log.tried(request, basis)
        return await call(request, basis)
    }

    private func call(_ request: TortureRequest, _ basis: Basis) async -> Bool {
        if plant == .ackBeforeCommit { log.acknowledged(request.key, 0, 0) }
        do {
            let receipt = try await append(request, basis)
            if plant == .lie && request.key.number % 4 == 1 {
                log.failed(request.key, .failed(StoreError(.ioFailure, "a planted lie")))
            } else if plant != .ackBeforeCommit {
                log.acknowledged(request.key, receipt.firstPosition, receipt.position)
            }
            return true
        } catch {
            log.failed(request.key, error)
            return false
        }
    }

    private func append(_ request: TortureRequest, _ basis: Basis) async throws(AppendError) -> Receipt {
        var entries = request.entries
        let isChosen = request.key.number % 4 == 1
        if plant == .forge && isChosen { entries[0].event.type = "forged" }
        let condition = plant == .unguarded ? .always : request.condition(basis)
        if plant == .tear && entries.count > 1 {
            let half = entries.count / 2
            _ = try await store.append(AppendRequest(Array(entries[..<half]), if: condition))
            return try await store.append(AppendRequest(Array(entries[half...])))
        }
        let receipt = try await store.append(AppendRequest(entries, if: condition))
        if plant == .duplicate && isChosen {
            let again = TortureRequest(seed: seed, key: request.key, milliseconds: request.milliseconds + 1)
            _ = try await store.append(AppendRequest(again.entries))
        }
        return receipt
    }
}

extension TortureRequest {
    /// The condition of the request, built on what was seen.
    func condition(_ basis: Basis) -> AppendCondition {
        switch (subject, basis) {
        case (.stream(let stream), .revision(let revision)): .revision(revision, of: stream)
        case (.tag(let tag), .since(let position)): .unchanged(EventQuery([.init(tags: [tag])]), since: position)
        default: .always
        }
    }
}
