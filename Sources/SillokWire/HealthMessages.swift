/// The request of the health service. See `Protos/health.proto`.
package struct HealthCheckRequest: ProtobufMessage {
    package static let unread = HealthCheckRequest()

    package private(set) var service = ""

    package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, "service", &service)
    }
}

/// The answer of the health service.
package struct HealthCheckResponse: ProtobufMessage {
    package enum ServingStatus: UInt64, ProtobufEnum, Sendable {
        case unknown, serving, notServing, serviceUnknown

        package static let unread = ServingStatus.unknown
    }

    package static let unread = HealthCheckResponse(status: .unknown)

    private var status: ServingStatus

    package init(status: ServingStatus) { self.status = status }

    package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, "status", &status)
    }
}
