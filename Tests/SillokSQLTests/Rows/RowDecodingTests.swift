import Foundation
import SillokCore
import SillokSQL
import Testing

@Suite struct RowDecodingTests {
    private struct Balance: Decodable, Equatable {
        let owner: String
        let cents: Int
        var isOpen: Bool
        let note: String?
    }

    private enum Kind: String, Decodable { case credit, debit }

    private struct Entry: Decodable {
        let kind: Kind
        let at: Timestamp
        let position: Position
        let stream: StreamID
        let rate: Double
        let bytes: [UInt8]
        let data: Data
        let amount: UInt8?
    }

    private struct Model: ReadModel {
        let found: [SQLRow]

        func write(_ write: ReadModelWrite) async throws {}
        func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow] { found }
    }

    private func row(_ values: KeyValuePairs<String, SQLValue>) -> SQLRow {
        SQLRow(columns: values.map(\.key), values: values.map(\.value))
    }

    private func failure<Value: Decodable>(_ row: SQLRow, _ type: Value.Type) -> RowDecodingError? {
        #expect(throws: RowDecodingError.self) { try row.decode(type) }
    }

    @Test("house 11: rows are read as values whose properties are named like the columns")
    func values() async throws {
        let row = row(["is_open": 1, "cents": 70, "owner": "Ada", "note": nil])
        let ada = Balance(owner: "Ada", cents: 70, isOpen: true, note: nil)
        #expect(try row.decode(Balance.self) == ada)
        let model = Model(found: [row])
        #expect(try await model.rows("SELECT * FROM balances", as: Balance.self) == [ada])
    }

    @Test("house 11: each kind of value is read, and one that has no place in its type is an error")
    func kinds() throws {
        let entry = try row([
            "kind": "debit", "at": 1_000_000, "position": 7, "stream": "account-1", "rate": 2,
            "bytes": .blob([1, 2]), "data": .blob([3]), "amount": 255,
        ]).decode(Entry.self)
        #expect(entry.kind == .debit && entry.at == "1970-01-01T00:00:01Z" && entry.position == 7)
        #expect(entry.stream == "account-1" && entry.rate == 2 && entry.bytes == [1, 2] && entry.data == Data([3]))
        #expect(entry.amount == 255)
        #expect(try row(["count": 3]).decode(Int.self) == 3)
        #expect(try row(["latest": nil]).decode(Timestamp?.self) == nil)
        #expect(failure(row(["count": 300]), UInt8.self)?.column == "count")
        #expect(failure(row(["kind": "gift"]), [String: Kind].self)?.column == "kind")
        #expect(failure(row(["flag": 2]), Bool.self)?.column == "flag")
        #expect(failure(row(["a": 1, "b": 2]), Int.self) != nil)
    }

    @Test("house 11: a missing column and a null are errors that name the column and the type")
    func missing() {
        let missing = failure(row(["owner": "Ada", "is_open": 1, "note": nil]), Balance.self)
        #expect(missing?.column == "cents" && missing?.type == "Balance")
        #expect(
            missing?.description == """
                The row cannot be read as Balance: it has no column "cents". Its columns are: owner, is_open, note. \
                Select the column, or name the property after one that is there.
                """)
        let null = failure(row(["owner": "Ada", "cents": nil, "is_open": 1, "note": nil]), Balance.self)
        #expect(
            null?.description == """
                The row cannot be read as Balance: column "cents" is NULL, and Int is expected. Make the property \
                optional, or select no such rows.
                """)
        // An optional property needs its column too.
        #expect(failure(row(["owner": "Ada", "cents": 1, "is_open": 1]), Balance.self)?.column == "note")
    }

    @Test("house 10: a column of Sillok's own tables that is missing or has another kind of value is corruption")
    func ownColumns() throws {
        let row = row(["state": "live", "count": -1, "name": nil])
        #expect(try row.text("state") == "live")
        for read in [
            { _ = try row.text("name") }, { _ = try row.text("other") }, { _ = try row.integer("state") },
            { _ = try row.count("count") }, { _ = try row.position("count") },
        ] as [() throws -> Void] {
            let error = #expect(throws: StoreError.self) { try read() }
            #expect(error?.code == .corrupt)
        }
    }
}
