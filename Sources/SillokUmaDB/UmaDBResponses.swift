package import NIOCore
package import SillokCore
package import SillokGRPC
import SillokWire

extension UmaDB {
    /// A batch of events on its way out, and how much it holds already.
    package struct BatchWriter: ~Copyable {
        private var writer: ProtobufWriter
        /// How many events it holds.
        package private(set) var count = 0

        package init() { writer = ProtobufWriter(framed: true, capacity: 4096) }

        /// How large the batch is, in bytes.
        package var bytes: Int { writer.count }

        /// Adds an event.
        package mutating func append(_ event: RecordedEvent) {
            writer.write(event)
            count += 1
        }

        /// The framed message, with the head if the message has one; the writer is empty again.
        package mutating func finish(head: UInt64? = nil) -> ByteBuffer {
            if let head { writer.number(2, head) }
            let message = writer.finished()
            writer.removeAll()
            count = 0
            return message
        }
    }

    /// The id by which a client of this protocol knows an event.
    package static func id(of event: RecordedEvent) -> EventID {
        event.metadata[uuidKey].flatMap { EventID($0) } ?? event.id
    }

    /// The answer to `Append`.
    package static func appended(_ position: UInt64) -> ByteBuffer {
        var writer = ProtobufWriter(framed: true)
        if position > 0 { writer.number(1, position) }
        return writer.finished()
    }

    /// The answer to `Head` and to `GetTrackingInfo`.
    package static func position(_ position: UInt64?) -> ByteBuffer {
        var writer = ProtobufWriter(framed: true)
        if let position { writer.number(1, position) }
        return writer.finished()
    }

    /// The kinds of errors that the protocol knows, by their numbers.
    package enum ErrorType: UInt64, Sendable {
        case io = 0
        case serialization = 1
        case integrity = 2
        case corruption = 3
        case `internal` = 4
        case authentication = 5
        case invalidArgument = 6

        fileprivate var code: GRPCStatus.Code {
            switch self {
            case .io, .internal: .internal
            case .serialization, .invalidArgument: .invalidArgument
            case .integrity: .failedPrecondition
            case .corruption: .dataLoss
            case .authentication: .unauthenticated
            }
        }

        private var prefix: String {
            switch self {
            case .io: "io error"
            case .serialization: "serialization error"
            case .integrity: "integrity error"
            case .corruption: "corruption"
            case .internal: "internal error"
            case .authentication: "authentication error"
            case .invalidArgument: "invalid argument"
            }
        }

        fileprivate func text(_ message: String) -> String { "\(prefix): \(message)".cut(toBytes: 600) }
    }

    /// The status of an error, with details from which clients identify its type.
    ///
    /// - Parameter code: another code than the one that belongs to the type.
    package static func status(
        _ type: ErrorType, _ message: String, code: GRPCStatus.Code? = nil, retryAfter: Duration? = nil
    ) -> GRPCStatus {
        let text = type.text(message)
        var writer = ProtobufWriter(framed: false)
        writer.text(1, text)
        if type.rawValue > 0 { writer.number(2, type.rawValue) }
        let details = writer.finished()
        return GRPCStatus(code ?? type.code, text, details: Array(details.readableBytesView), retryAfter: retryAfter)
    }

    /// The metadata key that keeps the id which a client gave, for an event that is stored again under a new one.
    package static let uuidKey = "sillok.uuid"
    /// The metadata key under which a client of this protocol sees the stream of an event that has one.
    package static let streamKey = "sillok.stream"
    /// The metadata key under which a client of this protocol sees the revision of an event in its stream.
    package static let revisionKey = "sillok.revision"
}

extension ProtobufWriter {
    /// An event of UmaDB's protocol, as field 1.
    fileprivate mutating func write(_ event: RecordedEvent) {
        let whole = begin(1)
        number(1, event.position.value)
        let data = begin(2)
        text(1, event.type.text)
        for tag in event.tags { text(2, tag.text) }
        if !event.payload.isEmpty { bytes(3, event.payload) }
        if event.metadata.isEmpty {
            text(4, event.id)
        } else {
            if let given = write(5, event.metadata, without: UmaDB.uuidKey) {
                text(4, given)
            } else {
                text(4, event.id)
            }
        }
        if let stream = event.stream {
            entry(5, UmaDB.streamKey, stream.text)
            entry(5, UmaDB.revisionKey, String(event.revision.value))
        }
        end(data)
        if let tracking = event.tracking { write(3, tracking) }
        end(whole)
    }
}
