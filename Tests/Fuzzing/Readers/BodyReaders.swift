import Sillok
import SillokAPI
import SillokCore
import SillokWire

/// Reads the bodies of requests. The first byte says of which.
enum BodyReaders {
    static func read(_ bytes: [UInt8]) throws(BrokenPromise) {
        guard let first = bytes.first else { return }
        let rest = Array(bytes.dropFirst())
        switch first % 4 {
        case 0: try append(rest, to: nil)
        case 1: try append(rest, to: "account-42")
        case 2: _ = accepted { try API.Read.read(rest).request(limit: 100) }
        default: _ = accepted { try API.NewKey.read(rest) }
        }
    }

    /// An append that was accepted can be sent over gRPC, and is the same there.
    private static func append(_ bytes: [UInt8], to stream: StreamID?) throws(BrokenPromise) {
        let id = EventID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0001)
        guard let request = accepted({ try Asking.append(bytes, to: stream) { _ in id }.request }) else { return }
        let again = accepted { try request.unframed().withUnsafeBytes { try AppendRequest(reading: $0) } }
        try expectSame(request, again, "an append of a body")
    }
}
