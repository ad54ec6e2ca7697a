/// A Swift file, divided into code and prose.
struct SwiftFile: Sendable {
    /// A comment or the contents of a string, one line of it.
    struct Prose: Hashable, Sendable {
        let line: Int
        let text: String
    }

    let path: String
    let lines: [Substring]
    /// The lines without comments, and with empty strings. Code in interpolations stays.
    let code: [String]
    /// Comments, documentation and strings in the order of the lines.
    let prose: [Prose]

    /// The folder of the file.
    var folder: String { path.split(separator: "/").dropLast().joined(separator: "/") }

    init(path: String, text: String) {
        self.path = path
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        self.lines = lines
        var scanner = Scanner(text)
        scanner.run()
        code = scanner.code.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        prose = scanner.prose
    }

    /// The target of a file in `Sources`.
    var target: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }
}

extension SwiftFile {
    /// Goes through a text once.
    private struct Scanner {
        private let bytes: [UInt8]
        private var index = 0
        private var line = 1
        private var codeBytes: [UInt8] = []
        private(set) var prose: [Prose] = []

        init(_ text: String) { bytes = Array(text.utf8) }

        var code: String { String(decoding: codeBytes, as: UTF8.self) }

        mutating func run() { scanCode(untilClosing: false) }

        /// Reads code up to its end, or up to the bracket that closes an interpolation.
        private mutating func scanCode(untilClosing: Bool) {
            var depth = 0
            while index < bytes.count {
                switch bytes[index] {
                case UInt8(ascii: "/") where starts("//"): comment()
                case UInt8(ascii: "/") where starts("/*"): blockComment()
                case UInt8(ascii: "("):
                    depth += 1
                    take()
                case UInt8(ascii: ")"):
                    if untilClosing, depth == 0 { return }
                    depth -= 1
                    take()
                case UInt8(ascii: "\""), UInt8(ascii: "#"): if let quote = quote() { string(quote) } else { take() }
                default: take()
                }
            }
        }

        private mutating func take() {
            codeBytes.append(bytes[index])
            if bytes[index] == UInt8(ascii: "\n") { line += 1 }
            index += 1
        }

        private func starts(_ text: StaticString) -> Bool {
            text.withUTF8Buffer { bytes[index...].starts(with: $0) }
        }

        private mutating func comment() {
            let start = index
            while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { index += 1 }
            add(bytes[start..<index].drop { $0 == UInt8(ascii: "/") })
        }

        private mutating func blockComment() {
            while index < bytes.count, !starts("*/") {
                if bytes[index] == UInt8(ascii: "\n") { take() } else { index += 1 }
            }
            index = min(bytes.count, index + 2)
        }

        private mutating func add(_ text: ArraySlice<UInt8>) {
            let text = String(decoding: text, as: UTF8.self)
            let trimmed = text.drop { $0 == " " }
            if !trimmed.isEmpty { prose.append(Prose(line: line, text: String(trimmed))) }
        }

        /// The marks that end the string that begins here.
        private func quote() -> (open: Int, close: [UInt8], escape: [UInt8])? {
            var end = index
            while end < bytes.count, bytes[end] == UInt8(ascii: "#") { end += 1 }
            let hashes = Array(bytes[index..<end])
            guard end < bytes.count, bytes[end] == UInt8(ascii: "\"") else { return nil }
            let isLong = bytes[end...].starts(with: Array("\"\"\"".utf8))
            let marks = Array((isLong ? "\"\"\"" : "\"").utf8)
            return (end - index + marks.count, marks + hashes, Array("\\".utf8) + hashes)
        }

        private mutating func string(_ quote: (open: Int, close: [UInt8], escape: [UInt8])) {
            codeBytes += Array("\"\"".utf8)
            index += quote.open
            var text: [UInt8] = []
            while index < bytes.count {
                switch bytes[index] {
                case UInt8(ascii: "\"") where bytes[index...].starts(with: quote.close):
                    index += quote.close.count
                    return add(text[...])
                case UInt8(ascii: "\\") where bytes[index...].starts(with: quote.escape):
                    index += quote.escape.count
                    interpolation()
                    text.append(UInt8(ascii: "_"))
                case UInt8(ascii: "\n"):
                    add(text[...])
                    text = []
                    take()
                default:
                    text.append(bytes[index])
                    index += 1
                }
            }
        }

        /// Reads what follows the mark of an escape: the code in brackets, or one character.
        private mutating func interpolation() {
            guard index < bytes.count else { return }
            if bytes[index] == UInt8(ascii: "(") {
                codeBytes.append(UInt8(ascii: "("))
                index += 1
                scanCode(untilClosing: true)
                codeBytes.append(UInt8(ascii: ")"))
            }
            index = min(bytes.count, index + 1)
        }
    }
}
