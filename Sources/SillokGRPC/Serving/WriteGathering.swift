import NIOCore

/// Copies small writes into one buffer until they are flushed: the frames of an answer go to the system as one piece,
/// and the encoder of frames reuses its memory.
final class WriteGathering: ChannelOutboundHandler {
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// Larger writes are passed on without a copy.
    private static let copiedBytes = 2 << 10
    /// A larger buffer is passed on before the flush, so that the channel counts it.
    private static let gatheredBytes = 16 << 10

    private var buffer = ByteBuffer()
    /// Whether the buffer was passed on. Its memory is used again if the channel has sent it.
    private var isPassed = true

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard promise == nil, case .byteBuffer(var bytes) = unwrapOutboundIn(data),
            bytes.readableBytes <= Self.copiedBytes
        else {
            pass(context)
            return context.write(data, promise: promise)
        }
        if isPassed {
            buffer.clear(minimumCapacity: 512)
            isPassed = false
        }
        buffer.writeBuffer(&bytes)
        if buffer.readableBytes >= Self.gatheredBytes { pass(context) }
    }

    func flush(context: ChannelHandlerContext) {
        pass(context)
        context.flush()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        flush(context: context)
        context.close(mode: mode, promise: promise)
    }

    private func pass(_ context: ChannelHandlerContext) {
        if isPassed { return }
        isPassed = true
        context.write(wrapOutboundOut(.byteBuffer(buffer)), promise: nil)
        if buffer.capacity > Self.gatheredBytes / 2 { buffer = ByteBuffer() }
    }
}
