import SillokCore

/// What the nodes of an index say, given the text.
extension JSONIndexer.Node {
    /// The bytes of the value, with the quotes of a string.
    func raw(in bytes: [UInt8]) -> ArraySlice<UInt8> {
        let quotes = kind == .string || kind == .escapedString ? 1 : 0
        return bytes[(Int(start) - quotes)..<(Int(end) + quotes)]
    }

    /// The text of a string, or `nil`.
    func string(in bytes: [UInt8]) -> String? {
        let raw = bytes[Int(start)..<Int(end)]
        switch kind {
        case .string: return String(decoding: raw, as: UTF8.self)
        case .escapedString: return String(decoding: JSONReader.unescaped(raw), as: UTF8.self)
        default: return nil
        }
    }

    /// Whether a key is this name, byte for byte.
    @inline(__always)
    func isKey(_ name: UnsafeBufferPointer<UInt8>, in bytes: [UInt8]) -> Bool {
        let range = Int(start)..<Int(end)
        if kind == .escapedString { return JSONReader.unescaped(bytes[range]).elementsEqual(name) }
        if range.count != name.count { return false }
        for offset in 0..<name.count where bytes[range.lowerBound + offset] != name[offset] { return false }
        return true
    }

    /// A truth value, or `nil`.
    var bool: Bool? {
        switch kind {
        case .true: true
        case .false: false
        default: nil
        }
    }

    /// The text of a number, or `nil`.
    func numberText(in bytes: [UInt8]) -> String? {
        kind == .number ? String(decoding: bytes[Int(start)..<Int(end)], as: UTF8.self) : nil
    }

    /// A number that is an integer of this range exactly; `1.0` and `1e2` are.
    func integer<Integer: FixedWidthInteger>(in bytes: [UInt8]) -> Integer? {
        guard kind == .number else { return nil }
        var index = Int(start)
        let isNegative = bytes[index] == UInt8(ascii: "-")
        if isNegative { index += 1 }
        var value: Integer = 0
        while index < Int(end) {
            let digit = bytes[index] &- UInt8(ascii: "0")
            if digit > 9 { return wholeNumber(in: bytes) }
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
            let next =
                isNegative
                ? shifted.subtractingReportingOverflow(Integer(digit))
                : shifted.addingReportingOverflow(Integer(digit))
            if overflow || next.overflow { return wholeNumber(in: bytes) }
            value = next.partialValue
            index += 1
        }
        return value
    }

    /// The same for a number with a fraction or an exponent: its digits, times a power of ten.
    private func wholeNumber<Integer: FixedWidthInteger>(in bytes: [UInt8]) -> Integer? {
        let text = bytes[Int(start)..<Int(end)]
        let parts = text.split(maxSplits: 1) { $0 | 0x20 == UInt8(ascii: "e") }
        let isNegative = text.first == UInt8(ascii: "-")
        let mantissa = parts[0].drop { $0 == UInt8(ascii: "-") }
        let point = mantissa.firstIndex(of: UInt8(ascii: ".")) ?? mantissa.endIndex
        var digits = (mantissa[..<point] + mantissa[point...].dropFirst()).drop { $0 == UInt8(ascii: "0") }
        var power = -max(0, mantissa.endIndex - point - 1)
        if parts.count > 1 {
            let size = parts[1].drop { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }
                .drop { $0 == UInt8(ascii: "0") }
            // An exponent that no integer has is as good as one of a million.
            let magnitude = size.count > 6 ? 1_000_000 : Int(String(decoding: size, as: UTF8.self)) ?? 0
            power += parts[1].first == UInt8(ascii: "-") ? -magnitude : magnitude
        }
        while power < 0, digits.last == UInt8(ascii: "0") {
            digits.removeLast()
            power += 1
        }
        if digits.isEmpty { return 0 }
        guard power >= 0, power <= 40, digits.count <= 40 else { return nil }
        var value: Integer = 0
        for digit in digits + Array(repeating: UInt8(ascii: "0"), count: power) {
            let (shifted, isTooLong) = value.multipliedReportingOverflow(by: 10)
            let digit = Integer(digit - UInt8(ascii: "0"))
            let (next, isTooLarge) =
                isNegative ? shifted.subtractingReportingOverflow(digit) : shifted.addingReportingOverflow(digit)
            if isTooLong || isTooLarge { return nil }
            value = next
        }
        return value
    }

    /// The number nearest to the text; `nil` if there is no finite one.
    func floatingPoint<Number: LosslessStringConvertible & BinaryFloatingPoint>(in bytes: [UInt8]) -> Number? {
        guard let text = numberText(in: bytes), let value = Number(text), value.isFinite else { return nil }
        return value
    }
}

extension [JSONIndexer.Node] {
    /// The nodes of an object's keys, or of an array's elements.
    func children(of node: Int) -> [Int] {
        let step = self[node].kind == .object ? 1 : 0
        var result: [Int] = []
        var child = node + 1
        while child < Int(self[node].next) {
            result.append(child)
            child = Int(self[child + step].next)
        }
        return result
    }
}

// Escapes.
extension JSONReader {
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
            guard let digit = byte.hexadecimalDigit else { return nil }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }
}
