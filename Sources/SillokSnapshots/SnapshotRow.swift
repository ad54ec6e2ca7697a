import Sillok
import SillokCore
import SillokJSON
import SillokSQL

/// The stored row of a snapshot.
struct SnapshotRow {
    /// Why a snapshot cannot be used.
    struct Unusable: Error {
        let reason: String
        /// Whether no other reader can use it either.
        var isUseless = true
    }

    let decider: String
    let subject: String
    let position: Position
    private let events: Int64
    private let event: String
    private let recordedAt: Int64
    private let began: Int64?
    private let store: String
    private let fingerprint: String
    private let state: String
    private let checksum: Int64

    init<D>(_ kept: Kept<D>, _ text: String, _ kind: Snapshots.Kind, _ subject: String, _ store: StoreID) {
        decider = kind.decider
        self.subject = subject
        position = kept.place.mark.position
        events = Int64(clamping: kept.place.events)
        event = kept.place.mark.id.description
        recordedAt = kept.place.mark.recordedAt.microsecondsSince1970
        began = kept.first?.microsecondsSince1970
        self.store = store.description
        fingerprint = kind.fingerprint.description
        state = text
        checksum = Self.sum(
            [decider, subject, event, self.store, fingerprint, state], [position.value, events, recordedAt])
    }

    init(_ row: SQLRow) throws(StoreError) {
        decider = try row.text("decider")
        subject = try row.text("subject")
        position = try row.position("position")
        events = try row.integer("events")
        event = try row.text("event")
        recordedAt = try row.integer("recorded_at")
        began = row["began"].integer
        store = try row.text("store")
        fingerprint = try row.text("fingerprint")
        state = try row.text("state")
        checksum = try row.integer("checksum")
    }

    /// The state, if it may be used.
    func kept<D: SnapshottedDecider>(_ kind: Snapshots.Kind, _ id: StoreID) throws(Unusable) -> Kept<D> {
        let sum = Self.sum([decider, subject, event, store, fingerprint, state], [position.value, events, recordedAt])
        guard sum == checksum, let event = EventID(event), events > 0 else { throw Unusable(reason: "it is corrupt") }
        guard store == id.description else { throw Unusable(reason: "it belongs to another store") }
        guard fingerprint == kind.fingerprint.description else {
            throw Unusable(reason: kind.fingerprint.changes(since: fingerprint), isUseless: false)
        }
        let mark = KeptMark(
            position: position, id: event, recordedAt: Timestamp(microsecondsSince1970: recordedAt))
        let place = KeptPlace(events: UInt64(clamping: events), mark: mark)
        do {
            return Kept(
                state: try PlainCoding.decode(D.self, from: state), place: place,
                through: EventMark(position: position, id: event),
                first: began.map { Timestamp(microsecondsSince1970: $0) }, snapshot: place)
        } catch {
            throw Unusable(reason: "its state cannot be read: \(error)")
        }
    }

    /// What writes it, and takes older ones away.
    func insertion(retaining count: Int) -> [SQL] {
        [
            """
            INSERT INTO sillok_snapshots (decider, subject, position, events, event, recorded_at, began, store,
                fingerprint, state, checksum)
            VALUES (\(decider), \(subject), \(position), \(events), \(event), \(recordedAt), \(began), \(store), \
            \(fingerprint), \(state), \(checksum))
            ON CONFLICT (decider, subject, position) DO UPDATE SET events = excluded.events, event = excluded.event,
                recorded_at = excluded.recorded_at, began = excluded.began, store = excluded.store,
                fingerprint = excluded.fingerprint, state = excluded.state, checksum = excluded.checksum
            """,
            """
            DELETE FROM sillok_snapshots WHERE decider = \(decider) AND subject = \(subject) AND position < \(position)
            AND position NOT IN (
                SELECT position FROM sillok_snapshots WHERE decider = \(decider) AND subject = \(subject)
                AND position <= \(position) AND fingerprint = \(fingerprint) ORDER BY position DESC LIMIT \(count))
            """,
        ]
    }

    static func sum(_ texts: [String], _ numbers: [any BinaryInteger]) -> Int64 {
        var digest = Digest()
        for text in texts { digest.add(text) }
        for number in numbers { digest.add(UInt64(truncatingIfNeeded: number)) }
        return Int64(bitPattern: digest.value)
    }
}
