import CSQLite
import CSillok
import Foundation
import SillokSQLiteConnections

@testable import SillokSQLite

/// Gives every event the checksum of its current contents, like an attacker who knows the format.
func mendChecksums(_ path: String) throws {
    let connection = try Connection(path: path, flags: SQLITE_OPEN_READWRITE, cacheKiB: 1024)
    let positions = try connection.prepare("SELECT position FROM events")
    var all: [Int64] = []
    while try positions.step() { all.append(positions.int(0)) }
    for position in all { try mendChecksum(connection, position) }
    try connection.checkpoint(truncating: true)
}

private func mendChecksum(_ connection: Connection, _ position: Int64) throws {
    let row = try connection.prepare("SELECT \(EventRow.columns) FROM events WHERE position = \(position)")
    guard try row.step() else { return }
    let crc = try EventRow.header(row).checksum(tags: row.bytes(10), metadata: row.bytes(11), payload: row.bytes(12))
    row.reset()
    try connection.run("UPDATE events SET crc = \(crc) WHERE position = \(position)")
}

/// Changes single bytes of what a closed store says of its events, one after the other, and puts them back.
struct Tampering {
    /// One byte of a column of an event, or of a name that events use.
    struct Change: CustomStringConvertible {
        let column: String
        let position: Int64
        let byte: Int
        let bits: UInt8
        /// Whether the checksum is changed to match.
        let isMended: Bool

        var description: String {
            "byte \(byte) of \(column) at \(position) ^ \(bits), checksum \(isMended ? "mended" : "left")"
        }
    }

    private static let numbers = ["stream", "revision", "type", "recorded", "content", "source", "tracked"]
    private static let texts = ["id", "tags", "metadata", "payload", "link"]
    static let columns = numbers + texts + ["name"]

    private let connection: Connection
    let head: Int64

    init(path: String) throws {
        connection = try Connection(path: path, flags: SQLITE_OPEN_READWRITE, cacheKiB: 1024)
        try connection.run("PRAGMA synchronous = OFF")
        head = try connection.number("SELECT max(position) FROM events")
    }

    /// A random change; `nil` where there is no such byte.
    func change(using random: inout some RandomNumberGenerator) throws -> Change? {
        let column = Self.columns.randomElement(using: &random) ?? "payload"
        let position = Int64.random(in: 1...head, using: &random)
        // Without a source the tracked number has no meaning, and no reader sees it.
        if column == "tracked", try connection.number("SELECT source FROM events WHERE position = \(position)") == 0 {
            return nil
        }
        let length =
            switch column {
            case "name": try connection.number("SELECT length(text) FROM names WHERE id = \(try name(of: position))")
            case let text where Self.texts.contains(text):
                try connection.number("SELECT length(\(text)) FROM events WHERE position = \(position)")
            default: 8 as Int64
            }
        guard length > 0 else { return nil }
        return Change(
            column: column, position: position, byte: Int.random(in: 0..<Int(length), using: &random),
            bits: UInt8.random(in: 1...255, using: &random), isMended: Bool.random(using: &random))
    }

    /// Makes a change, runs `body` with the first position that it concerns, and takes the change back.
    func with(_ change: Change, _ body: (UInt64) async throws -> Void) async throws {
        if change.column == "name" { return try await withName(change, body) }
        let place = "FROM events WHERE position = \(change.position)"
        let isNumber = Self.numbers.contains(change.column)
        let before = isNumber ? [] : try bytes("SELECT \(change.column) \(place)")
        let number = isNumber ? try connection.number("SELECT \(change.column) \(place)") : 0
        let crc = try connection.number("SELECT crc \(place)")
        func set(_ value: String, _ crc: Int64) throws {
            try connection.run(
                "UPDATE events SET \(change.column) = \(value), crc = \(crc) WHERE position = \(change.position)")
        }
        if isNumber {
            try set("\(number ^ Int64(bitPattern: UInt64(change.bits) << UInt64(change.byte * 8)))", crc)
        } else {
            try set(hex(before, change), crc)
        }
        if change.isMended { try mendChecksum(connection, change.position) }
        try await body(UInt64(change.position))
        try set(isNumber ? "\(number)" : hex(before), crc)
    }

    /// The name whose byte is changed: that of the event's type.
    private func name(of position: Int64) throws -> Int64 {
        try connection.number("SELECT type FROM events WHERE position = \(position)")
    }

    private func withName(_ change: Change, _ body: (UInt64) async throws -> Void) async throws {
        let id = try name(of: change.position)
        let before = try bytes("SELECT text FROM names WHERE id = \(id)")
        let crc = try connection.number("SELECT crc FROM names WHERE id = \(id)")
        let row = try connection.prepare("SELECT kind, category FROM names WHERE id = \(id)")
        _ = try row.step()
        let (kind, category) = (UInt8(row.int(0)), row.int(1))
        row.reset()
        try connection.run("UPDATE names SET text = \(hex(before, change)) WHERE id = \(id)")
        if change.isMended {
            let text = String(decoding: try bytes("SELECT text FROM names WHERE id = \(id)"), as: UTF8.self)
            let mended = Names.checksum(of: id, kind: kind, text: text, category: category)
            try connection.run("UPDATE names SET crc = \(mended) WHERE id = \(id)")
        }
        try await body(UInt64(try connection.number("SELECT min(position) FROM events WHERE type = \(id)")))
        try connection.run("UPDATE names SET text = \(hex(before)), crc = \(crc) WHERE id = \(id)")
    }

    private func bytes(_ sql: String) throws -> [UInt8] {
        let row = try connection.prepare(sql)
        defer { row.reset() }
        return try row.step() ? Array(row.bytes(0)) : []
    }

    private func hex(_ bytes: [UInt8], _ change: Change? = nil) -> String {
        var bytes = bytes
        if let change { bytes[change.byte] ^= change.bits }
        return "x'" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "'"
    }
}
