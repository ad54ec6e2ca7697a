public import SillokCore
import SillokTesting

/// A suite of checks for the guarantees of every event store. It runs against any store, including your own.
///
/// ```swift
/// let suite = EventStoreSuite { place in
///     MemoryEventStore(limits: place.limits, clock: place.clock)
/// }
///
/// @Test(arguments: EventStoreSuite.checks)
/// func keepsItsPromises(_ check: EventStoreSuite.Check) async throws { try await suite.run(check) }
/// ```
///
/// For a store that outlives its process, pass `close` too: the suite then closes it, opens the same place again,
/// and expects the same contents. Random choices come from one seed, which every failure names.
public struct EventStoreSuite: Sendable {
    /// The place at which a store is created or opened again, and its settings.
    public struct Place: Sendable {
        /// A name made of letters and digits, unique in the process: the same name is the same store.
        public let name: String

        /// The clock that recorded times come from. The suite moves it, also backwards.
        public let clock: WallClock

        /// The limits that the store should enforce. A store with other limits reports them; that is fine.
        public let limits: Limits
    }

    /// One promise and how it is checked.
    public struct Check: Sendable, CustomStringConvertible {
        /// The promise, as a sentence.
        public let name: String

        let body: @Sendable (Trial) async throws -> Void

        init(_ name: String, _ body: @escaping @Sendable (Trial) async throws -> Void) {
            self.name = name
            self.body = body
        }

        /// A check that needs one empty store.
        init(_ name: String, _ body: @escaping @Sendable (Trial, any EventStore) async throws -> Void) {
            self.init(name) { trial in try await body(trial, try await trial.store()) }
        }

        /// The promise, as a sentence.
        public var description: String { name }
    }

    /// All checks, in the order of the contract.
    public static let checks: [Check] = [
        appendChecks, conditionChecks, idempotencyChecks, trackingChecks, queryChecks, pageChecks, nameChecks,
        limitChecks, contentChecks, streamChecks, subscriptionChecks, historyChecks, concurrencyChecks,
        [randomOperations],
    ].flatMap(\.self)

    /// The check that compares random operations with the reference model: the only one that also takes a store whose
    /// pages end early, as `Limits/pageSteps` says.
    package static var randomCheck: Check { randomOperations }

    /// The seed of all random choices.
    public let seed: UInt64

    /// How many random sequences of operations ``run()`` compares with the reference model.
    public let sequences: Int

    /// The time after which an event that should come at once counts as lost.
    public let timeout: Duration

    let open: @Sendable (Place) async throws -> any EventStore
    let close: (@Sendable (any EventStore, Place) async throws -> Void)?
    let remove: (@Sendable (Place) async throws -> Void)?

    /// Creates a suite for the stores that `open` opens.
    ///
    /// - Parameters:
    ///   - seed: the seed of all random choices. The default is `SILLOK_SEED`, or a new one.
    ///   - sequences: the number of random sequences of operations to compare with the reference model. The default is
    ///     `SILLOK_SEQUENCES`, or 300.
    ///   - timeout: the time after which an event that should come at once counts as lost. It is long, so that a busy
    ///     machine is not taken for a broken store. Checks wait that long only for a lost event.
    ///   - open: creates an empty store at a place, or opens the one that was closed there.
    ///   - close: closes a store so that it can be opened again with all of its contents. Without it no store is opened
    ///     twice.
    ///   - remove: removes the files of a closed store after its check.
    public init(
        seed: UInt64? = nil, sequences: Int? = nil, timeout: Duration = .seconds(180),
        open: @escaping @Sendable (Place) async throws -> any EventStore,
        close: (@Sendable (any EventStore, Place) async throws -> Void)? = nil,
        remove: (@Sendable (Place) async throws -> Void)? = nil
    ) {
        self.seed = seed ?? Environment.seed
        self.sequences = sequences ?? Environment.count("SILLOK_SEQUENCES", default: 300)
        self.timeout = timeout
        self.open = open
        self.close = close
        self.remove = remove
    }

    /// Runs one check.
    ///
    /// - Throws: ``ConformanceFailure``.
    public func run(_ check: Check) async throws {
        let trial = Trial(suite: self, check: check.name)
        do {
            try await check.body(trial)
            try await trial.end()
        } catch let failure as ConformanceFailure {
            try? await trial.end()
            throw failure
        } catch {
            try? await trial.end()
            throw trial.failure("it threw \(type(of: error)): \(error)")
        }
    }

    /// Runs all checks, up to the first that fails.
    ///
    /// - Throws: ``ConformanceFailure``.
    public func run() async throws {
        for check in Self.checks { try await run(check) }
    }
}
