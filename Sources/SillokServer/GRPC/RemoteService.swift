import NIOCore
import SillokCore
import SillokGRPC
import SillokWire

/// The service that provides all methods of a store to `RemoteEventStore`. Errors of the store are part of the answer.
/// A status other than OK means that the store was not called, or that the outcome is unknown.
struct RemoteService: Sendable {
    static let name = "sillok.v1.EventStore"

    let store: any EventStore
    let access: CallAccess

    /// The methods by their paths.
    var methods: [String: ServerMethod] {
        let bodies: [String: @Sendable (ServerCall, ReceivedMessage) async throws -> ByteBuffer] = [
            "Describe": describe, "Append": append, "Read": read, "Head": head, "Reach": reach, "GetEvent": event,
            "GetStream": stream, "ListStreams": streams, "GetTracking": tracking,
        ]
        return Dictionary(
            uniqueKeysWithValues: bodies.map { name, body in
                ("/\(Self.name)/\(name)", ServerMethod(body: .unary(body)) { Self.status(of: $0) })
            })
    }

    private func describe(_ call: ServerCall, _ message: ReceivedMessage) async throws -> ByteBuffer {
        try await access.authorize(call, .head, .store)
        return try await answer { Remote.answer(try await store.storeID(), store.limits) }
    }

    private func append(_ call: ServerCall, _ message: ReceivedMessage) async throws -> ByteBuffer {
        let request = try Remote.Append(reading: message.take()).request()
        try await access.authorize(call, .appendEvents, .append(request))
        if request.entries.contains(where: { $0.recordedAt != nil }) {
            try await access.authorize(call, .setRecordedTime, .append(request))
        }
        return try await answer {
            do {
                return Remote.answer(try await store.append(request))
            } catch {
                guard case AppendError.conflict(let conflict) = error else { throw error }
                throw AppendError.conflict(await shown(conflict, of: request, to: call))
            }
        }
    }

    /// Returns the conflict without the events that broke the condition, if the caller may not read them.
    private func shown(_ conflict: AppendConflict, of request: AppendRequest, to call: ServerCall) async
        -> AppendConflict
    {
        do {
            try await access.authorize(call, .showPayloads, .append(request))
            return conflict
        } catch {
            return AppendConflict(streams: conflict.streams, events: [], head: conflict.head)
        }
    }

    private func read(_ call: ServerCall, _ message: ReceivedMessage) async throws -> ByteBuffer {
        let request = try Remote.Read(reading: message.take()).request()
        try await access.authorize(call, .readEvents, .query(request.query))
        return try await answer { Remote.answer(try await store.read(request)) }
    }

    private func head(_ call: ServerCall, _ message: ReceivedMessage) async throws -> ByteBuffer {
        try await access.authorize(call, .head, .store)
        return try await answer { Remote.answer(number: try await store.head().value) }
    }

    /// Waits for a few seconds at most: a caller that waits longer asks again, and is judged again.
    private func reach(_ call: ServerCall, _ message: ReceivedMessage) async throws -> ByteBuffer {
        let request = try Remote.Reach(reading: message.take())
        let (position, query) = (Position(request.position), request.query ?? .all)
        // When events of a query come is known to those who may read them, when any come to those who may see the head.
        if request.query == nil {
            try await access.authorize(call, .head, .store)
        } else {
            try await access.authorize(call, .readEvents, .query(query))
        }
        return try await answer {
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
            return Remote.answer(head: try await store.head(), isWaiting: isWaiting)
        }
    }

    private func event(_ call: ServerCall, _ message: ReceivedMessage) async throws -> ByteBuffer {
        let id = try Remote.Question(reading: message.take()).id()
        try await access.authorize(call, .readEvent, .store)
        return try await answer {
            guard let event = try await store.event(id) else { return Remote.answer(RecordedEvent?.none) }
            // The stream of the event is only known now. The answer must not disclose events outside the grant.
            do {
                try await access.authorize(call, .readEvent, .query(event.stream.map { EventQuery.stream($0) } ?? .all))
            } catch CallRefusal.forbidden {
                return Remote.answer(RecordedEvent?.none)
            }
            return Remote.answer(event)
        }
    }

    private func stream(_ call: ServerCall, _ message: ReceivedMessage) async throws -> ByteBuffer {
        let stream = StreamID(try Remote.Question(reading: message.take()).text())
        try await access.authorize(call, .readStream, .query(.stream(stream)))
        return try await answer { Remote.answer(try await store.stream(stream).map { [$0] } ?? []) }
    }

    private func streams(_ call: ServerCall, _ message: ReceivedMessage) async throws -> ByteBuffer {
        let request = try Remote.ListStreams(reading: message.take())
        let category = request.category.map { StreamCategory($0) }
        try await access.authorize(call, .listStreams, .streams(category))
        return try await answer {
            Remote.answer(
                try await store.streams(
                    in: category, after: request.after.map { StreamID($0) }, limit: request.limit))
        }
    }

    private func tracking(_ call: ServerCall, _ message: ReceivedMessage) async throws -> ByteBuffer {
        let source = TrackingSource(try Remote.Question(reading: message.take()).text())
        try await access.authorize(call, .tracking, .store)
        return try await answer { Remote.answer(try await store.tracking(of: source)) }
    }

    /// Returns the answer of the store, including its errors.
    private func answer(_ body: () async throws -> ByteBuffer) async throws -> ByteBuffer {
        do {
            return try await body()
        } catch let refusal as CallRefusal {
            throw refusal
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            let error = AppendError(error)
            // A status, so that clients of any kind wait.
            if case .failed(let failure) = error, failure.code == .overloaded { throw failure }
            return Remote.answer(failure: error)
        }
    }

    private static func status(of error: any Error) -> GRPCStatus {
        switch error {
        case let status as GRPCStatus: status
        case let error as StoreError where error.code == .overloaded:
            GRPCStatus(
                .resourceExhausted, "\(error)", details: Remote.details(failure: error), retryAfter: error.retryAfter)
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
