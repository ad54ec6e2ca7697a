import SillokChain
import SillokCore
import SillokSQLiteConnections
import SillokStorage

/// The statements that write the rows of an event and of its mark, and add it to the tail of the index.
final class EventInsertion {
    private let connection: Connection
    private let event: Statement
    private let index: PositionIndex
    private let mark: Statement
    private let tracking: Statement
    private let trackedEvent: Statement
    private let trackedAlone: Statement
    /// The highest stored key of a time-ordered id. A higher key is certainly new.
    private var highestOrderedKey: Int64 = -1
    private var tagNumbers: [Int64] = []
    private var tagBytes: [UInt8] = []

    init(_ connection: Connection, _ index: PositionIndex) throws {
        self.connection = connection
        event = try connection.prepare("INSERT INTO events VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)")
        self.index = index
        mark = try connection.prepare("INSERT INTO marks VALUES (?1, ?2, ?3)")
        tracking = try connection.prepare(
            "INSERT INTO tracking VALUES (?1, ?2) ON CONFLICT DO UPDATE SET position = excluded.position")
        trackedEvent = try connection.prepare("INSERT OR REPLACE INTO tracked_events VALUES (?1, ?2, ?3)")
        trackedAlone = try connection.prepare("INSERT OR REPLACE INTO tracked_alone VALUES (?1, ?2)")
    }

    /// Reloads the values that are kept in memory.
    func reload() throws {
        let first = IndexKey.firstUnordered
        let highest = try connection.number(
            "SELECT ifnull(max(key), -1) FROM entries WHERE key >= 0 AND key < \(first)")
        highestOrderedKey = index.tail.entries.reduce(highest) { IndexKey.isTimeOrdered($1.key) ? max($0, $1.key) : $0 }
    }

    /// Returns whether certainly no stored event has this id, without a lookup.
    func isCertainlyNew(_ id: EventID) -> Bool {
        IndexKey.isTimeOrdered(id) && index.ids.key(id) > highestOrderedKey
    }

    /// Writes an event with the numbers of its header, and with its link if a chain is kept. Computes the remaining
    /// numbers and the checksum.
    func insert(
        _ data: EventData, _ header: EventHeader, link: ChainDigest?, category: Int64, names: Names
    ) throws {
        var header = header
        header.type = try names.intern(.type, data.type.text)
        if data.contentType != .json { header.content = try names.intern(.content, data.contentType.text) }
        tagNumbers.removeAll(keepingCapacity: true)
        tagBytes.removeAll(keepingCapacity: true)
        for tag in data.tags {
            let number = try names.intern(.tag, tag.text)
            tagNumbers.append(number)
            tagBytes.appendLength(Int(number))
        }
        if let link {
            try link.withUnsafeBytes { link in
                event.bind(unowned: link, at: 14)
                try insertRow(header, data)
            }
        } else {
            event.bindNull(at: 14)
            try insertRow(header, data)
        }
        try insertKeys(header, data.id, category: category)
    }

    /// Records how far a source has been consumed.
    ///
    /// - Parameter isAlone: whether no event is recorded with it. Then a second table has the position, for `verify`.
    func track(_ source: Int64, _ progress: Tracking, isAlone: Bool) throws {
        tracking.bind(source, at: 1)
        tracking.bind(Int64(bitPattern: progress.position), at: 2)
        try tracking.run()
        if isAlone {
            trackedAlone.bind(source, at: 1)
            trackedAlone.bind(Int64(bitPattern: progress.position), at: 2)
            try trackedAlone.run()
        }
        guard let event = progress.event else { return }
        try event.bytes.withUnsafeBytes { id in
            trackedEvent.bind(source, at: 1)
            trackedEvent.bind(Int64(bitPattern: progress.position), at: 2)
            trackedEvent.bind(unowned: id, at: 3)
            try trackedEvent.run()
        }
    }

    private func insertRow(_ header: EventHeader, _ data: EventData) throws {
        var id = (header.idHigh.bigEndian, header.idLow.bigEndian)
        try withUnsafeBytes(of: &id) { id in
            try tagBytes.withUnsafeBytes { tags in
                try data.metadata.bytes.withUnsafeBytes { metadata in
                    try data.payload.withUnsafeBytes { payload in
                        event.bind(header.position, at: 1)
                        event.bind(unowned: id, at: 2)
                        event.bind(header.stream, at: 3)
                        event.bind(header.revision, at: 4)
                        event.bind(header.type, at: 5)
                        event.bind(header.recorded, at: 6)
                        event.bind(header.content, at: 7)
                        event.bind(header.source, at: 8)
                        event.bind(header.tracked, at: 9)
                        event.bind(
                            Int64(header.checksum(tags: tags, metadata: metadata, payload: payload)), at: 10)
                        event.bind(unowned: tags, at: 11)
                        event.bind(unowned: metadata, at: 12)
                        event.bind(unowned: payload, at: 13)
                        try event.run()
                    }
                }
            }
        }
    }

    private func insertKeys(_ header: EventHeader, _ id: EventID, category: Int64) throws {
        let idKey = index.ids.key(id)
        if IndexKey.isTimeOrdered(id) { highestOrderedKey = max(highestOrderedKey, idKey) }
        IndexKey.each(id: idKey, type: header.type, tags: tagNumbers, stream: header.stream, category: category) {
            index.tail.add($0, header.position)
        }
        guard header.stream != 0, header.revision % Schema.markInterval == 0 else { return }
        mark.bind(header.stream, at: 1)
        mark.bind(header.revision, at: 2)
        mark.bind(header.position, at: 3)
        try mark.run()
    }
}
