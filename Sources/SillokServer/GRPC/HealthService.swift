import NIOCore
import SillokCore
import SillokGRPC
import SillokUmaDB
import SillokWire

/// The health service of gRPC, which reports serving until the server stops. It requires no key.
final class HealthService: Sendable {
    private static let services: Set<String> = ["", UmaDBService.name, Remote.service]

    /// Ends when the server stops.
    private let stopping = HeadSignal()

    /// The methods by their paths.
    var methods: [String: ServerMethod] {
        [
            "/grpc.health.v1.Health/Check": ServerMethod(
                body: .unary { _, message in
                    let service = try HealthCheckRequest(reading: message.take()).service
                    guard Self.services.contains(service) else {
                        throw GRPCStatus(.notFound, "there is no service \(service)")
                    }
                    return Self.answer(self.status)
                }, status: { Self.status(of: $0) }),
            "/grpc.health.v1.Health/Watch": ServerMethod(
                body: .streaming { call, message in
                    let service = try HealthCheckRequest(reading: message.take()).service
                    guard Self.services.contains(service) else {
                        try await call.send(Self.answer(.serviceUnknown))
                        try await self.stopping.reach(1)
                        return nil
                    }
                    try await call.send(Self.answer(self.status))
                    try await self.stopping.reach(1)
                    return Self.answer(.notServing)
                }, status: { Self.status(of: $0) }),
        ]
    }

    /// Notifies all watchers that the server stops.
    func stop() { stopping.advance(to: 1) }

    private var status: HealthCheckResponse.ServingStatus { stopping.head > .start ? .notServing : .serving }

    private static func answer(_ status: HealthCheckResponse.ServingStatus) -> ByteBuffer {
        HealthCheckResponse(status: status).framed()
    }

    private static func status(of error: any Error) -> GRPCStatus {
        switch error {
        case let status as GRPCStatus: status
        case is CancellationError: GRPCStatus(.cancelled)
        case let error as StoreError where error.code == .overloaded:
            GRPCStatus(.resourceExhausted, "\(error)", retryAfter: error.retryAfter)
        case let error as ProtobufError: GRPCStatus(.invalidArgument, "\(error)")
        default: GRPCStatus(.internal, "\(error)")
        }
    }
}
