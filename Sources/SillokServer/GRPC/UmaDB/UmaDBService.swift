import NIOCore
import Sillok
import SillokCore
import SillokWire

/// UmaDB's protocol v1 over any store. What differs is in `docs/decisions`.
struct UmaDBService: Sendable {
    static let name = "umadb.v1.DCB"
    /// The name of the service before its protocol had a version.
    private static let formerName = "umadb.UmaDBService"

    let store: any EventStore

    /// The methods by their paths.
    var methods: [String: ServerMethod] {
        let bodies: [String: ServerMethod.Body] = [
            "Append": .unary { try await self.append($0, UmaDB.AppendRequest(reading: $1)) },
            "Read": .streaming { try await self.read($0, UmaDB.ReadRequest(reading: $1)) },
            "Subscribe": .streaming { call, message in
                try await self.subscribe(call, UmaDB.SubscribeRequest(reading: message))
                return nil
            },
            "Head": .unary { call, message in
                _ = try UmaDB.HeadRequest(reading: message)
                try await call.authorize(.read, .store)
                let head = try await self.store.head()
                return UmaDB.position(head == .start ? nil : head.value)
            },
            "GetTrackingInfo": .unary { call, message in
                let source = try TrackingInfo(reading: message).source
                try await call.authorize(.read, .store)
                return UmaDB.position(try await self.store.tracking(of: TrackingSource(source)))
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
        switch error {
        case let status as GRPCStatus: status
        case let error as ProtobufError: UmaDB.status(.serialization, "\(error)")
        case is InvalidRequest, is InlineProjectionFailed: UmaDB.status(.invalidArgument, "\(error)")
        case is AppendConflict, is EventIDConflict, is TrackingConflict: UmaDB.status(.integrity, "\(error)")
        case let error as StoreError: status(of: error)
        case let refusal as Refusal: status(of: refusal)
        case is CancellationError: GRPCStatus(.cancelled)
        default: UmaDB.status(.internal, "\(error)")
        }
    }

    private static func status(of error: StoreError) -> GRPCStatus {
        switch error.code {
        case .corrupt: UmaDB.status(.corruption, "\(error)")
        case .closed, .unavailable: UmaDB.status(.io, "\(error)", code: .unavailable)
        case .refused: UmaDB.status(.invalidArgument, "\(error)")
        case .full: UmaDB.status(.io, "\(error)", code: .resourceExhausted)
        default: UmaDB.status(.io, "\(error)")
        }
    }

    private static func status(of refusal: Refusal) -> GRPCStatus {
        switch refusal {
        case .unauthenticated: UmaDB.status(.authentication, "\(refusal)")
        case .forbidden: UmaDB.status(.authentication, "\(refusal)", code: .permissionDenied)
        case .tooMany: GRPCStatus(.resourceExhausted, "\(refusal)")
        case .stopping: GRPCStatus(.unavailable, "\(refusal)")
        }
    }
}
