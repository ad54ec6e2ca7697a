package import SillokCore

extension String {
    /// The text with everything made visible that could act on a terminal or mislead its reader: control characters,
    /// changes of the writing direction, invisible marks.
    package var visible: String {
        guard unicodeScalars.contains(where: \.isHidden) else { return self }
        var result = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            case _ where scalar.isHidden: result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// How many columns the text takes on a terminal, nearly: wide characters of East Asia and emoji count two.
    package var columns: Int {
        if utf8.allSatisfy({ $0 < 0x80 }) { return utf8.count }
        return reduce(0) { $0 + $1.columns }
    }

    /// The text cut to `width` columns, with an ellipsis in place of the removed part.
    package func cut(to width: Int) -> String {
        guard width > 0 else { return "" }
        guard columns > width else { return self }
        var result = ""
        var used = 1
        for character in self {
            used += character.columns
            if used > width { break }
            result.append(character)
        }
        return result + "…"
    }

    /// The text padded with spaces to `width` columns.
    package func padded(to width: Int, onTheLeft: Bool = false) -> String {
        let missing = width - columns
        guard missing > 0 else { return self }
        let space = String(repeating: " ", count: missing)
        return onTheLeft ? space + self : self + space
    }
}

extension Timestamp {
    /// The time for people: `2026-11-23 09:15:00.000Z`, in UTC.
    package var readable: String {
        let text = description.prefix { $0 != "Z" }
        return text.dropLast(3).replacing("T", with: " ") + "Z"
    }
}

extension Character {
    fileprivate var columns: Int {
        guard let first = unicodeScalars.first else { return 0 }
        switch first.value {
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
            0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            return 2
        default:
            return 1
        }
    }
}

extension Unicode.Scalar {
    fileprivate var isHidden: Bool {
        switch value {
        case 0..<0x20, 0x7F...0x9F, 0xAD, 0x61C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF,
            0xE0000...0xE007F:
            true
        default: false
        }
    }
}

extension BinaryInteger {
    /// The number with commas: `1,234,567`.
    package var grouped: String {
        let digits = Array(String(magnitude))
        var result = self < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0 && (digits.count - index).isMultiple(of: 3) { result += "," }
            result.append(digit)
        }
        return result
    }

    /// The number as an amount of bytes: `512 B`, `1.5 KiB`, `3.2 GiB`.
    package var asBytes: String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var value = Double(self)
        var unit = 0
        while value >= 1024 && unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return unit == 0 ? "\(self) B" : "\(value.rounded(digits: 1)) \(units[unit])"
    }
}

extension Double {
    /// The number with `digits` digits after the point.
    package func rounded(digits: Int) -> String {
        let scale = (0..<digits).reduce(1.0) { value, _ in value * 10 }
        guard isFinite, magnitude < 1e15, (self * scale).magnitude < 9e18 else { return "\(self)" }
        let whole = Int64((self * scale).rounded())
        guard digits > 0 else { return String(whole) }
        let text = String(whole.magnitude)
        let filled = String(repeating: "0", count: Swift.max(0, digits + 1 - text.count)) + text
        return (whole < 0 ? "-" : "") + filled.dropLast(digits) + "." + filled.suffix(digits)
    }

    /// A rate per second: three significant digits, grouped above a hundred.
    package var asRate: String {
        magnitude >= 100 ? Int64(clamping: Int(Swift.min(self, 1e15))).grouped : rounded(digits: 1)
    }
}

extension Duration {
    /// The duration as a person says it: `340 ms`, `12.4 s`, `3 min 05 s`, `2 h 10 min`.
    package var spoken: String {
        let seconds = self.seconds
        if seconds < 1 { return "\(Int(seconds * 1000)) ms" }
        if seconds < 60 { return "\(seconds.rounded(digits: 1)) s" }
        let whole = components.seconds
        if whole < 3600 { return "\(whole / 60) min \(whole % 60 < 10 ? "0" : "")\(whole % 60) s" }
        return "\(whole / 3600) h \(whole % 3600 / 60) min"
    }
}
