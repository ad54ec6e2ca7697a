import SillokCore
import SillokTesting

extension EventStoreSuite {
    static let randomOperations = Check("random operations answer what the reference model answers") { trial in
        try await trial.suite.runRandomOperations(trial)
    }

    /// Compares many random sequences of operations with the reference model; shortens the first that fails.
    private func runRandomOperations(_ trial: Trial) async throws {
        for number in 0..<max(0, sequences) {
            let seed = seed &+ UInt64(number)
            var run = SequenceRun(trial: trial, limits: Self.smallLimits)
            guard let fault = try await run.drawn(seed: seed, length: 30) else { continue }
            let shortest = try await shortened(run.operations, fault: fault, trial)
            let steps = shortest.operations.enumerated().map { "  \($0.offset + 1). \($0.element)" }
            throw ConformanceFailure(
                check: trial.check,
                message:
                    "\(shortest.fault)\nafter these operations on an empty store:\n\(steps.joined(separator: "\n"))\n",
                seed: seed)
        }
    }

    /// Small limits, so that random sequences reach them.
    private static var smallLimits: Limits {
        var limits = Limits()
        limits.pageBytes = 250
        limits.conflictEvents = 3
        return limits
    }

    /// Leaves out what can be left out so that the rest still fails: halves first, then single operations.
    private func shortened(
        _ operations: [Operation], fault: String, _ trial: Trial
    ) async throws -> (operations: [Operation], fault: String) {
        var best = (operations: operations, fault: fault)
        var size = max(1, operations.count / 2)
        var budget = 300
        while budget > 0 {
            var index = 0
            var isShorter = false
            while index < best.operations.count && budget > 0 {
                var candidate = best.operations
                candidate.removeSubrange(index..<min(index + size, candidate.count))
                budget -= 1
                var run = SequenceRun(trial: trial, limits: Self.smallLimits)
                if let fault = try await run.given(candidate) {
                    best = (run.operations, fault)
                    isShorter = true
                } else {
                    index += size
                }
            }
            if size == 1 && !isShorter { break }
            size = max(1, size / 2)
        }
        return best
    }
}

/// One sequence of operations on a new store, compared step by step with the reference model.
private struct SequenceRun {
    let trial: Trial
    let limits: Limits
    var operations: [Operation] = []
    private var model = ReferenceModel()
    private let start: Timestamp

    init(trial: Trial, limits: Limits) {
        self.trial = trial
        self.limits = limits
        start = Timestamp(microsecondsSince1970: 1_767_225_600_000_000)
    }

    /// Runs operations while it draws them. Returns the first fault, or `nil`.
    mutating func drawn(seed: UInt64, length: Int) async throws -> String? {
        var generator = OperationGenerator(seed: seed, canReopen: trial.canReopen)
        return try await run { index, model, now in index < length ? generator.next(model, now: now) : nil }
    }

    /// Runs given operations. Returns the first fault, or `nil`.
    mutating func given(_ operations: [Operation]) async throws -> String? {
        try await run { index, _, _ in index < operations.count ? operations[index] : nil }
    }

    private mutating func run(
        _ next: (Int, ReferenceModel, Timestamp) -> Operation?
    ) async throws -> String? {
        trial.clock.now = start
        var subject = try await trial.open(limits: limits)
        model.limits = subject.store.limits
        var fault: String?
        while fault == nil, let operation = next(operations.count, model, trial.clock.now) {
            operations.append(operation)
            if case .reopen = operation {
                subject = try await trial.reopen(subject)
            } else {
                fault = try await self.fault(of: operation, on: subject.store).map { "\(operation): \($0)" }
            }
        }
        if fault == nil { fault = try await finalFault(on: subject.store) }
        try await trial.discard(subject)
        return fault
    }

    private mutating func fault(of operation: Operation, on store: any EventStore) async throws -> String? {
        switch operation {
        case .append(let request): return await appendFault(request, on: store)
        case .read(let request): return try await readFault(request, on: store)
        case .pages(let request): return try await pagesFault(request, on: store)
        case .event(let id): return difference(try await store.event(id), model.events.first { $0.data.id == id })
        case .facts(let stream): return difference(try await store.stream(stream), model.facts(of: stream))
        case .streams(let category, let name, let limit):
            return difference(
                try await store.streams(in: category, after: name, limit: limit),
                model.streams(in: category, after: name, limit: limit))
        case .tracking(let source): return difference(try await store.tracking(of: source), model.tracking(of: source))
        case .head: return difference(try await store.head(), model.head)
        case .turnClock(let count):
            trial.clock.move(byMicroseconds: count)
            return nil
        case .reopen: return nil
        }
    }

    private func readFault(_ request: ReadRequest, on store: any EventStore) async throws -> String? {
        let batch: EventBatch
        do {
            batch = try await store.read(request)
        } catch let error as StoreError where error.code == .storeChanged {
            return request.marks.contains { model.isOfOtherHistory($0) } ? nil : "\(error)"
        }
        if let mark = request.marks.first(where: { model.isOfOtherHistory($0) }) {
            return "the log does not have \(mark), and the page does not say so"
        }
        return model.fault(of: batch, answering: request)
    }

    private func finalFault(on store: any EventStore) async throws -> String? {
        try await pagesFault(ReadRequest(.all), on: store).map { "the whole log at the end: \($0)" }
    }

    private func pagesFault(_ request: ReadRequest, on store: any EventStore) async throws -> String? {
        var next: ReadRequest? = request
        var found: [RecordedEvent] = []
        while let current = next {
            if current.marks.contains(where: { model.isOfOtherHistory($0) }) {
                return try await readFault(current, on: store)
            }
            let batch = try await store.read(current)
            if let fault = model.fault(of: batch, answering: current) { return fault }
            found += batch.events
            next = current.next(after: batch)
            if found.count > model.events.count { return "the pages do not end" }
        }
        return difference(found.positions, model.matching(request).positions)
    }

    private mutating func appendFault(_ request: AppendRequest, on store: any EventStore) async -> String? {
        let expected = model.append(request, at: trial.clock.now)
        do {
            let receipt = try await store.append(request)
            guard case .recorded(let receiptOfModel) = expected else { return "expected \(expected), found \(receipt)" }
            return difference(receipt, receiptOfModel)
        } catch {
            return expected.accepts(error, pageBytes: model.limits.pageBytes)
                ? nil : "expected \(abbreviated(expected)), found \(type(of: error)): \(error)"
        }
    }

    private func difference<Value: Equatable>(_ found: Value, _ expected: Value) -> String? {
        found == expected ? nil : "expected \(abbreviated(expected)), found \(abbreviated(found))"
    }
}

extension ReferenceModel.Outcome {
    /// Whether a store may answer this error.
    fileprivate func accepts(_ error: AppendError, pageBytes: Int) -> Bool {
        switch (self, error) {
        case (.conflict(let expected), .conflict(let found)):
            found.streams == expected.streams && found.head == expected.head
                && found.events == Array(expected.events.prefix(found.events.count))
                && (found.events.count == expected.events.count
                    || found.events.reduce(0) { $0 + $1.data.size } >= pageBytes)
        case (.knownIDs(let ids, let reasons), .knownID(let found)):
            ids.contains(found.id) && reasons.contains(found.reason)
        case (.tracked(let expected), .tracking(let found)): found == expected
        case (.invalid(let expected), .invalid(let found)): found == expected
        case (.otherHistory, .failed(let found)): found.code == .storeChanged && found.outcome == .definite
        default: false
        }
    }
}
