/// Reads the members of a payload, by their names and in any order.
///
/// At first it goes through the payload once, and takes for granted that members stand as they are asked for. When they
/// do not, it fails, and the event is read again with an index of the whole payload.
public struct PayloadReader {
    /// The payload does not stand as it is read.
    struct OutOfOrder: Error {}

    private let bytes: [UInt8]
    private var index = 0
    private let indexed: JSONDecoding?
    /// Whether the object is empty or its bracket has just been passed.
    private var isFirst = true

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        indexed = nil
        if bytes.first == UInt8(ascii: "{") { index = 1 } else { index = bytes.count + 1 }
    }

    init(indexing bytes: [UInt8]) throws {
        self.bytes = bytes
        let decoding = JSONDecoding(try JSONReader(bytes))
        guard decoding.nodes[0].kind == .object else { throw decoding.mismatch([String: Any].self, at: 0) }
        indexed = decoding
    }

    /// Whether everything has been read, so that nothing is left unchecked.
    var isAtEnd: Bool { index == bytes.count - 1 && bytes[index] == UInt8(ascii: "}") }

    /// A text.
    ///
    /// - Throws: `DecodingError` if it is not there, or something else.
    public mutating func text(_ key: StaticString) throws -> String {
        if let indexed { return try indexed.member(key, String.self) }
        try pass(key)
        return try takeText()
    }

    /// A whole number.
    ///
    /// - Throws: `DecodingError` if it is not there, something else, or does not fit.
    public mutating func integer(_ key: StaticString) throws -> Int {
        if let indexed { return try indexed.member(key, Int.self) }
        try pass(key)
        return try takeInteger()
    }

    /// A whole number of another range.
    ///
    /// - Throws: `DecodingError` if it is not there, something else, or does not fit.
    public mutating func integer<Integer: FixedWidthInteger & Decodable>(
        _ key: StaticString, as type: Integer.Type
    ) throws -> Integer {
        if let indexed { return try indexed.member(key, type) }
        try pass(key)
        return try takeInteger()
    }

    /// A truth value.
    ///
    /// - Throws: `DecodingError` if it is not there, or something else.
    public mutating func bool(_ key: StaticString) throws -> Bool {
        if let indexed { return try indexed.member(key, Bool.self) }
        try pass(key)
        if take("true") { return true }
        if take("false") { return false }
        throw OutOfOrder()
    }

    /// A number.
    ///
    /// - Throws: `DecodingError` if it is not there, something else, or not finite.
    public mutating func number(_ key: StaticString) throws -> Double {
        if let indexed { return try indexed.member(key, Double.self) }
        try pass(key)
        let start = index
        while index < bytes.count, bytes[index] != UInt8(ascii: ","), bytes[index] != UInt8(ascii: "}") { index += 1 }
        let digits = Array(bytes[start..<index])
        guard let node = try? JSONReader(digits).nodes[0], let number: Double = node.floatingPoint(in: digits) else {
            throw OutOfOrder()
        }
        return number
    }

    /// A value of any kind by its `Codable`; a payload that has one is always read with an index.
    ///
    /// - Throws: `DecodingError` if it is not there, or something else.
    public mutating func value<Value: Decodable>(_ key: StaticString, as type: Value.Type = Value.self) throws -> Value
    {
        guard let indexed else { throw OutOfOrder() }
        return try indexed.member(key, type)
    }

    /// Whether there is a member of this name that is not `null`: before reading one that may be missing.
    public mutating func has(_ key: StaticString) throws -> Bool {
        if let indexed { return indexed.hasMember(key) }
        if isAtEnd { return false }
        let (before, wasFirst) = (index, isFirst)
        try pass(key)
        guard index < bytes.count, bytes[index] != UInt8(ascii: "n") else { throw OutOfOrder() }
        (index, isFirst) = (before, wasFirst)
        return true
    }
}

// One pass, in order.
extension PayloadReader {
    /// Passes the comma, the key and the colon before a value.
    @inline(__always)
    private mutating func pass(_ key: StaticString) throws {
        let count = key.utf8CodeUnitCount
        var start = index
        if !isFirst {
            guard start < bytes.count, bytes[start] == UInt8(ascii: ",") else { throw OutOfOrder() }
            start += 1
        }
        guard start + count + 3 < bytes.count, bytes[start] == UInt8(ascii: "\""),
            bytes[start + count + 1] == UInt8(ascii: "\""), bytes[start + count + 2] == UInt8(ascii: ":")
        else { throw OutOfOrder() }
        for offset in 0..<count where bytes[start + 1 + offset] != key.utf8Start[offset] { throw OutOfOrder() }
        index = start + count + 3
        isFirst = false
    }

    private mutating func take(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard index + count <= bytes.count else { return false }
        for offset in 0..<count where bytes[index + offset] != word.utf8Start[offset] { return false }
        index += count
        return true
    }

    private mutating func takeText() throws -> String {
        guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else { throw OutOfOrder() }
        let (text, end) = try bytes.withUnsafeBufferPointer { bytes -> (String, Int) in
            let start = index + 1
            var end = start
            var isPlain = true
            while true {
                guard end < bytes.count else { throw OutOfOrder() }
                let byte = bytes[end]
                if byte == UInt8(ascii: "\"") { break }
                if byte == UInt8(ascii: "\\") || byte < 0x20 { throw OutOfOrder() }
                if byte >= 0x80 { isPlain = false }
                end += 1
            }
            let content = UnsafeBufferPointer(rebasing: bytes[start..<end])
            if isPlain { return (String(decoding: content, as: UTF8.self), end) }
            guard let text = String(validating: content, as: UTF8.self) else { throw OutOfOrder() }
            return (text, end)
        }
        index = end + 1
        return text
    }

    @inline(__always)
    private mutating func takeInteger<Integer: FixedWidthInteger>() throws -> Integer {
        var value: Integer = 0
        let isNegative = index < bytes.count && bytes[index] == UInt8(ascii: "-")
        if isNegative { index += 1 }
        let start = index
        while index < bytes.count {
            let digit = bytes[index] &- UInt8(ascii: "0")
            if digit > 9 { break }
            let (shifted, isTooLong) = value.multipliedReportingOverflow(by: 10)
            let (next, isTooLarge) =
                isNegative
                ? shifted.subtractingReportingOverflow(Integer(digit))
                : shifted.addingReportingOverflow(Integer(digit))
            if isTooLong || isTooLarge { throw OutOfOrder() }
            value = next
            index += 1
        }
        // A fraction, an exponent, or a zero that leads: not the plain form.
        guard index > start, index < bytes.count, bytes[start] != UInt8(ascii: "0") || index == start + 1,
            bytes[index] == UInt8(ascii: ",") || bytes[index] == UInt8(ascii: "}")
        else { throw OutOfOrder() }
        return value
    }
}

extension JSONDecoding {
    fileprivate func member<Value: Decodable>(_ key: StaticString, _ type: Value.Type) throws -> Value {
        let name = "\(key)"
        guard let node = value(of: name, in: 0) else { throw missing(JSONPathKey.named(name)) }
        return try within(JSONPathKey.named(name)) { try decode(type, at: node) }
    }

    fileprivate func hasMember(_ key: StaticString) -> Bool {
        value(of: "\(key)", in: 0).map { nodes[$0].kind != .null } ?? false
    }
}
