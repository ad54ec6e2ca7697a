import SillokChain
import SillokCore
import SillokSQLiteConnections
import SillokStorage

/// The statements, names and index with which a connection reads events. Belongs to the connection's thread.
final class EventReader {
    let connection: Connection
    let names: Names
    let index: PositionIndex
    let format: Schema.Format
    let limits: Limits
    private let byPosition: Statement
    private let upwards: Statement
    private let several: Statement
    private let recordedAt: Statement
    private let lastPosition: Statement
    private let idAt: Statement
    private let markBefore: Statement
    private let trackedPosition: Statement
    private let streamsBetween: Statement
    /// `nil` in a file of format 1, which has no links.
    private let linksFrom: Statement?

    init(_ connection: Connection, limits: Limits, isWriter: Bool, tuning: Tuning) throws {
        self.connection = connection
        self.limits = limits
        names = try Names(connection, isWriter: isWriter, capacity: tuning.cachedNames)
        format = try Schema.Format(connection)
        index = try PositionIndex(connection, format, isWriter: isWriter, tuning: tuning)
        let columns = EventRow.columns
        byPosition = try connection.prepare("SELECT \(columns) FROM events WHERE position = ?1")
        upwards = try connection.prepare("SELECT \(columns) FROM events WHERE position >= ?1 ORDER BY position")
        let places = Array(repeating: "(?)", count: Self.blockSize).joined(separator: ", ")
        // One statement for many positions costs a quarter less than one for each; the join keeps their order.
        several = try connection.prepare(
            "WITH places(place) AS (VALUES \(places)) SELECT \(columns) FROM places CROSS JOIN events ON position = place"
        )
        recordedAt = try connection.prepare("SELECT recorded FROM events WHERE position = ?1")
        lastPosition = try connection.prepare("SELECT max(position) FROM events")
        markBefore = try connection.prepare(
            "SELECT position, revision FROM marks WHERE stream = ?1 AND revision <= ?2 ORDER BY revision DESC LIMIT 1")
        idAt = try connection.prepare("SELECT id FROM events WHERE position = ?1")
        trackedPosition = try connection.prepare(
            try Schema.trackedEvents.exists(in: connection)
                ? "SELECT t.position, e.event FROM tracking t LEFT JOIN tracked_events e "
                    + "ON e.source = t.source AND e.position = t.position WHERE t.source = ?1"
                : "SELECT position, NULL FROM tracking WHERE source = ?1")
        streamsBetween = try connection.prepare(
            "SELECT text, id FROM names WHERE kind = \(NameKind.stream.rawValue) AND text > ?1 "
                // No name contains a byte with this value.
                + "AND text < ifnull(?2, x'FF') ORDER BY text LIMIT ?3")
        linksFrom =
            format.version >= 2
            ? try connection.prepare(
                "SELECT position, link FROM events WHERE position > ?1 AND link IS NOT NULL ORDER BY position LIMIT ?2")
            : nil
    }

    /// Returns the last position of the log, or 0 if it is empty.
    func head() throws -> Int64 {
        guard try lastPosition.step() else { return 0 }
        defer { lastPosition.reset() }
        return lastPosition.int(0)
    }

    /// Returns the id of the event at a position that the log has.
    func id(at position: Position) throws -> EventID {
        let place = Int64(clamping: position.value)
        idAt.bind(place, at: 1)
        guard try idAt.step() else { throw StoreError.missingEvent(place) }
        defer { idAt.reset() }
        guard let id = EventID(bytes: idAt.bytes(0)) else { throw EventRow.damaged(place) }
        return id
    }

    /// Returns the event at a position.
    func event(at position: Int64) throws -> RecordedEvent {
        byPosition.bind(position, at: 1)
        guard try byPosition.step() else { throw StoreError.missingEvent(position) }
        defer { byPosition.reset() }
        return try EventRow.event(byPosition, names)
    }

    /// Returns the event with an id, or `nil`.
    func event(_ id: EventID) throws -> RecordedEvent? {
        var candidates: [Int64] = []
        try index.read(index.ids.key(id), from: 0, .forward, limit: .max / 2, into: &candidates)
        for position in candidates {
            let event = try event(at: position)
            if event.id == id { return event }
        }
        return nil
    }

    static var blockSize: Int { 32 }
    /// Up to this distance it is faster to step than to seek.
    private static let shortGap: Int64 = 3

    /// Reads many distant events by one statement. Otherwise it steps over short gaps and seeks over long ones.
    func forEach(at positions: [Int64], _ visit: (StoredEvent) throws -> Bool) throws {
        guard let first = positions.first, let last = positions.last else { return }
        let isNear = last >= first && last - first <= Self.shortGap * Int64(Self.blockSize)
        let statement = isNear || positions.count < Self.blockSize ? upwards : several
        defer { statement.reset() }
        if statement === several {
            for (index, position) in positions.enumerated() { statement.bind(position, at: Int32(index + 1)) }
        }
        var current: Int64 = 0
        for position in positions {
            if statement === upwards, current == 0 || position <= current || position - current > Self.shortGap {
                statement.reset()
                statement.bind(position, at: 1)
            }
            repeat {
                guard try statement.step() else { throw StoreError.missingEvent(position) }
                current = statement.int(0)
            } while current < position && statement === upwards
            guard current == position else { throw StoreError.missingEvent(position) }
            if try !visit(.decoded(try EventRow.event(statement, names))) { return }
        }
    }

