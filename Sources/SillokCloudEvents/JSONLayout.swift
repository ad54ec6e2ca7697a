/// The white space of a JSON text that a line cannot contain: before and after the value, and its line breaks.
///
/// A line contains such a payload as JSON with spaces in place of the line breaks. A note next to it, such as
/// `n:n:2n11n`, contains the places of the breaks, so that a reader can restore every byte. The note has three parts:
/// the white space before the value, the white space after it, and the line breaks. `s` is a space, `t` a tab, `n` a
/// line feed, `r` a carriage return. Each line break has the number of bytes since the previous one.
package struct JSONLayout: Hashable, Sendable {
    /// The value without a line break.
    package let line: [UInt8]

    /// Where the white space was; `nil` if the line is the text itself.
    package let note: String?

    /// The layout of a text that is one JSON value.
    package init(of text: [UInt8]) {
        let start = text.firstIndex { Self.letter($0) == nil } ?? text.endIndex
        let end = (text.lastIndex { Self.letter($0) == nil } ?? text.endIndex - 1) + 1
        guard start > 0 || end < text.count || text.contains(where: Self.isBreak) else {
            (line, note) = (text, nil)
            return
        }
        var line = Array(text[start..<max(start, end)])
        var breaks = ""
        var previous = -1
        for (offset, byte) in line.enumerated() where Self.isBreak(byte) {
            breaks += "\(offset - previous)\(byte == 0x0A ? "n" : "r")"
            previous = offset
            line[offset] = 0x20
        }
        self.line = line
        note = "\(Self.letters(text[..<start])):\(Self.letters(text[max(start, end)...])):\(breaks)"
    }

    /// The text of a value without line breaks and a note; `nil` if they do not belong together.
    package static func text(line: [UInt8], note: String) -> [UInt8]? {
        let parts = note.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count == 3, let before = bytes(parts[0]), let after = bytes(parts[1]) else { return nil }
        var line = line
        var offset = -1
        var distance = 0
        for byte in parts[2] {
            if let digit = Int(exactly: byte)?.asciiDigit {
                let (next, overflow) = distance.multipliedReportingOverflow(by: 10)
                guard !overflow, next < line.count + 10 else { return nil }
                distance = next + digit
                continue
            }
            guard let space = space(byte), isBreak(space), distance > 0 else { return nil }
            offset += distance
            guard offset < line.count, line[offset] == 0x20 else { return nil }
            (line[offset], distance) = (space, 0)
        }
        return distance == 0 ? before + line + after : nil
    }

    private static func isBreak(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

    private static func letter(_ byte: UInt8) -> Character? {
        switch byte {
        case 0x20: "s"
        case 0x09: "t"
        case 0x0A: "n"
        case 0x0D: "r"
        default: nil
        }
    }

    private static func space(_ letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "s"): 0x20
        case UInt8(ascii: "t"): 0x09
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        default: nil
        }
    }

    private static func letters(_ bytes: ArraySlice<UInt8>) -> String { String(bytes.compactMap { letter($0) }) }

    private static func bytes(_ letters: Substring.UTF8View) -> [UInt8]? {
        let bytes = letters.compactMap { space($0) }
        return bytes.count == letters.count ? bytes : nil
    }
}

extension Int {
    /// The value of an ASCII digit; `nil` for any other byte.
    fileprivate var asciiDigit: Int? { (0x30...0x39).contains(self) ? self - 0x30 : nil }
}
