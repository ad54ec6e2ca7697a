import Sillok
import SillokCore
import SillokJSON
import SillokSQL

/// The stored row of a snapshot. The column `began` of earlier versions is no longer used.
struct SnapshotRow {
    /// Why a snapshot cannot be used.
    struct Unusable: Error {
        let reason: String
        /// Whether no other reader can use it either.
        var isUseless = true
    }

    let decider, subject: String
    let position: Position
    private let event, store, version, state: String
    private let events, recordedAt, checksum: Int64

    init(_ place: HistoryPlace, _ text: String, _ kind: Snapshots.Kind, _ subject: String, _ store: StoreID) {
        decider = kind.decider
        self.subject = subject
        position = place.position
        events = Int64(clamping: place.events)
        event = place.id.description
        recordedAt = place.recordedAt.microsecondsSince1970
        self.store = store.description
        version = kind.version.description
        state = text
        checksum = Self.sum(
            [decider, subject, event, self.store, version, state], [position.value, events, recordedAt])
    }

    init(_ row: SQLRow) throws(StoreError) {
        decider = try row.text("decider")
        subject = try row.text("subject")
        position = try row.position("position")
        events = try row.integer("events")
        event = try row.text("event")
        recordedAt = try row.integer("recorded_at")
        store = try row.text("store")
        version = try row.text("fingerprint")
        state = try row.text("state")
        checksum = try row.integer("checksum")
    }

    /// The state, if it may be used.
    func start<D: SnapshottedDecider>(_ kind: Snapshots.Kind, _ id: StoreID) throws(Unusable) -> ReplayStart<D> {
        guard version == kind.version.description else {
            throw Unusable(reason: kind.version.changes(since: version), isUseless: false)
        }
        let sum = Self.sum([decider, subject, event, store, version, state], [position.value, events, recordedAt])
        guard sum == checksum, let event = EventID(event), events > 0 else { throw Unusable(reason: "it is corrupt") }
        guard store == id.description else { throw Unusable(reason: "it belongs to another store") }
        let place = HistoryPlace(
            events: UInt64(clamping: events), position: position, id: event,
            recordedAt: Timestamp(microsecondsSince1970: recordedAt))
        do {
            return ReplayStart(
                state: try PlainCoding.decode(D.self, from: state), place: place,
                through: EventMark(position: position, id: event), stored: place)
        } catch {
            throw Unusable(reason: "its state cannot be read: \(error)")
        }
    }

    /// What writes it, and takes older ones away.
    func insertion(retaining count: Int) -> [SQL] {
        [
            """
            INSERT INTO sillok_snapshots (decider, subject, position, events, event, recorded_at, store, fingerprint,
                state, checksum)
            VALUES (\(decider), \(subject), \(position), \(events), \(event), \(recordedAt), \(store), \(version), \
            \(state), \(checksum))
            ON CONFLICT (decider, subject, position) DO UPDATE SET events = excluded.events, event = excluded.event,
                recorded_at = excluded.recorded_at, store = excluded.store, fingerprint = excluded.fingerprint,
                state = excluded.state, checksum = excluded.checksum
            """,
            """
            DELETE FROM sillok_snapshots WHERE decider = \(decider) AND subject = \(subject) AND position < \(position)
            AND position NOT IN (
                SELECT position FROM sillok_snapshots WHERE decider = \(decider) AND subject = \(subject)
                AND position <= \(position) AND fingerprint = \(version) ORDER BY position DESC LIMIT \(count))
            """,
        ]
    }

    /// A sum that detects accidental changes, not forgery.
    static func sum(_ texts: [String], _ numbers: [any BinaryInteger]) -> Int64 {
        Int64(bitPattern: (texts + numbers.map { "\($0)" }).joined(separator: "\n").fnv1a)
    }
}
