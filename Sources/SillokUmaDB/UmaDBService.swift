package import SillokCore
package import SillokGRPC
import SillokWire

/// UmaDB's protocol v1 over any store. What differs is in `docs/decisions`.
package struct UmaDBService: Sendable {
    package static let name = "umadb.v1.DCB"
    /// The name of the service before its protocol had a version.
    private static let formerName = "umadb.UmaDBService"

    /// What a caller asks for, so that it can be allowed or refused.
    package enum Access: Sendable {
        /// The store as a whole: its head and its tracking.
        case store
        case read(EventQuery)
        case subscribe(EventQuery)
        case append(AppendRequest)
    }

    /// Returns the name of a caller, or throws a `CallRefusal`.
    package typealias Authorizing = @Sendable (ServerCall, Access) async throws -> String

    let store: any EventStore
    private let authorizing: Authorizing

    package init(store: any EventStore, authorizing: @escaping Authorizing) {
        self.store = store
        self.authorizing = authorizing
    }

    @discardableResult
    func authorize(_ call: ServerCall, _ access: Access) async throws -> String { try await authorizing(call, access) }

    /// The methods by their paths.
    package var methods: [String: ServerMethod] {
        let bodies: [String: ServerMethod.Body] = [
            "Append": .unary { try await self.append($0, UmaDB.AppendRequest(reading: $1.take())).framed() },
            "Read": .streaming { try await self.read($0, UmaDB.ReadRequest(reading: $1.take())) },
            "Subscribe": .streaming { call, message in
                try await self.subscribe(call, UmaDB.SubscribeRequest(reading: message.take()))
                return nil
            },
            "Head": .unary { call, message in
                _ = try UmaDB.HeadRequest(reading: message.take())
                try await self.authorize(call, .store)
                return UmaDB.PositionResponse(try await self.store.head()).framed()
            },
            "GetTrackingInfo": .unary { call, message in
                let source = try UmaDB.TrackingRequest(reading: message.take()).source
                try await self.authorize(call, .store)
                return UmaDB.PositionResponse(of: try await self.store.tracking(of: source)).framed()
            },
        ]
        var methods: [String: ServerMethod] = [:]
        for (method, body) in bodies {
            for service in [Self.name, Self.formerName] {
                methods["/\(service)/\(method)"] = ServerMethod(body: body) { Self.status(of: $0) }
            }
        }
        return methods
    }

    /// What an error means in this protocol.
    static func status(of error: any Error) -> GRPCStatus {
        if let error = AppendError(known: error) { return status(of: error) }
        return switch error {
        case let status as GRPCStatus: status
        case let error as ProtobufError: UmaDB.status(.serialization, "\(error)")
        case let refusal as CallRefusal: status(of: refusal)
        case is CancellationError: GRPCStatus(.cancelled)
        default: UmaDB.status(.internal, "\(error)")
        }
    }

    /// What an error of the store means, of an append or a read.
    private static func status(of error: AppendError) -> GRPCStatus {
        switch error {
        case .invalid, .refused: UmaDB.status(.invalidArgument, "\(error)")
        case .conflict, .knownID, .tracking: UmaDB.status(.integrity, "\(error)")
        case .failed(let failure): status(of: failure)
        }
    }

    private static func status(of error: StoreError) -> GRPCStatus {
        switch error.code {
        case .corrupt: UmaDB.status(.corruption, "\(error)")
        // As for a condition that does not hold, the caller reads and decides again.
        case .storeChanged: UmaDB.status(.integrity, "\(error)")
        case .closed, .unavailable, .fileReplaced: UmaDB.status(.io, "\(error)", code: .unavailable)
        case .refused, .tooExpensive: UmaDB.status(.invalidArgument, "\(error)")
        case .overloaded:
            UmaDB.status(.io, "\(error)", code: .resourceExhausted, retryAfter: error.retryAfter ?? .seconds(1))
        case .full: UmaDB.status(.io, "\(error)", code: .resourceExhausted)
        case .locked, .readOnly, .notFound, .unsupportedFormat, .ioFailure, .invalidQuery, .cancelled, .accessDenied:
            UmaDB.status(.io, "\(error)")
        }
    }

    private static func status(of refusal: CallRefusal) -> GRPCStatus {
        switch refusal {
        case .unauthenticated: UmaDB.status(.authentication, "\(refusal)")
        case .forbidden: UmaDB.status(.authentication, "\(refusal)", code: .permissionDenied)
        case .tooMany: GRPCStatus(.resourceExhausted, "\(refusal)")
        case .stopping: GRPCStatus(.unavailable, "\(refusal)")
        }
    }
}
