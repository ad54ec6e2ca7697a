import NIOCore
import NIOHPACK
import Sillok
import SillokCloudEvents
import SillokCore
import SillokGRPC
import SillokWire

/// Reads events in the form of CloudEvents, and headers. The first byte says which.
enum EventReaders {
    static func read(_ bytes: [UInt8]) throws(BrokenPromise) {
        guard let first = bytes.first else { return }
        let rest = Array(bytes.dropFirst())
        switch first % 3 {
        case 0: _ = accepted { try CloudEvent(line: rest) }
        case 1:
            guard let value = accepted({ try Asking.json(rest) }) else { return }
            let id = EventID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0001)
            _ = accepted { try CloudEvent.posted(value, to: nil, id: id) }
        default: try headers(rest)
        }
    }

    /// Headers of a call: how it ended, and how long it may take.
    private static func headers(_ bytes: [UInt8]) throws(BrokenPromise) {
        let text = String(decoding: bytes, as: UTF8.self)
        _ = TimeAmount(grpcTimeout: text)
        var headers = HPACKHeaders()
        for line in text.split(separator: "\n") {
            let name = line.prefix { $0 != ":" }
            // NIO's decoder of HPACK lets no other names through.
            guard !name.isEmpty, name.utf8.allSatisfy({ $0 < 0x80 }) else { continue }
            headers.add(name: String(name), value: String(line.dropFirst(name.count + 1)))
        }
        _ = headers.grpcStatus
        try expectSame(text, text.percentEncoded.percentDecoded, "a text in percent signs")
        _ = Timestamp(text)
        _ = EventID(text)
        if let bytes = Base64.bytes(of: text) {
            try expectSame(bytes, Base64.bytes(of: Base64.text(of: bytes)), "Base64")
        }
    }
}
