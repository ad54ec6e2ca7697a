import NIOCore
import SillokCore
import SillokGRPC
import SillokUmaDB
import SillokWire

/// Reads the messages of both gRPC services.
enum ProtobufReaders {
    static func read(_ bytes: [UInt8]) throws(BrokenPromise) {
        guard let first = bytes.first else { return }
        let rest = Array(bytes.dropFirst())
        switch first % 18 {
        case 0: try append(rest)
        case 1: try page(rest)
        case 2: _ = message(Remote.ListStreams.self, rest)
        case 3: question(rest)
        case 4: answer(Remote.Description.self, rest)
        case 5: answer(Remote.Appended.self, rest)
        case 6: answer(Remote.Page.self, rest)
        case 7: answer(Remote.Number.self, rest)
        case 8: answer(Remote.FoundEvent.self, rest)
        case 9: answer(Remote.FoundStreams.self, rest)
        case 10: _ = message(UmaDB.AppendRequest.self, rest)
        case 11: _ = message(UmaDB.ReadRequest.self, rest)
        case 12: _ = message(UmaDB.SubscribeRequest.self, rest)
        case 13: _ = message(UmaDB.HeadRequest.self, rest)
        case 15: _ = message(Remote.Reach.self, rest)
        case 16: answer(Remote.Reached.self, rest)
        case 17: answer(Remote.FoundTracking.self, rest)
        default: try assemble(rest)
        }
    }

    private static func message<Message: ProtobufReadable>(_ type: Message.Type, _ bytes: [UInt8]) -> Message? {
        accepted { try bytes.withUnsafeBytes { try Message(reading: $0) } }
    }

    private static func answer<Answer: Remote.Answer>(_ type: Answer.Type, _ bytes: [UInt8]) {
        guard let answer = message(type, bytes) else { return }
        if let failure = answer.failure { _ = accepted { try failure.error() } }
        _ = accepted { try answer.value() }
    }

    /// A request that was accepted is the same after it was written and read again.
    private static func append(_ bytes: [UInt8]) throws(BrokenPromise) {
        guard let request = accepted({ try message(Remote.Append.self, bytes)?.request() }) ?? nil else { return }
        let written = unframed(Remote.message(request))
        let again = accepted { try message(Remote.Append.self, written)?.request() } ?? nil
        try expectSame(request, again, "an append")
    }

    private static func page(_ bytes: [UInt8]) throws(BrokenPromise) {
        guard let request = accepted({ try message(Remote.Read.self, bytes)?.request() }) ?? nil else { return }
        let written = unframed(Remote.message(request))
        let again = accepted { try message(Remote.Read.self, written)?.request() } ?? nil
        try expectSame(request, again, "a read")
    }

    private static func question(_ bytes: [UInt8]) {
        guard let question = message(Remote.Question.self, bytes) else { return }
        _ = accepted { try question.text() }
        _ = accepted { try question.id() }
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

    private static func unframed(_ buffer: ByteBuffer) -> [UInt8] {
        Array(buffer.readableBytesView.dropFirst(ProtobufWriter.frameBytes))
    }
}
