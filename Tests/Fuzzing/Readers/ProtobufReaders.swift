import NIOCore
import SillokCore
import SillokGRPC
import SillokWire

/// Reads the messages of both gRPC services.
enum ProtobufReaders {
    static func read(_ bytes: [UInt8]) throws(BrokenPromise) {
        guard let first = bytes.first else { return }
        let rest = Array(bytes.dropFirst())
        switch first % 18 {
        case 0: try request(AppendRequest.self, rest)
        case 1: try request(ReadRequest.self, rest)
        case 2: _ = message(Remote.StreamsRequest.self, rest)
        case 3: question(rest)
        case 4: answer(Remote.DescribeResponse.self, rest)
        case 5: try sameAnswer(Remote.AppendResponse.self, rest)
        case 6: try sameAnswer(Remote.ReadResponse.self, rest)
        case 7: try sameAnswer(Remote.HeadResponse.self, rest)
        case 8: try sameAnswer(Remote.EventResponse.self, rest)
        case 9: try sameAnswer(Remote.StreamsResponse.self, rest)
        case 10: _ = message(UmaDB.AppendRequest.self, rest)
        case 11: _ = message(UmaDB.ReadRequest.self, rest)
        case 12: _ = message(UmaDB.SubscribeRequest.self, rest)
        case 13: _ = message(UmaDB.HeadRequest.self, rest)
        case 15: _ = message(Remote.ReachRequest.self, rest)
        case 16: answer(Remote.ReachResponse.self, rest)
        case 17: answer(Remote.TrackingResponse.self, rest)
        default: try assemble(rest)
        }
    }

    private static func message<Message: ProtobufMessage>(_ type: Message.Type, _ bytes: [UInt8]) -> Message? {
        accepted { try bytes.withUnsafeBytes { try Message(reading: $0) } }
    }

    private static func answer<Body: Remote.AnswerBody>(_ type: Body.Type, _ bytes: [UInt8]) {
        guard let answer = message(Remote.Answer<Body>.self, bytes) else { return }
        if let failure = answer.failure, let error = accepted({ try failure.error() }) {
            let written = Remote.answer(failure: error).unframed()
            _ = accepted { try message(Remote.Answer<Body>.self, written)?.failure?.error() }
        }
        _ = accepted { try answer.value() }
    }

    /// A value that was accepted is the same after it was written and read again.
    private static func sameAnswer<Body: Remote.AnswerBody>(
        _ type: Body.Type, _ bytes: [UInt8]
    ) throws(BrokenPromise) where Body.Value: Equatable {
        answer(type, bytes)
        guard let value = accepted({ try message(Remote.Answer<Body>.self, bytes)?.value() }) ?? nil else { return }
        let written = Remote.Answer<Body>(value).unframed()
        let again = accepted { try message(Remote.Answer<Body>.self, written)?.value() } ?? nil
        try expectSame(value, again, "an answer")
    }

    /// A request that was accepted is the same after it was written and read again.
    private static func request<Request: Remote.Request & Equatable>(
        _ type: Request.Type, _ bytes: [UInt8]
    ) throws(BrokenPromise) {
        guard let request = message(type, bytes) else { return }
        try expectSame(request, message(type, request.unframed()), Request.name)
    }

    private static func question(_ bytes: [UInt8]) {
        _ = message(Remote.EventRequest.self, bytes)
        _ = message(Remote.StreamRequest.self, bytes)
        _ = message(Remote.TrackingRequest.self, bytes)
    }

    /// The frames of a stream that comes in two pieces: the same messages as in one.
    private static func assemble(_ bytes: [UInt8]) throws(BrokenPromise) {
        let cut = bytes.isEmpty ? 0 : Int(bytes[0]) % bytes.count
        let whole = messages(of: [bytes])
        let pieces = messages(of: [Array(bytes[..<cut]), Array(bytes[cut...])])
        try expectSame(whole, pieces, "a stream in two pieces")
    }

    private static func messages(of pieces: [[UInt8]]) -> [[UInt8]] {
        var assembly = MessageAssembly(limit: 4096)
        var messages: [[UInt8]] = []
        for piece in pieces {
            assembly.append(ByteBuffer(bytes: piece))
            while let message = accepted({ try assembly.next() }) ?? nil {
                messages.append(Array(message.readableBytesView))
            }
        }
        return messages
    }
}
