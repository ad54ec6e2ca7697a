/// One JSON text, checked as a whole and read on demand: no tree, no dictionary, values stay bytes until asked for.
///
/// Strict: exactly one value, UTF-8, no key twice in an object (which of two values counts would depend on the
/// reader), no half surrogates, at most 128 levels.
package struct JSONReader: Sendable {
    /// The whole text.
    package let bytes: [UInt8]

    var nodes: [JSONIndexer.Node]

    /// Checks and indexes a text.
    package init(_ bytes: [UInt8]) throws(JSONSyntaxError) {
        self.bytes = bytes
        nodes = try JSONIndexer(bytes).nodes
    }

    /// The value of the text.
    package var root: Value { Value(reader: self, node: 0) }

    /// Whether the bytes are exactly one JSON value, with nothing but space around it.
    package static func isValue(_ bytes: some Collection<UInt8>) -> Bool {
        (try? JSONReader(Array(bytes))) != nil
    }

    /// What keeps the bytes from being a JSON value, or `nil`.
    static func syntaxError(of bytes: [UInt8]) -> JSONSyntaxError? {
        do {
            _ = try JSONIndexer(bytes)
            return nil
        } catch {
            return error
        }
    }

    /// A value in a text.
    package struct Value: Sendable {
        let reader: JSONReader
        let node: Int

        /// The bytes of the value as they stand in the text, quotes and inner space included.
        package var raw: ArraySlice<UInt8> { reader.raw(node) }

        /// Whether it is `null`.
        package var isNull: Bool { reader.nodes[node].kind == .null }

        /// The text of a string, or `nil`.
        package var string: String? { reader.string(node) }

        /// An integer that fits, or `nil`.
        package func integer<Integer: FixedWidthInteger>(as type: Integer.Type = Integer.self) -> Integer? {
            reader.integer(node)
        }

        /// The keys and values of an object in order, or `nil`.
        package var members: [(key: String, value: Value)]? {
            guard reader.nodes[node].kind == .object else { return nil }
            return reader.children(of: node).map { (reader.string($0) ?? "", Value(reader: reader, node: $0 + 1)) }
        }

        /// The values of an array in order, or `nil`.
        package var elements: [Value]? {
            guard reader.nodes[node].kind == .array else { return nil }
            return reader.children(of: node).map { Value(reader: reader, node: $0) }
        }
    }

    /// The nodes of an object's keys, or of an array's elements.
    func children(of node: Int) -> [Int] {
        let step = nodes[node].kind == .object ? 1 : 0
        var result: [Int] = []
        var child = node + 1
        while child < Int(nodes[node].next) {
            result.append(child)
            child = Int(nodes[child + step].next)
        }
        return result
    }

    func raw(_ node: Int) -> ArraySlice<UInt8> {
        let found = nodes[node]
        let isString = found.kind == .string || found.kind == .escapedString
        return bytes[(Int(found.start) - (isString ? 1 : 0))..<(Int(found.end) + (isString ? 1 : 0))]
    }
}

// Scalars.
extension JSONReader {
    func string(_ node: Int) -> String? {
        let found = nodes[node]
        let raw = bytes[Int(found.start)..<Int(found.end)]
        switch found.kind {
        case .string: return String(decoding: raw, as: UTF8.self)
        case .escapedString: return String(decoding: Self.unescaped(raw), as: UTF8.self)
        default: return nil
        }
    }

    func bool(_ node: Int) -> Bool? {
        switch nodes[node].kind {
        case .true: true
        case .false: false
        default: nil
        }
    }

    /// The text of a number, or `nil`.
    func numberText(_ node: Int) -> Substring? {
        guard nodes[node].kind == .number else { return nil }
        return Substring(String(decoding: bytes[Int(nodes[node].start)..<Int(nodes[node].end)], as: UTF8.self))
    }

    /// A number that is an integer of this range exactly; `1.0` and `1e2` are, as far as doubles are exact.
    func integer<Integer: FixedWidthInteger>(_ node: Int) -> Integer? {
        let found = nodes[node]
        guard found.kind == .number else { return nil }
        var index = Int(found.start)
        let isNegative = bytes[index] == UInt8(ascii: "-")
        if isNegative { index += 1 }
        var value: Integer = 0
        while index < Int(found.end) {
            let digit = bytes[index] &- UInt8(ascii: "0")
            if digit > 9 { return wholeNumber(node) }
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
            let next =
                isNegative
                ? shifted.subtractingReportingOverflow(Integer(digit))
                : shifted.addingReportingOverflow(Integer(digit))
            if overflow || next.overflow { return nil }
            value = next.partialValue
            index += 1
        }
        return value
    }

    private func wholeNumber<Integer: FixedWidthInteger>(_ node: Int) -> Integer? {
        guard let text = numberText(node), let value = Double(text), value.magnitude <= 0x1p53 else { return nil }
        return Integer(exactly: value)
    }

    /// The number nearest to the text; `nil` if there is no finite one.
    func floatingPoint<Number: LosslessStringConvertible & BinaryFloatingPoint>(_ node: Int) -> Number? {
        guard let text = numberText(node), let value = Number(String(text)), value.isFinite else { return nil }
        return value
    }

    /// The bytes that a checked string with escapes stands for.
    static func unescaped(_ raw: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(raw.count)
        var index = raw.startIndex
        while index < raw.endIndex {
            guard raw[index] == UInt8(ascii: "\\"), index + 1 < raw.endIndex else {
                result.append(raw[index])
                index += 1
                continue
            }
            if let byte = simpleEscape(raw[index + 1]) {
                result.append(byte)
                index += 2
                continue
            }
            var scalar = UInt32(hexadecimalUnit(raw[(index + 2)..<(index + 6)]) ?? 0)
            index += 6
            if scalar & 0xFC00 == 0xD800 {
                let low = UInt32(hexadecimalUnit(raw[(index + 2)..<(index + 6)]) ?? 0)
                scalar = 0x10000 + (scalar & 0x3FF) << 10 + low & 0x3FF
                index += 6
            }
            result.append(contentsOf: String(Unicode.Scalar(scalar) ?? "\u{FFFD}").utf8)
        }
        return result
    }

    /// What a backslash and this byte stand for, except for `u`.
    static func simpleEscape(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): byte
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: nil
        }
    }

    static func hexadecimalUnit(_ digits: ArraySlice<UInt8>) -> UInt16? {
        var unit: UInt16 = 0
        for byte in digits {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): unit = unit << 4 | UInt16(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): unit = unit << 4 | UInt16(byte - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): unit = unit << 4 | UInt16(byte - UInt8(ascii: "A") + 10)
            default: return nil
            }
        }
        return unit
    }
}
