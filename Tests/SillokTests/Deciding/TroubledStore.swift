import Sillok

/// A store in memory with trouble on order: what happens before an append, and what its answer becomes.
final class TroubledStore: ForwardingEventStore {
    enum Trouble: Sendable {
        /// Another writer appends this first.
        case rival(EventData, to: StreamID?)
        /// The append works, but its answer gets lost.
        case lostAnswer
        /// The append does not happen, and the outcome is unknown.
        case lostRequest
        /// The append fails, and that is certain.
        case failure
        /// Something else happens first.
        case first(@Sendable () async throws -> Void)
    }

    let inner = MemoryEventStore()
    var base: any EventStore { inner }
    private let troubles: Lock<[Trouble]>
    private let lostRead = Lock<(any Error)?>(nil)
    private let log = Lock((reads: [ReadRequest](), appends: [AppendRequest]()))

    init(_ troubles: [Trouble] = []) { self.troubles = Lock(troubles) }

    var reads: [ReadRequest] { log.withLock { $0.reads } }
    var appends: [AppendRequest] { log.withLock { $0.appends } }
    func add(_ trouble: Trouble) { troubles.withLock { $0.append(trouble) } }

    func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        log.withLock { $0.appends.append(request) }
        let trouble = troubles.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        switch trouble {
        case .rival(let event, let stream): try await inner.append([event], to: stream)
        case .lostAnswer:
            _ = try await inner.append(request)
            throw .failed(StoreError(.ioFailure, "the answer got lost.", outcome: .unknown))
        case .lostRequest: throw .failed(StoreError(.ioFailure, "the request got lost.", outcome: .unknown))
        case .failure: throw .failed(StoreError(.full, "no space is left."))
        case .first(let action): do { try await action() } catch { throw AppendError(error) }
        case nil: break
        }
        return try await inner.append(request)
    }

    /// Lets the next read fail.
    func loseRead(_ error: any Error) { lostRead.withLock { $0 = error } }

    func read(_ request: ReadRequest) async throws -> EventBatch {
        log.withLock { $0.reads.append(request) }
        if let error = lostRead.withLock({ $0.take() }) { throw error }
        return try await inner.read(request)
    }
}
