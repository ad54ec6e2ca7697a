import NIOCore
import NIOHPACK
import Sillok
import SillokAPI
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
        case 0:
            for event in accepted({ try CloudEvent.events(ofLine: rest) }) ?? [] { try exported(event) }
        case 1:
            guard let value = accepted({ try CloudEvent.value(of: rest) }) else { return }
            if let event = accepted({ try CloudEvent.posted(value, to: nil, id: id) }) { try exported(event) }
        default:
            try headers(rest)
            if let event = accepted({ try binary(rest) }) { try exported(event) }
        }
    }

    private static let id = EventID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0001)

    /// A request in the binary mode of CloudEvents: headers, an empty line, and the body.
    private static func binary(_ bytes: [UInt8]) throws -> CloudEvent {
        let end = bytes.indices.dropLast().first { bytes[$0] == 0x0A && bytes[$0 + 1] == 0x0A } ?? bytes.endIndex
        var headers: [(name: String, value: String)] = []
        var contentType: String?
        for line in bytes[..<end].split(separator: 0x0A) {
            let text = String(decoding: line, as: UTF8.self)
            let name = text.prefix { $0 != ":" }
            let value = String(text.dropFirst(name.count + 1))
            if name == "content-type" { contentType = value }
            guard name.hasPrefix("ce-") else { continue }
            guard let decoded = CloudEventHeader.decoded(value) else { throw InvalidLine("\(name) is malformed") }
            headers.append((String(name.dropFirst(3)), decoded))
        }
        return try CloudEvent.posted(
            headers: headers, contentType: contentType, body: Array(bytes[end...].dropFirst(2)), to: nil, id: id)
    }

    /// An event that was accepted is the same after an export and an import.
    private static func exported(_ event: CloudEvent) throws(BrokenPromise) {
        let recorded = RecordedEvent(
            position: 7, stream: event.entry.stream, revision: event.entry.stream == nil ? .none : 3,
            recordedAt: event.entry.recordedAt ?? Timestamp(microsecondsSince1970: 0), tracking: nil,
            data: event.entry.event)
        var writer = CloudEventWriter(store: StoreID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0002))
        writer.writeStandard(recorded)
        writer.json.bytes.removeAll()
        writer.write(recorded)
        let line = Array(writer.take().dropLast())
        let again = accepted { try CloudEvent.events(ofLine: line) }?.first?.entry
        guard let again, again.stream == recorded.stream, again.event == recorded.data else {
            throw BrokenPromise("a line: \(recorded) came back as \(String(describing: again))")
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
        if let mark = EventMark(text) { try expectSame(mark, EventMark("\(mark)"), "a mark") }
        if let bytes = Base64.bytes(of: text) {
            try expectSame(bytes, Base64.bytes(of: Base64.text(of: bytes)), "Base64")
        }
    }
}
