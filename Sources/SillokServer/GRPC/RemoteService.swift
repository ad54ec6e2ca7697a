import NIOCore
import SillokCore
import SillokGRPC
import SillokWire

/// The service that provides all methods of a store to `RemoteEventStore`. Errors of the store are part of the answer.
/// A status other than OK means that the store was not called, or that the outcome is unknown.
struct RemoteService: Sendable {
    let store: any EventStore
    let access: CallAccess

    /// The methods by their paths.
    var methods: [String: ServerMethod] {
        Dictionary(uniqueKeysWithValues: [
            method(describe), method(append), framed(read), method(head), method(reach), method(event), method(stream),
            method(streams), method(tracking),
        ])
    }

    private func method<Request: Remote.Request>(
        _ body: @escaping @Sendable (ServerCall, Request) async throws -> Request.Answer.Value
    ) -> (path: String, method: ServerMethod) {
        framed { Remote.Answer<Request.Answer>(try await body($0, $1 as Request)).framed() }
    }

    /// The request is read, answered, and what the store throws becomes part of the answer.
    private func framed<Request: Remote.Request>(
        _ body: @escaping @Sendable (ServerCall, Request) async throws -> ByteBuffer
    ) -> (path: String, method: ServerMethod) {
        let unary = ServerMethod.Body.unary { call, message in
            let request = try Request(reading: message.take())
            do { return try await body(call, request) } catch { return try Self.answer(to: error) }
        }
        return ("/\(Remote.service)/\(Request.method)", ServerMethod(body: unary) { Self.status(of: $0) })
    }

    private func describe(_ call: ServerCall, _ request: Remote.DescribeRequest) async throws -> (
        store: StoreID, limits: Limits
    ) {
        try await access.authorize(call, .head, .store)
        return (try await store.storeID(), store.limits)
    }

    private func append(_ call: ServerCall, _ request: AppendRequest) async throws -> Receipt {
        try await access.authorize(call, .appendEvents, .append(request))
        if request.entries.contains(where: { $0.recordedAt != nil }) {
            try await access.authorize(call, .setRecordedTime, .append(request))
        }
        do {
            return try await store.append(request)
        } catch {
            guard case AppendError.conflict(let conflict) = error else { throw error }
            throw AppendError.conflict(await shown(conflict, of: request, to: call))
        }
    }

    /// Returns the conflict without the events that broke the condition, if the caller may not read them.
    private func shown(_ conflict: AppendConflict, of request: AppendRequest, to call: ServerCall) async
        -> AppendConflict
    {
        let isAllowed = (try? await access.authorize(call, .showPayloads, .append(request))) != nil
        return isAllowed ? conflict : AppendConflict(streams: conflict.streams, events: [], head: conflict.head)
    }

    private func read(_ call: ServerCall, _ request: ReadRequest) async throws -> ByteBuffer {
        try await access.authorize(call, .readEvents, .query(request.query))
        return try await Remote.page(request, of: store)
    }

    private func head(_ call: ServerCall, _ request: Remote.HeadRequest) async throws -> Position {
        try await access.authorize(call, .head, .store)
        return try await store.head()
    }

    /// Waits for a few seconds at most: a caller that waits longer asks again, and is judged again.
    private func reach(_ call: ServerCall, _ request: Remote.ReachRequest) async throws -> (
        head: Position, isWaiting: Bool
    ) {
        let (position, query) = (request.position, request.query ?? .all)
        // When events of a query come is known to those who may read them, when any come to those who may see the head.
        if request.query == nil {
            try await access.authorize(call, .head, .store)
        } else {
            try await access.authorize(call, .readEvents, .query(query))
        }
        try store.limits.check(query)
        let isWaiting = try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await store.reach(position, for: query)
                return false
            }
            group.addTask {
                try await Task.sleep(for: .seconds(4))
                return true
            }
            defer { group.cancelAll() }
            return try await group.next() ?? true
        }
        return (try await store.head(), isWaiting)
    }

    private func event(_ call: ServerCall, _ request: Remote.EventRequest) async throws -> RecordedEvent? {
        try await access.authorize(call, .readEvent, .store)
        guard let event = try await store.event(request.id) else { return nil }
        // The stream of the event is only known now. The answer must not disclose events outside the grant.
        do {
            try await access.authorize(call, .readEvent, .query(event.stream.map { EventQuery.stream($0) } ?? .all))
        } catch CallRefusal.forbidden {
            return nil
        }
        return event
    }

    private func stream(_ call: ServerCall, _ request: Remote.StreamRequest) async throws -> [StreamFacts] {
        try await access.authorize(call, .readStream, .query(.stream(request.stream)))
        return try await store.stream(request.stream).map { [$0] } ?? []
    }

    private func streams(_ call: ServerCall, _ request: Remote.StreamsRequest) async throws -> [StreamFacts] {
        try await access.authorize(call, .listStreams, .streams(request.category))
        return try await store.streams(in: request.category, after: request.after, limit: request.limit)
    }

    private func tracking(
        _ call: ServerCall, _ request: Remote.TrackingRequest
    ) async throws -> (position: UInt64, event: EventID?)? {
        try await access.authorize(call, .tracking, .store)
        return try await store.tracking(of: request.source).map { ($0.position, $0.event) }
    }

    /// Returns the answer with an error of the store. Other errors end the call with a status.
    private static func answer(to error: any Error) throws -> ByteBuffer {
        if error is CallRefusal || error is CancellationError { throw error }
        let error = AppendError(error)
        // A status, so that clients of any kind wait.
        if case .failed(let failure) = error, failure.code == .overloaded { throw failure }
        return Remote.answer(failure: error).framed()
    }

    private static func status(of error: any Error) -> GRPCStatus {
        switch error {
        case let status as GRPCStatus: status
        case let error as StoreError where error.code == .overloaded:
            GRPCStatus(
                .resourceExhausted, "\(error)", details: Remote.answer(failure: .failed(error)).unframed(),
                retryAfter: error.retryAfter)
        case let error as ProtobufError: GRPCStatus(.invalidArgument, "\(error)")
        case CallRefusal.unauthenticated(let reason): GRPCStatus(.unauthenticated, reason)
        case CallRefusal.forbidden(let reason): GRPCStatus(.permissionDenied, reason)
        case CallRefusal.tooMany(let reason): GRPCStatus(.resourceExhausted, reason)
        case let refusal as CallRefusal: GRPCStatus(.unavailable, "\(refusal)")
        case is CancellationError: GRPCStatus(.cancelled)
        default: GRPCStatus(.internal, "\(error)")
        }
    }
}
