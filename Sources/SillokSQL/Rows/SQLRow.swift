package import SillokCore

/// A row of the result of a query.
public struct SQLRow: Hashable, Sendable {
    /// The names of the columns.
    public let columns: [String]

    /// The values, as many as there are columns.
    public let values: [SQLValue]

    /// Creates a row from the names of its columns and their values.
    public init(columns: [String], values: [SQLValue]) {
        self.columns = columns
        self.values = values
    }

    /// Returns whether both have the same columns with the same values. Names are compared byte by byte.
    public static func == (left: SQLRow, right: SQLRow) -> Bool {
        left.values == right.values && left.columns.elementsEqual(right.columns) { $0.hasSameBytes(as: $1) }
    }

    /// Hashes the values.
    public func hash(into hasher: inout Hasher) { hasher.combine(values) }

    /// The value of a column; null if there is none of that name.
    public subscript(_ column: String) -> SQLValue { value(of: column) ?? .null }

    /// The value of a column; `nil` if the row has no column of that name.
    func value(of column: String) -> SQLValue? {
        guard let index = columns.firstIndex(where: { $0.hasSameBytes(as: column) }), index < values.count else {
            return nil
        }
        return values[index]
    }
}

extension SQLValue {
    /// The text, if it is one.
    public var text: String? { if case .text(let text) = self { text } else { nil } }

    /// The whole number, if it is one.
    public var integer: Int64? { if case .integer(let number) = self { number } else { nil } }

    /// What kind of value it is, for messages.
    var kind: String {
        switch self {
        case .null: "NULL"
        case .integer: "a whole number"
        case .real: "a number with a fraction"
        case .text: "a text"
        case .blob: "bytes"
        }
    }
}

// The columns of Sillok's own tables. One that is missing or has another kind of value says that the read model is
// damaged, so it stops what reads it.

extension SQLRow {
    /// The text of a column that always has one.
    package func text(_ column: String) throws(StoreError) -> String {
        guard let text = self[column].text else { throw damaged(column, "a text") }
        return text
    }

    /// The whole number of a column that always has one.
    package func integer(_ column: String) throws(StoreError) -> Int64 {
        guard let number = self[column].integer else { throw damaged(column, "a whole number") }
        return number
    }

    /// The number of a column that always has one, with a fraction or not.
    package func number(_ column: String) throws(StoreError) -> Double {
        switch self[column] {
        case .real(let number): return number
        case .integer(let number): return Double(number)
        default: throw damaged(column, "a number")
        }
    }

    /// The number of a column that counts something.
    package func count(_ column: String) throws(StoreError) -> Int {
        guard let number = self[column].integer, let count = Int(exactly: number), count >= 0 else {
            throw damaged(column, "a whole number from 0")
        }
        return count
    }

    /// The position in a column that always has one.
    package func position(_ column: String) throws(StoreError) -> Position {
        guard let number = self[column].integer, let position = UInt64(exactly: number) else {
            throw damaged(column, "a position")
        }
        return Position(position)
    }

    /// The time in a column that always has one.
    package func time(_ column: String) throws(StoreError) -> Timestamp {
        Timestamp(microsecondsSince1970: try integer(column))
    }

    /// The case of an enumeration whose text a column has.
    package func choice<Choice: RawRepresentable<String>>(
        _ column: String, as type: Choice.Type = Choice.self
    ) throws(StoreError) -> Choice {
        guard let choice = self[column].text.flatMap(Choice.init(rawValue:)) else {
            throw damaged(column, "a known \(Choice.self)")
        }
        return choice
    }

    private func damaged(_ column: String, _ expected: String) -> StoreError {
        let found = value(of: column).map { value in
            if case .text(let text) = value { "\"\(text)\"" } else { value.kind }
        }
        return StoreError(
            .corrupt,
            "a row of the read model's own tables cannot be read: column \"\(column)\" must have \(expected) and has "
                + "\(found ?? "no value, for the row has no such column").")
    }
}
