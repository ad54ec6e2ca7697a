package import SillokCore

extension UmaDB {
    /// The id that a client gave to an event. It is text on the wire.
    package enum GivenID: ProtobufValue, Hashable, Sendable {
        case none
        /// The id of zeros, which stands for none.
        case zeros
        case id(EventID)
        /// A text that is no UUID.
        case malformed(String)

        package static let declaration = "string"
        package static var unread: GivenID { .none }

        package init(_ text: String) {
            if text.isEmpty {
                self = .none
            } else {
                self = EventID(text).map { GivenID($0) } ?? .malformed(text)
            }
        }

        private init(_ id: EventID) { self = id.high == 0 && id.low == 0 ? .zeros : .id(id) }

        package mutating func read(_ reader: inout ProtobufReader) throws(ProtobufError) {
            var again = reader
            let text = try reader.slice()
            if text.isEmpty {
                self = .none
            } else if let id = EventID(text: text) {
                self = GivenID(id)
            } else {
                self = .malformed(try again.text())
            }
        }

        package func write(_ field: UInt32, _ writer: inout ProtobufWriter) {
            switch self {
            case .none: writer.text(field, "")
            case .zeros: writer.uuid(field, EventID.unread)
            case .id(let id): writer.uuid(field, id)
            case .malformed(let text): writer.text(field, text)
            }
        }
    }

    /// The tags of an event. The events of a batch often have the same tags: then they share one list in memory.
    struct TagList: ProtobufValue, Sendable {
        static let declaration = "repeated \(EventTag.declaration)"
        static var unread: TagList { TagList() }

        private var list: [EventTag] = []
        /// The tags of the event before this one, for as long as the tags that were read are the first of them.
        private var earlier: [EventTag] = []
        /// The number of tags that were read and are the same.
        private var same = 0

        init() {}

        init(_ tags: [EventTag]) { list = tags }

        init(after tags: [EventTag]) { earlier = tags }

        var tags: [EventTag] { same == 0 ? list : same == earlier.count ? earlier : Array(earlier[..<same]) }

        mutating func read(_ reader: inout ProtobufReader) throws(ProtobufError) {
            try reader.expectRoom(after: same + list.count)
            var again = reader
            if same < earlier.count {
                if earlier[same].text.hasSameBytes(as: try reader.slice()) {
                    same += 1
                    return
                }
            }
            if same > 0 { list = Array(earlier[..<same]) }
            (earlier, same) = ([], 0)
            list.append(EventTag(try again.text()))
            reader = again
        }

        func write(_ field: UInt32, _ writer: inout ProtobufWriter) {
            for tag in tags { writer.text(field, tag.text) }
        }
    }
}
