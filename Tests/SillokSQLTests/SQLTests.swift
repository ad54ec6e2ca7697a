import SillokCore
import SillokSQL
import Testing

@Suite struct SQLTests {
    private func text(_ sql: SQL) -> String { sql.text { "$\($0)" } }

    @Test func `interpolated values are bound, not spliced`() {
        let name = "Robert'); DROP TABLE students;--"
        let sql: SQL = "UPDATE t SET a = \(1), b = \(name) WHERE c = \(2.5) AND d = \([7, 8] as [UInt8])"
        #expect(text(sql) == "UPDATE t SET a = $1, b = $2 WHERE c = $3 AND d = $4")
        #expect(sql.values == [.integer(1), .text(name), .real(2.5), .blob([7, 8])])
    }

    @Test func `what has a form in SQL is bound in that form, and nil as NULL`() {
        let none: Int? = nil
        let moment = Timestamp(microsecondsSince1970: 5)
        let sql: SQL =
            "\(true) \(none) \(Position(3)) \(Revision(.max)) \(moment) \(StreamID("a-1")) \(EventTag("b:2")) \(SQLValue.null)"
        #expect(
            sql.values == [
                .integer(1), .null, .integer(3), .integer(.max), .integer(5), .text("a-1"), .text("b:2"), .null,
            ])
    }

    @Test func `pieces are joined with their values in order`() {
        let condition: SQL = "a = \(1) AND b = \(2)"
        let sql: SQL = "SELECT \(raw: "\"odd name\"") FROM t WHERE \(condition) OR c = \(3)"
        #expect(text(sql) == "SELECT \"odd name\" FROM t WHERE a = $1 AND b = $2 OR c = $3")
        #expect(sql.values == [.integer(1), .integer(2), .integer(3)])
        #expect(text("SELECT 1") == "SELECT 1")
    }
}
