public import Sillok
public import SillokCore
public import SillokReadSide
import SillokSQL

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What a server serves: a store, and what else there is to show and to operate.
public struct Served: Sendable {
    /// The log.
    public var store: any EventStore
    /// The projections of a read model; `nil`: none are shown.
    public var readSide: ReadSide?
    /// The states that can be shown, by the category of their streams.
    public var folds: [StreamFold]
    /// What can be done to the store as a whole.
    public var tools: StoreTools

    /// A store, and what else there is.
    public init(
        _ store: any EventStore, readSide: ReadSide? = nil, folds: [StreamFold] = [], tools: StoreTools = StoreTools()
    ) {
        self.store = store
        self.readSide = readSide
        self.folds = folds
        self.tools = tools
    }
}

/// What can be done to a store as a whole; what is `nil` cannot be asked for.
public struct StoreTools: Sendable {
    /// Told how far a long piece of work has come.
    public typealias Progress = @Sendable (WorkProgress) -> Void

    /// Checks everything that is stored.
    public var verify: (@Sendable (@escaping Progress) async throws -> VerificationReport)?
    /// Writes a copy of the store, and answers where it is and what it holds, in a sentence.
    public var backup: (@Sendable (@escaping Progress) async throws -> String)?
    /// Has every commit told.
    public var observeCommits: (@Sendable (@escaping @Sendable (CommitMeasurement) -> Void) -> Void)?
    /// How many bytes the store takes.
    public var size: (@Sendable () -> UInt64)?

    /// Tools; by default none.
    public init(
        verify: (@Sendable (@escaping Progress) async throws -> VerificationReport)? = nil,
        backup: (@Sendable (@escaping Progress) async throws -> String)? = nil,
        observeCommits: (@Sendable (@escaping @Sendable (CommitMeasurement) -> Void) -> Void)? = nil,
        size: (@Sendable () -> UInt64)? = nil
    ) {
        self.verify = verify
        self.backup = backup
        self.observeCommits = observeCommits
        self.size = size
    }
}

/// How the state of a stream is shown as of a revision or a time: the application that embeds a server registers one for
/// each category that it knows.
public struct StreamFold: Sendable {
    /// The category of the streams.
    public let category: Category

    /// The state, as JSON, that some events give; and up to which revision.
    let state: @Sendable (any EventStore, StreamID, ReadRequest.Bound?) async throws -> (Revision, [UInt8])

    /// The state of a decider.
    ///
    /// - Parameters:
    ///   - category: the category of its streams.
    ///   - decider: how events are understood.
    ///   - show: what of the state is shown, as something that can be written as JSON.
    public init<State: Decider>(
        _ category: Category, of decider: State.Type, show: @escaping @Sendable (State) -> any Encodable
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
