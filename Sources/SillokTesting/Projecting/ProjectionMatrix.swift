import Sillok
public import SillokCore
public import SillokProjections
import SillokReadSide
public import SillokSQL

/// Runs a projection with all variations that must not change its result, and expects the same rows from each.
///
/// The variations are: batches of one event and of many; an interruption before and after each write in turn, with a
/// restart; each write repeated; each event passed twice; 1 to 16 partitions; other interleavings of the streams.
/// ```swift
/// let matrix = ProjectionMatrix(AccountBalance(), rows: "SELECT * FROM account_balance ORDER BY 1") {
///     try SQLiteReadModel()
/// }
/// try await matrix.check(history, seed: 1)
/// ```
public struct ProjectionMatrix: Sendable {
    /// A run of a projection that gave other rows than the run without variations.
    public struct Failure: Error, CustomStringConvertible {
        /// The variation of this run.
        public let variation: String
        /// The rows of the plain run.
        public let expected: [SQLRow]
        /// The rows of this run.
        public let found: [SQLRow]

        /// What happened, in a few lines.
        public var description: String {
            let missing = expected.filter { !found.contains($0) }.prefix(3).map { "\($0.values)" }
            let extra = found.filter { !expected.contains($0) }.prefix(3).map { "\($0.values)" }
            return """
                \(variation): other rows than in a plain run
                missing  \(missing.joined(separator: "\n         "))
                instead  \(extra.joined(separator: "\n         "))
                """
        }
    }

    private let projection: AnyProjection
    private let query: SQL
    private let model: @Sendable () async throws -> any ReadModel
    private let partitions: [Int]
    private let isOrderFree: Bool

    /// Creates the matrix of a projection that writes SQL.
    ///
    /// - Parameters:
    ///   - projection: the rule.
    ///   - query: returns the rows, in a defined order.
    ///   - partitions: the numbers of partitions to try, one run each.
    ///   - interleavings: whether to try other interleavings, with which the rows must be the same. Pass `false` for a
    ///     projection that stores positions or times, or whose sequencing is not by stream.
    ///   - model: creates an empty read model.
    public init(
        _ projection: some Projection, rows query: SQL, partitions: [Int] = [1, 2, 3, 5, 8, 16],
        interleavings: Bool = true, model: @escaping @Sendable () async throws -> any ReadModel
    ) {
        self.init(kept: AnyProjection(projection), query, partitions, interleavings, model)
    }

    /// Creates the matrix of a projection of documents. The parameters are the same as for SQL.
    public init(
        documents projection: some DocumentProjection, rows query: SQL, partitions: [Int] = [1, 2, 3, 5, 8, 16],
        interleavings: Bool = true, model: @escaping @Sendable () async throws -> any ReadModel
    ) {
        self.init(kept: AnyProjection(documents: projection), query, partitions, interleavings, model)
    }

    private init(
        kept projection: AnyProjection, _ query: SQL, _ partitions: [Int], _ isOrderFree: Bool,
        _ model: @escaping @Sendable () async throws -> any ReadModel
    ) {
        self.projection = projection
        self.query = query
        self.partitions = partitions
        self.isOrderFree = isOrderFree
        self.model = model
    }

    /// Checks all variations over a history of events, each with its stream.
    ///
    /// - Throws: ``Failure``; the errors of the projection and of the read model.
    /// - Returns: the number of variations that were run.
    @discardableResult
    public func check<Event: Codable & Sendable>(
        _ history: [(stream: StreamID, event: Event)], seed: UInt64
    ) async throws -> Int {
        try await check(history.map { (stream: $0.stream, event: $0.event, tags: []) }, seed: seed)
    }

    /// Checks all variations over a history of events, each with its tags and, if it has one, its stream. Events
    /// without a stream keep their order in all variations.
    ///
    /// - Throws: ``Failure``; the errors of the projection and of the read model.
    /// - Returns: the number of variations that were run.
    @discardableResult
    public func check<Event: Codable & Sendable>(
        _ history: [(stream: StreamID?, event: Event, tags: [EventTag])], seed: UInt64
    ) async throws -> Int {
        let store = MemoryEventStore()
        for entry in history { try await store.record(entry.event, to: entry.stream, tags: entry.tags) }
        var random = SeededGenerator(seed: seed)
        var count = try await check(store)
        guard isOrderFree else { return count }
        let expected = try await rows(store, try await model(), ProjectorOptions())
        for turn in 1...3 {
            let mixed = MemoryEventStore()
            for entry in Self.interleaved(history, &random) {
                try await mixed.record(entry.event, to: entry.stream, tags: entry.tags)
            }
            try compare("interleaved, turn \(turn), seed \(seed)", expected, try await rows(mixed, model(), options()))
            count += 1
        }
        return count
    }

    /// Checks all variations over the events of a store, except other interleavings, and returns the number of
    /// variations.
    ///
    /// - Throws: ``Failure``; the errors of the projection and of the read model.
    @discardableResult
    public func check(_ store: any EventStore) async throws -> Int {
        let expected = try await rows(store, try await model(), options())
        var count = 1
        for batch in [1, 2, 7] {
            try compare("batches of \(batch)", expected, try await rows(store, model(), options(batch: batch)))
            count += 1
        }
        for number in partitions {
            let options = options(partitions: number, batch: 11)
            try compare("\(number) partitions", expected, try await rows(store, model(), options))
            count += 1
        }
        try compare(
            "each event given twice", expected, try await rows(RepeatingStore(base: store), model(), options(batch: 7))
        )
        count += 1
        for kind in BreakingModel.Kind.allCases {
            var step = 0
            while true {
                let breaking = BreakingModel(try await model(), kind, at: step)
                let found = try await rowsAfterBreak(store, breaking)
                try compare("\(kind.rawValue) write \(step + 1)", expected, found)
                count += 1
                guard breaking.hasBroken else { break }
                step += 1
            }
        }
        return count
    }

    private func options(partitions: Int = 1, batch: Int = 1000) -> ProjectorOptions {
        ProjectorOptions(failures: .stop, partitions: partitions, batch: batch)
    }

    private func rows(
        _ store: any EventStore, _ model: any ReadModel, _ options: ProjectorOptions
    ) async throws -> [SQLRow] {
        try await projection.run(store, model, options)
        return try await model.rows(query)
    }

    /// Runs until the interruption, and again until the projection has reached the end.
    private func rowsAfterBreak(_ store: any EventStore, _ model: BreakingModel) async throws -> [SQLRow] {
        let head = try await store.head()
        let options = options(batch: Int(clamping: max(1, head.value / 10)))
        for _ in 0..<3 {
            do {
                return try await rows(store, model, options)
            } catch let failure as ProjectionFailure where failure.cause is BreakingModel.Broken {
                continue
            }
        }
        return try await rows(store, model, options)
    }

    private func compare(_ variation: String, _ expected: [SQLRow], _ found: [SQLRow]) throws {
        if expected != found { throw Failure(variation: variation, expected: expected, found: found) }
    }

    /// The history with the streams mixed in another way, each in its order.
    private static func interleaved<Event>(
        _ history: [(stream: StreamID?, event: Event, tags: [EventTag])], _ random: inout SeededGenerator
    ) -> [(stream: StreamID?, event: Event, tags: [EventTag])] {
        var queues = Dictionary(grouping: history, by: \.stream).mapValues { $0[...] }
        return history.map(\.stream).shuffled(using: &random).compactMap { queues[$0]?.popFirst() }
    }
}
