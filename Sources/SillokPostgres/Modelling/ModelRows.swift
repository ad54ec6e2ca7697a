#if Postgres
import CLibPQ
import SillokSQL

extension Rows {
    /// All rows of a result in text form.
    var values: [[SQLValue]] {
        (0..<count).map { row in (0..<columnCount).map { value(row, $0) } }
    }

    /// All rows with the names of their columns, of a result in text form.
    var sqlRows: [SQLRow] {
        let columns = (0..<columnCount).map { name($0) }
        return values.map { SQLRow(columns: columns, values: $0) }
    }

    /// Returns a value in the form that it has in SQLite; types that SQLite does not have become text.
    private func value(_ row: Int, _ column: Int) -> SQLValue {
        if isNull(row, column) { return .null }
        let text = text(row, column)
        switch type(column) {
        case 16: return .integer(text == "t" ? 1 : 0)
        case 20, 21, 23, 26: return Int64(text).map { .integer($0) } ?? .text(text)
        case 700, 701: return Double(text).map { .real($0) } ?? .text(text)
        // Sums of integers have this type.
        case 1700: return Int64(text).map { .integer($0) } ?? Double(text).map { .real($0) } ?? .text(text)
        case 17: return Self.blob(text).map { .blob($0) } ?? .text(text)
        default: return .text(text)
        }
    }

    /// Returns the bytes of a `\x…` literal.
    private static func blob(_ text: String) -> [UInt8]? {
        guard text.hasPrefix("\\x") else { return nil }
        var bytes: [UInt8] = []
        var half: UInt8?
        for character in text.dropFirst(2) {
            guard let digit = character.hexDigitValue.map({ UInt8($0) }) else { return nil }
            if let high = half {
                bytes.append(high << 4 | digit)
                half = nil
            } else {
                half = digit
            }
        }
        return half == nil ? bytes : nil
    }
}
#endif
