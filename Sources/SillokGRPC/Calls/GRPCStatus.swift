import SillokCore

/// How a gRPC call ended.
package struct GRPCStatus: Error, Hashable, CustomStringConvertible {
    /// The codes of gRPC, by their numbers on the wire.
    package enum Code: Int, Sendable {
        case ok = 0
        case cancelled = 1
        case unknown = 2
        case invalidArgument = 3
        case deadlineExceeded = 4
        case notFound = 5
        case alreadyExists = 6
        case permissionDenied = 7
        case resourceExhausted = 8
        case failedPrecondition = 9
        case aborted = 10
        case outOfRange = 11
        case unimplemented = 12
        case `internal` = 13
        case unavailable = 14
        case dataLoss = 15
        case unauthenticated = 16
    }

    package let code: Code

    /// What happened and what to do, cut to what clients take in trailers.
    package let message: String

    /// The bytes of `grpc-status-details-bin`, if the protocol has any.
    package let details: [UInt8]?

    /// Clients refuse trailers beyond 8 KiB; this leaves room for the details and for percent signs.
    private static let messageBytes = 1024

    /// How long the caller is asked to wait before a retry, if the server knows.
    package let retryAfter: Duration?

    package init(_ code: Code, _ message: String = "", details: [UInt8]? = nil, retryAfter: Duration? = nil) {
        self.retryAfter = retryAfter
        self.code = code
        self.message = message.cut(toBytes: Self.messageBytes)
        self.details = details
    }

    package static let ok = GRPCStatus(.ok)

    package var description: String { message.isEmpty ? "\(code)" : message }
}

extension String {
    /// The text, or the longest prefix of it that fits into `limit` bytes.
    package func cut(toBytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var text = Substring(self)
        while text.utf8.count > max(0, limit - 3) { text = text.prefix(text.count * 3 / 4) }
        return text + "…"
    }

    /// The text as `grpc-message` carries it: printable ASCII, all else in percent signs.
    package var percentEncoded: String {
        if utf8.allSatisfy(\.isPlainInMessage) { return self }
        var bytes: [UInt8] = []
        for byte in utf8 {
            if byte.isPlainInMessage {
                bytes.append(byte)
            } else {
                bytes.append(UInt8(ascii: "%"))
                bytes.append(hexadecimal[Int(byte >> 4)])
                bytes.append(hexadecimal[Int(byte & 15)])
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The text that `grpc-message` carried.
    package var percentDecoded: String {
        guard utf8.contains(UInt8(ascii: "%")) else { return self }
        let source = Array(utf8)
        var bytes: [UInt8] = []
        var index = 0
        while index < source.count {
            if source[index] == UInt8(ascii: "%"), index + 2 < source.count,
                let high = source[index + 1].hexadecimalDigit, let low = source[index + 2].hexadecimalDigit
            {
                bytes.append(high << 4 | low)
                index += 3
            } else {
                bytes.append(source[index])
                index += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

private let hexadecimal = Array("0123456789ABCDEF".utf8)

extension UInt8 {
    fileprivate var isPlainInMessage: Bool { self >= 0x20 && self < 0x7F && self != UInt8(ascii: "%") }
}
