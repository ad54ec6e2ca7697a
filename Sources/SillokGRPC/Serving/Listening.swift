package import NIOCore
import NIOHTTP2
import NIOPosix
import NIOSSL
import NIOTLS

extension ServerContext {
    /// Listens on the configured address and serves every connection that comes.
    package func listen() async throws -> any Channel {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 128 << 10, high: 256 << 10))
            .childChannelInitializer { channel in
                guard let tls = self.limits.tls else {
                    return channel.eventLoop.makeCompletedFuture { try self.configure(channel, nil) }
                }
                // Reading the files of a certificate blocks, and an event loop must not.
                return NIOThreadPool.singleton.runIfActive(eventLoop: channel.eventLoop) { try tls() }.flatMapThrowing {
                    try self.configure(channel, $0)
                }
            }
            .bind(host: limits.host, port: limits.port).get()
    }

    /// Sets a new connection up.
    private func configure(_ channel: any Channel, _ context: NIOSSLContext?) throws {
        guard connections.open(channel) else {
            channel.close(promise: nil)
            return
        }
        let pipeline = channel.pipeline.syncOperations
        if let context { try pipeline.addHandler(NIOSSLServerHandler(context: context)) }
        let keeping = NIOHTTP2ServerConnectionManagementHandler(
            eventLoop: channel.eventLoop,
            configuration: .init(
                maxIdleTime: nil, maxAge: nil, maxGraceTime: TimeAmount(limits.drain),
                keepalive: .init(pingInterval: TimeAmount(limits.keepalive), ackTimeout: .seconds(20))))
        let http2 = NIOHTTP2Handler(
            mode: .server, connectionConfiguration: connectionConfiguration, streamConfiguration: streamConfiguration)
        try pipeline.addHandlers([WriteGathering(), http2, CallConnection(self, channel), keeping])
    }

    private var connectionConfiguration: NIOHTTP2Handler.ConnectionConfiguration {
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: limits.callsPerConnection),
            HTTP2Setting(parameter: .maxHeaderListSize, value: 16 << 10),
            HTTP2Setting(parameter: .initialWindowSize, value: CallConnection.streamWindow),
        ]
        connection.maximumSequentialEmptyDataFrames = 16
        return connection
    }

    private var streamConfiguration: NIOHTTP2Handler.StreamConfiguration {
        var stream = NIOHTTP2Handler.StreamConfiguration()
        // Clients cancel reads that they have seen enough of: many in a short time are no attack yet.
        stream.streamResetFrameRateLimit.maximumCount = 5000
        stream.streamErrorRateLimit.maximumCount = 5000
        return stream
    }
}
