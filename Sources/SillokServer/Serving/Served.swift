public import Sillok
public import SillokCore
public import SillokProcessOperations
public import SillokReadSide
import SillokSQL
public import SillokService
public import SillokWebhookOperations

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The objects that a server serves: a store, and optionally projections, states and tools.
public struct Served: Sendable {
    /// The log.
    public var store: any EventStore
    /// The projections of a read model; with `nil` none are shown.
    public var readSide: ReadSide?
    /// The processes of a read model; with `nil` none are shown.
    public var processes: ProcessOperations?
    /// The webhook endpoints of the log; with `nil` none are shown.
    public var webhooks: WebhookOperations?
    /// The folds of the states that can be shown, by the category of their streams.
    public var folds: [StreamFold]
    /// The operations on the store as a whole.
    public var tools: StoreTools

    /// Creates the objects to serve; only the store is required.
    public init(
        _ store: any EventStore, readSide: ReadSide? = nil, processes: ProcessOperations? = nil,
        webhooks: WebhookOperations? = nil, folds: [StreamFold] = [], tools: StoreTools = StoreTools()
    ) {
        self.store = store
        self.readSide = readSide
        self.processes = processes
        self.webhooks = webhooks
        self.folds = folds
        self.tools = tools
    }
}

/// The operations on a store as a whole. An operation that is `nil` is not available.
public struct StoreTools: Sendable {
    /// A function that is called with the progress of a long operation.
    public typealias Progress = @Sendable (WorkProgress) -> Void

    /// Verifies everything that is stored.
    public var verify: (@Sendable (@escaping Progress) async throws -> VerificationReport)?
    /// Writes a copy of the store, and returns its path and contents in a sentence.
    public var backup: (@Sendable (@escaping Progress) async throws -> String)?
    /// Registers an observer of every commit.
    public var observeCommits: (@Sendable (@escaping @Sendable (CommitMeasurement) -> Void) -> Void)?
    /// Returns the size of the store in bytes.
    public var size: (@Sendable () -> UInt64)?
    /// The path of a small file that keeps the measurements of the charts over a restart. With `nil`, or if the file is
    /// damaged, the charts begin empty.
    public var metricsFile: String?
    /// What the store is: `file`, `folder` or `postgresql`. The dashboard shows it in words.
    public var kind: String?
    /// Returns the progress while the index of the store is rebuilt, otherwise `nil`.
    public var indexRebuild: (@Sendable () -> WorkProgress?)?
    /// Returns how far the store is behind, if it is a replica: see `ReplicaWatch`. The server shows it in
    /// `GET /health/ready`, `GET /v1/overview`, the headers of its answers, and its metrics.
    public var replica: (@Sendable () -> ReplicaLag)?

    /// Creates tools, by default none.
    public init(
        verify: (@Sendable (@escaping Progress) async throws -> VerificationReport)? = nil,
        backup: (@Sendable (@escaping Progress) async throws -> String)? = nil,
        observeCommits: (@Sendable (@escaping @Sendable (CommitMeasurement) -> Void) -> Void)? = nil,
        size: (@Sendable () -> UInt64)? = nil, metricsFile: String? = nil
    ) {
        (self.verify, self.backup, self.observeCommits) = (verify, backup, observeCommits)
        (self.size, self.metricsFile) = (size, metricsFile)
    }
}

/// The fold that shows the state of a stream as of a revision or a time. An application that embeds a server registers
/// one for each category that it knows.
public struct StreamFold: Sendable {
    /// The category of the streams.
    public let category: StreamCategory

    /// Returns the state as JSON, and the revision that it includes.
    let state: @Sendable (any EventStore, StreamID, ReadRequest.Bound?) async throws -> (Revision, [UInt8])

    /// Creates the fold of a decider.
    ///
    /// - Parameters:
    ///   - category: the category of its streams.
    ///   - decider: the type of the state.
    ///   - show: returns the part of the state to show, as a value that can be encoded as JSON.
    public init<State: Decider>(
        _ category: StreamCategory, of decider: State.Type, show: @escaping @Sendable (State) -> any Encodable
    ) where State.Event: Codable & Sendable {
        self.category = category
        state = { store, stream, bound in
            let coding = EventCoding<State.Event>()
            var state = State()
            var revision = Revision.none
            let request = ReadRequest(.stream(stream), before: bound, limit: store.limits.pageEvents)
            for try await page in store.pages(request) {
                for event in page.events {
                    for payload in try coding.decode(event) { state.evolve(payload) }
                    revision = event.revision
                }
            }
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            return (revision, Array(try encoder.encode(show(state))))
        }
    }
}
