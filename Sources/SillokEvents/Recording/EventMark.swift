/// A position and the id of the event there: a place in one particular log.
///
/// After a log is restored from a backup and grows again, an old position belongs to another event. So readers keep a
/// mark instead of a position, and the store compares the id when a mark is used. If the log has a different event
/// there, or none, the store throws `StoreError.Code.storeChanged`.
public struct EventMark: Hashable, Sendable, Codable {
    /// The place in the log.
    public let position: Position

    /// The id of the event at ``position``; `nil` at the start of the log, or if the mark was kept without an id. If
    /// there is no id, the store can only check that the position is not beyond the head.
    public let id: EventID?

    /// Creates a mark from a position and the id of its event.
    public init(position: Position, id: EventID?) {
        self.position = position
        self.id = id
    }

    /// Creates the mark of a recorded event.
    public init(_ event: RecordedEvent) { self.init(position: event.position, id: event.id) }

    /// The mark before the first event.
    public static let start = EventMark(position: .start, id: nil)

    /// Decodes the mark from its text.
    public init(from decoder: any Decoder) throws { self = try decoder.valueOfText("a mark") }

    /// Encodes the mark as its text.
    public func encode(to encoder: any Encoder) throws { try encoder.encodeText(description) }
}

extension EventMark: LosslessStringConvertible {
    /// Parses `42@01890a5d-ac96-774b-bcce-b302099a8057` or a plain position such as `42`; returns `nil` otherwise.
    public init?(_ description: String) {
        let parts = description.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard let digits = parts.first, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let position = UInt64(digits)
        else { return nil }
        guard parts.count == 2 else {
            self.init(position: Position(position), id: nil)
            return
        }
        guard position > 0, let id = EventID(String(parts[1])) else { return nil }
        self.init(position: Position(position), id: id)
    }

    /// The position, then an `@` and the id. Tokens and the ids of server-sent events have this form.
    public var description: String { id.map { "\(position)@\($0)" } ?? "\(position)" }
}
