/// A position and the id of the event there: a place in one particular log.
///
/// A position alone means another event after a log was restored from a backup and has grown again. Whatever keeps a
/// position keeps a mark, and the store compares the id when the mark is used: a different event, or none, is
/// ``StoreError/Code/storeChanged``.
public struct EventMark: Hashable, Sendable, Codable {
    /// The place in the log.
    public let position: Position

    /// The id of the event at ``position``; `nil` at the start of the log, or if the mark was kept without an id. A mark
    /// without an id is compared with the head only.
    public let id: EventID?

    /// A place with the id of its event.
    public init(position: Position, id: EventID?) {
        self.position = position
        self.id = id
    }

    /// Before the first event.
    public static let start = EventMark(position: .start, id: nil)
}