    /// Returns when the event at a position was recorded.
    func recorded(at position: Int64) throws -> Int64 {
        recordedAt.bind(position, at: 1)
        guard try recordedAt.step() else { throw StoreError.missingEvent(position) }
        defer { recordedAt.reset() }
        return recordedAt.int(0)
    }

    /// Returns a position of the stream at or before its revision, or 0 if there is no mark.
    func positionNotAfter(revision: Int64, of stream: Int64) throws -> Int64 {
        markBefore.bind(stream, at: 1)
        markBefore.bind(revision, at: 2)
        guard try markBefore.step() else { return 0 }
        defer { markBefore.reset() }
        return markBefore.int(0)
    }

    /// Returns the position of a revision of a stream, or `nil` if the stream has no such revision.
    ///
    /// From the nearest mark before it at most 256 index entries are read.
    func position(ofRevision revision: Int64, of stream: Int64) throws -> Int64? {
        guard revision > 0 else { return nil }
        markBefore.bind(stream, at: 1)
        markBefore.bind(revision, at: 2)
        var (position, marked): (Int64, Int64) = (1, 1)
        if try markBefore.step() {
            (position, marked) = (markBefore.int(0), markBefore.int(1))
            markBefore.reset()
        }
        let key = IndexKey.name(stream)
        guard revision - marked < Schema.markInterval else {
            guard let last = try index.last(key), try event(at: last).revision.value >= revision else { return nil }
            throw StoreError(
                .corrupt, "a mark of a stream before its revision \(revision) is missing. Run `sillok verify`.")
        }
        var entries: [Int64] = []
        let wanted = Int(revision - marked) + 1
        try index.read(key, from: position, .forward, limit: wanted, into: &entries)
        guard entries.count == wanted, let found = entries.last else { return nil }
        let event = try event(at: found)
        guard event.revision.value == UInt64(revision) else {
            throw StoreError.damagedStream(event.stream, at: event.position)
        }
        return found
    }

    /// Returns the links of the chain after a position, in order.
    func links(after position: Position, limit: Int) throws -> [ChainLink] {
        guard let linksFrom else { return [] }
        linksFrom.bind(Int64(clamping: position.value), at: 1)
        linksFrom.bind(Int64(limit), at: 2)
        defer { linksFrom.reset() }
        var links: [ChainLink] = []
        while try linksFrom.step() {
            let position = Position(UInt64(bitPattern: linksFrom.int(0)))
            guard let digest = ChainDigest(linksFrom.bytes(1)) else { continue }
            links.append(ChainLink(position: position, digest: digest))
        }
        return links
    }

    /// Returns how far a source has been consumed, or `nil`.
    func tracked(_ source: TrackingSource) throws -> Tracking? {
        guard let number = try names.number(.source, source.text) else { return nil }
        trackedPosition.bind(number, at: 1)
        guard try trackedPosition.step() else { return nil }
        defer { trackedPosition.reset() }
        return Tracking(
            source: source, position: UInt64(bitPattern: trackedPosition.int(0)),
            event: EventID(bytes: trackedPosition.bytes(1)))
    }

    /// Returns the facts about a stream, or `nil`.
    func facts(of stream: StreamID) throws -> StreamFacts? {
        guard let number = try names.number(.stream, stream.text) else { return nil }
        return try facts(of: stream, number)
    }

    /// Returns streams whose names are between two texts, excluding both.
    func streams(after first: String, before last: String?, limit: Int) throws -> [StreamFacts] {
        streamsBetween.bind(bytesOf: first, at: 1)
        if let last { streamsBetween.bind(bytesOf: last, at: 2) } else { streamsBetween.bindNull(at: 2) }
        streamsBetween.bind(Int64(limit), at: 3)
        var found: [(StreamID, Int64)] = []
        while try streamsBetween.step() { found.append((StreamID(streamsBetween.text(0)), streamsBetween.int(1))) }
        return try found.compactMap { try facts(of: $0.0, $0.1) }
    }

    private func facts(of stream: StreamID, _ number: Int64) throws -> StreamFacts? {
        let key = IndexKey.name(number)
        guard let first = try index.first(key), let last = try index.last(key) else { return nil }
        let newest = try event(at: last)
        return StreamFacts(
            id: stream, revision: newest.revision, lastPosition: newest.position,
            firstRecordedAt: Timestamp(microsecondsSince1970: try recorded(at: first)),
            lastRecordedAt: newest.recordedAt)
    }
}
