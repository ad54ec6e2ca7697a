import NIOCore
import SillokCore
import SillokGRPC
import SillokWire

/// The whole seam over the network, for `RemoteEventStore`. What the store refuses is part of the answer; a status that
/// is not OK says that the store was not asked, or that nobody knows.
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

    /// The conflict as a caller may see it: without the events that broke the condition if it may not read them.
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

    /// Waits for a few seconds at most: whoever waits longer asks again, and is judged again.
    private func reach(_ call: ServerCall, _ message: ReceivedMessage) async throws -> ByteBuffer {
        let position = Position(try Remote.Question(reading: message.take()).number)
        try await access.authorize(call, .head, .store)
        return try await answer {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await store.reach(position) }
                group.addTask { try await Task.sleep(for: .seconds(4)) }
                defer { group.cancelAll() }
                try await group.next()
            }
            return Remote.answer(number: try await store.head().value)
        }
    }

    private func event(_ call: ServerCall, _ message: ReceivedMessage) async throws -> ByteBuffer {
        let id = try Remote.Question(reading: message.take()).id()
        try await access.authorize(call, .readEvent, .store)
        return try await answer {
            guard let event = try await store.event(id) else { return Remote.answer(RecordedEvent?.none) }
            // Only now is it known whose event it is. Whether there is one that the grant does not reach is not told.
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
        let category = request.category.map { Category($0) }
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

    /// What the store says, be it a refusal.
    private func answer(_ body: () async throws -> ByteBuffer) async throws -> ByteBuffer {
        do {
            return try await body()
        } catch let refusal as CallRefusal {
            throw refusal
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            let error = AppendError(error)
            guard case .failed(let failure) = error, failure.code == .overloaded else {
                return Remote.answer(failure: error)
            }
            throw GRPCStatus(
                .resourceExhausted, "\(failure)", details: Remote.details(failure: failure),
                retryAfter: failure.retryAfter)
        }
    }

    private static func status(of error: any Error) -> GRPCStatus {
        switch error {
        case let status as GRPCStatus: status
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
