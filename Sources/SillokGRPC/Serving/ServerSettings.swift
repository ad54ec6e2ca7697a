package import NIOSSL

/// Where a server listens, and the limits that it sets to its callers.
package struct ServerSettings: Sendable {
    /// The address to listen on.
    package var host = "127.0.0.1"
    /// The port to listen on; 0 lets the system choose.
    package var port = 0
    /// Returns the TLS context of each new connection; `nil` for plain text.
    package var tls: (@Sendable () throws -> NIOSSLContext)?
    /// Connections at once.
    package var connections = 1000
    /// Calls at once on one connection.
    package var callsPerConnection = 256
    /// Calls at once on all connections, subscriptions aside.
    package var calls = 8000
    /// Subscriptions at once of one principal.
    package var subscriptions = 100
    /// Bytes of requests that are being received, on all connections.
    package var receivedBytes = 256 << 20
    /// The time until a new connection must have begun a call.
    package var firstRequestTimeout = Duration.seconds(10)
    /// The time that a reader of a stream may take nothing.
    package var stallTimeout = Duration.seconds(60)
    /// The time limit of a call that sets none.
    package var deadline = Duration.seconds(30)
    /// The time that calls in flight have when the server stops.
    package var drain = Duration.seconds(10)
    /// The time after which a silent connection is pinged.
    package var keepalive = Duration.seconds(30)

    package init() {}
}
