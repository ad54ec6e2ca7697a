package import SillokWire

/// The limits that a server enforces for its callers, over HTTP and gRPC.
///
/// Requests, calls, received bytes and subscriptions are counted for each principal: the key or the token of the
/// caller, or its address if the server requires no credentials. A place is one unit of a limit, such as one running
/// request. A principal gets a place only while it holds fewer places than are free. So one principal alone gets at
/// most half of the places. ``subscriptions`` is not shared in this way: each principal may have that number.
public struct ServerLimits: Hashable, Sendable {
    /// HTTP requests under way at once: 1,024. A long answer counts until it is written.
    public var requests = 1024
    /// gRPC calls under way at once, subscriptions aside: 8,000.
    public var calls = 8000
    /// gRPC calls at once on one connection: 256.
    public var callsPerConnection = 256
    /// Subscriptions at once of one principal, over each protocol: 100.
    public var subscriptions = 100
    /// Connections at once, over each protocol: 1,000. If there are more, a new connection replaces an unauthenticated
    /// one, an idle one, or one of an owner with more than half of them, in this order.
    public var connections = 1000
    /// Bytes of one HTTP request body: 8 MiB. It is more than `batchBytes`, because JSON is longer than the stored
    /// form.
    public var bodyBytes = 8 << 20
    /// Bytes of gRPC requests that are being received, on all connections: 256 MiB.
    public var receivedBytes = 256 << 20
    /// The time until a new connection must have sent a request: 10 seconds.
    public var firstRequestTimeout: Duration = .seconds(10)
    /// How long a client may leave an answer unread: one minute. Then the server closes the connection.
    public var stallTimeout: Duration = .seconds(60)

    /// Creates the default limits.
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
