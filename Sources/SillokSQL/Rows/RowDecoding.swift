/// A row cannot be decoded as the requested type.
public struct RowDecodingError: Error, Hashable, CustomStringConvertible {
    /// The name of the column, or of the property for which there is no column.
    public let column: String

    /// The requested type of the row, or of the value of the column.
    public let type: String

    /// What does not fit, and what to do.
    public let reason: String

    /// The column, the type and the reason, in a sentence.
    public var description: String { "The row cannot be read as \(type): \(reason)" }
}

extension SQLRow {
    /// Reads the row as a value whose properties are named like the columns.
    ///
    /// ```swift
    /// struct Balance: Decodable {
    ///     let owner: String
    ///     let cents: Int
    /// }
    /// ```
    /// A property `isOpen` reads the column `isOpen`, or else `is_open`. Coding keys give other names. A type with one
    /// value, such as `Int`, reads a row of one column. `Bool` reads 0 and 1, `Timestamp` reads microseconds since
    /// 1970, `[UInt8]` reads bytes, and an enumeration reads its raw value.
    ///
    /// - Throws: ``RowDecodingError``, which names the column and the type. It is thrown if a column is missing, even
    ///   for an optional property; if a value is null and the property is not optional; or if a value does not fit the
    ///   type. Also the errors of the `init(from:)` of the type.
    public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        let decoder = RowDecoder(row: self, type: "\(Value.self)")
        do {
            if let value = try decoder.wholeRow(as: type) { return value }
            return try Value(from: decoder)
        } catch let error as DecodingError {
            throw RowDecodingError(error, reading: "\(Value.self)")
        }
    }
}

extension RowDecodingError {
    /// What a type's own `init(from:)` has found.
    fileprivate init(_ error: DecodingError, reading type: String) {
        let context: DecodingError.Context? =
            switch error {
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
                .dataCorrupted(let context):
                context
            @unknown default: nil
            }
        let column = context?.codingPath.first?.stringValue ?? ""
        let place = column.isEmpty ? "" : "column \"\(column)\": "
        self.init(column: column, type: type, reason: place + (context?.debugDescription ?? "\(error)"))
    }
}

/// Reads a row as a type: the columns are its keys.
struct RowDecoder: Decoder {
    let row: SQLRow
    /// The type that the caller asked for, for messages.
    let type: String

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(RowContainer<Key>(decoder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try onlyColumn().unkeyedContainer()
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { try onlyColumn() }

    /// A type that has a form in SQL, read from the only column; `nil` for any other type.
    func wholeRow<Value: Decodable>(as type: Value.Type) throws -> Value? {
        guard row.columns.count == 1, type is any SQLValueReadable.Type else { return nil }
        return try onlyColumn().decode(type)
    }

    private func onlyColumn() throws -> ColumnDecoder {
        guard row.columns.count == 1, let column = row.columns.first else {
            throw RowDecodingError(
                column: row.columns.first ?? "", type: type,
                reason: "it has \(row.columns.count) columns, and the type reads one value. Select one column.")
        }
        return try self.column(column)
    }

    /// The column of a key's name, or of that name with underscores.
    func column(_ key: String) throws -> ColumnDecoder {
        if let value = row.value(of: key) { return ColumnDecoder(column: key, value: value, owner: type) }
        let other = key.withUnderscores
        if let value = row.value(of: other) { return ColumnDecoder(column: other, value: value, owner: type) }
        let columns = row.columns.isEmpty ? "none" : row.columns.joined(separator: ", ")
        let names = other == key ? "\"\(key)\"" : "\"\(key)\" or \"\(other)\""
        throw RowDecodingError(
            column: key, type: type,
            reason: "it has no column \(names). Its columns are: \(columns). Select the column, or name the property "
                + "after one that is there.")
    }

    func hasColumn(_ key: String) -> Bool {
        row.value(of: key) != nil || row.value(of: key.withUnderscores) != nil
    }
}

extension String {
    /// `isOpen` as `is_open`.
    fileprivate var withUnderscores: String {
        var text = ""
        for character in self {
            if character.isUppercase, !text.isEmpty { text += "_" }
            text += character.lowercased()
        }
        return text
    }
}

private struct RowContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: RowDecoder

    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { decoder.row.columns.compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { decoder.hasColumn(key.stringValue) }

    func decodeNil(forKey key: Key) throws -> Bool { try column(key).decodeNil() }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try column(key).decode(type)
    }

    // A column that is missing is a mistake in the query, also where the property is optional.
    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
        let column = try column(key)
        return column.decodeNil() ? nil : try column.decode(type)
    }

    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try value(type, key) }
    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { try value(type, key) }
    func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? { try value(type, key) }
    func decodeIfPresent(_ type: Float.Type, forKey key: Key) throws -> Float? { try value(type, key) }
    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try value(type, key) }
    func decodeIfPresent(_ type: Int8.Type, forKey key: Key) throws -> Int8? { try value(type, key) }
    func decodeIfPresent(_ type: Int16.Type, forKey key: Key) throws -> Int16? { try value(type, key) }
    func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? { try value(type, key) }
    func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? { try value(type, key) }
    func decodeIfPresent(_ type: UInt.Type, forKey key: Key) throws -> UInt? { try value(type, key) }
    func decodeIfPresent(_ type: UInt8.Type, forKey key: Key) throws -> UInt8? { try value(type, key) }
    func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) throws -> UInt16? { try value(type, key) }
    func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) throws -> UInt32? { try value(type, key) }
    func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? { try value(type, key) }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try column(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try column(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { decoder }
    func superDecoder(forKey key: Key) throws -> any Decoder { try column(key) }

    private func column(_ key: Key) throws -> ColumnDecoder { try decoder.column(key.stringValue) }

    private func value<Value: Decodable>(_ type: Value.Type, _ key: Key) throws -> Value? {
        let column = try column(key)
        return column.decodeNil() ? nil : try column.decode(type)
    }
}
