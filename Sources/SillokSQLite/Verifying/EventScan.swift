import SillokCore
import SillokSQLiteConnections
import SillokStorage

/// A scan of every event in the order of positions, which computes the expected contents of the index.
struct EventScan {
    /// The result of the scan.
    struct Outcome {
        var events: Int64 = 0
        var entries: Int64 = 0
        var sum = EntrySum()
        var tracked: [Int64: UInt64] = [:]
    }

    private let verification: Verification
    private var outcome = Outcome()
    private var lastRecorded: Int64 = .min

    init(_ verification: Verification) { self.verification = verification }

    mutating func run(_ head: Int64, _ names: NameKinds) throws -> Outcome {
        let rows = try verification.connection.prepare(
            "SELECT \(EventRow.columns) FROM events WHERE position >= ?1 ORDER BY position")
        var expected: Int64 = 1
        while expected <= head {
            do {
                rows.bind(expected, at: 1)
                while try rows.step() {
                    let position = rows.int(0)
                    if position != expected {
                        guard verification.find("events are missing up to position \(position - 1)", at: expected)
                        else { return outcome }
                    }
                    try check(rows, names)
                    expected = position + 1
                    try verification.advance("events", position, of: head)
                }
                break
            } catch {
                rows.reset()
                guard try verification.find(error, at: expected) else { return outcome }
                expected += 1
            }
        }
        return outcome
    }

    private mutating func check(_ row: Statement, _ names: NameKinds) throws {
        let header = try EventRow.header(row)
        let (tags, metadata, payload) = (row.bytes(10), row.bytes(11), row.bytes(12))
        outcome.events += 1
        guard row.int(9) == Int64(header.checksum(tags: tags, metadata: metadata, payload: payload)) else {
            throw EventRow.damaged(header.position)
        }
        if header.recorded < lastRecorded {
            verification.find("its recorded time is earlier than that of the event before", at: header.position)
        }
        lastRecorded = header.recorded
        if header.source != 0 { outcome.tracked[header.source] = UInt64(bitPattern: header.tracked) }
        let numbers = try EventRow.tagNumbers(tags, header.position)
        for key in try EventRow.keys(header, tagNumbers: numbers, names, verification.reader.index.ids) {
            outcome.entries += 1
            let isStream = header.stream != 0 && key == IndexKey.name(header.stream)
            outcome.sum.add(key, header.position, revision: isStream ? header.revision : 0)
        }
    }
}

extension EventRow {
    /// Returns the keys under which the index must hold an event.
    static func keys(
        _ header: EventHeader, tagNumbers: [Int64], _ names: NameKinds, _ ids: IDKeys
    ) throws -> [Int64] {
        let category = header.stream == 0 ? 0 : names.category(ofStream: header.stream)
        guard let category else { throw StoreError(.corrupt, "the name of its stream is missing") }
        var keys: [Int64] = []
        let id = ids.key(EventID(high: header.idHigh, low: header.idLow))
        IndexKey.each(id: id, type: header.type, tags: tagNumbers, stream: header.stream, category: category) {
            keys.append($0)
        }
        return keys
    }
}
