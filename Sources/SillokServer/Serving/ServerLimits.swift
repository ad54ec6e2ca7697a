package import SillokWire

/// What a server holds its callers to, over HTTP and gRPC.
///
/// Requests, calls, received bytes and subscriptions are counted for each principal: the key or token that a caller
/// proves, or its address where no proof is asked for. A principal takes a place only while it holds fewer than are
/// free, so one alone has at most half of the places. The rest is free for others.
public struct ServerLimits: Hashable, Sendable {
    /// HTTP requests under way at once: 1,024. A long answer counts until it is written.
    public var requests = 1024
    /// gRPC calls under way at once, subscriptions aside: 8,000.
    public var calls = 8000
    /// gRPC calls at once on one connection: 256.
    public var callsPerConnection = 256
    /// Subscriptions at once of one principal, over each protocol: 100.
    public var subscriptions = 100
    /// Connections at once, over each protocol: 1,000. When all are taken a newcomer replaces one that has proved
    /// nothing, or is idle, of the owner that has most.
    public var connections = 1000
    /// Bytes of one body over HTTP: 8 MiB, for JSON is longer than what it says.
    public var bodyBytes = 8 << 20
    /// Bytes of gRPC requests that are being received, on all connections: 256 MiB.
    public var receivedBytes = 256 << 20
    /// The time until a new connection must have sent a request: 10 seconds.
    public var firstRequestTimeout: Duration = .seconds(10)
    /// The time that the reader of an answer may take nothing: a minute. Then it is cut.
    public var stallTimeout: Duration = .seconds(60)

    /// The default limits.
    public init() {}
}

extension ServerLimits {
    /// Every limit of a server, by its name.
    package static var settings: [LimitSetting<ServerLimits>] {
        [
            .number("bodyBytes", \.bodyBytes), .number("calls", \.calls),
            .number("callsPerConnection", \.callsPerConnection), .number("connections", \.connections),
            .seconds("firstRequestTimeout", \.firstRequestTimeout), .number("receivedBytes", \.receivedBytes),
            .number("requests", \.requests), .seconds("stallTimeout", \.stallTimeout),
            .number("subscriptions", \.subscriptions),
        ]
    }
}
