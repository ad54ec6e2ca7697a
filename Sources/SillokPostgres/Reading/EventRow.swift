#if Postgres
import SillokCore

/// The columns of an event, and their decoding to a `RecordedEvent`.
enum EventRow {
    static let columns =
        "e.position, e.revision, e.recorded, e.id, e.stream, e.type, e.content, e.source, e.tracked::text AS tracked, "
        + "e.tags, e.metadata, e.payload"
    /// The number of columns.
    static let count = 12

    /// Returns a row as an event.
    static func event(_ rows: Rows, _ row: Int) throws(StoreError) -> RecordedEvent {
        let position = try rows.int(row, 0)
        guard let id: EventID = rows.id(row, 3) else { throw damaged(position) }
        var tracking: Tracking?
        if !rows.isNull(row, 7) {
            guard let tracked = UInt64(rows.text(row, 8)) else { throw damaged(position) }
            tracking = Tracking(source: TrackingSource(rows.text(row, 7)), position: tracked)
        }
        var metadata = Metadata()
        if !rows.isNull(row, 10) {
            guard let found = Metadata(bytes: Array(rows.bytes(row, 10))) else { throw damaged(position) }
            metadata = found
        }
        var tags: [EventTag] = []
        if !rows.isNull(row, 9) {
            for text in rows.texts(row, 9) {
                guard let text else { throw damaged(position) }
                tags.append(EventTag(text))
            }
        }
        return RecordedEvent(
            position: Position(UInt64(clamping: position)),
            stream: rows.isNull(row, 4) ? nil : StreamID(rows.text(row, 4)),
            revision: Revision(UInt64(clamping: try rows.int(row, 1))),
            recordedAt: Timestamp(microsecondsSince1970: try rows.int(row, 2)), tracking: tracking,
            data: EventData(
                id: id, type: EventType(rows.text(row, 5)), tags: tags, metadata: metadata,
                contentType: rows.isNull(row, 6) ? .json : ContentType(rows.text(row, 6)),
                payload: Array(rows.bytes(row, 11))))
    }

    static func damaged(_ position: Int64) -> StoreError {
        StoreError(.corrupt, "the event at position \(position) cannot be read.")
    }
}
#endif
