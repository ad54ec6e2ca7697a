import HTTPTypes
import Metrics
import NIOCore
import NIOHTTPTypes
import SillokCore
import SillokGRPC
import SillokService

/// Holds one HTTP connection to the limits of the server: it has a place among the connections, sends its first request
/// in time, and takes what it asked for.
final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let registry: ConnectionRegistry
    private let limits: ServerLimits
    private let metrics: ServerMetrics
    private var isOpen = false
    /// Closes the connection if no request has begun until then.
    private var firstRequest: Scheduled<Void>?
    /// Looks whether the reader takes anything, while more is written than it has taken.
    private var stallCheck: Scheduled<Void>?

    init(_ registry: ConnectionRegistry, _ limits: ServerLimits, _ metrics: ServerMetrics) {
        (self.registry, self.limits, self.metrics) = (registry, limits, metrics)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let (channel, metrics) = (context.channel, metrics)
        metrics.connections.increment()
        channel.closeFuture.whenComplete { _ in metrics.connections.decrement() }
        isOpen = registry.open(channel)
        if context.channel.isActive { begin(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { cancel() }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head = unwrapInboundIn(data) {
            firstRequest?.cancel()
            firstRequest = nil
            registry.begin(on: context.channel)
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { registry.end(on: context.channel) }
        context.write(data, promise: promise)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            stallCheck?.cancel()
            stallCheck = nil
        } else if stallCheck == nil {
            watchReader(context)
        }
        context.fireChannelWritabilityChanged()
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard isOpen else { return refuse(context) }
        let channel = context.channel
        firstRequest = context.eventLoop.scheduleTask(in: TimeAmount(limits.firstRequestTimeout)) {
            channel.close(promise: nil)
        }
    }

    /// Says that there is no place for the connection, and closes it.
    private func refuse(_ context: ChannelHandlerContext) {
        var problem = Problem(
            503, .overloaded, "all connections are in use (the limit connections). Nothing was done: retry in a second."
        )
        problem.limit = "connections"
        let (fields, body) = problem.retrying(afterSeconds: 1).content
        var head = HTTPResponse(status: .serviceUnavailable, headerFields: fields)
        head.headerFields[.connection] = "close"
        head.headerFields[.contentLength] = "\(body.count)"
        metrics.shed.increment()
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.close(promise: nil)
    }

    private func watchReader(_ context: ChannelHandlerContext) {
        let unsent = Self.unsentBytes(context.channel)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        stallCheck = context.eventLoop.scheduleTask(in: TimeAmount(limits.stallTimeout)) {
            let (handler, context) = bound.value
            if Self.unsentBytes(context.channel) != unsent { return handler.watchReader(context) }
            handler.metrics.stalled.increment()
            context.close(promise: nil)
        }
    }

    /// Bytes that are written and that the system has not taken.
    private static func unsentBytes(_ channel: any Channel) -> Int? {
        try? channel.syncOptions?.getOption(.bufferedWritableBytes)
    }

    private func cancel() {
        firstRequest?.cancel()
        stallCheck?.cancel()
        (firstRequest, stallCheck) = (nil, nil)
    }
}
