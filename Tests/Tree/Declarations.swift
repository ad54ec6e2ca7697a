/// A declaration at the beginning of a line: a type, a function, a constant or an extension of a file's top level.
struct Declaration: Hashable, Sendable {
    let kind: Substring
    let name: String
    let isPublic: Bool
    let isPrivate: Bool
    /// The line, from 1.
    let line: Int
}

extension SwiftFile {
    private static let kinds: Set<Substring> = [
        "struct", "class", "enum", "protocol", "actor", "typealias", "func", "let", "var", "extension", "macro",
    ]

    /// What the file declares at its top level.
    var declarations: [Declaration] {
        code.enumerated().compactMap { index, line in
            guard let first = line.first, first.isLetter || first == "@" else { return nil }
            let words = line.split(separator: " ")
            guard let place = words.firstIndex(where: { Self.kinds.contains($0) }), place + 1 < words.count else {
                return nil
            }
            let modifiers = words[..<place]
            let name = words[place + 1].prefix { $0.isLetter || $0.isNumber || $0 == "_" }
            return Declaration(
                kind: words[place], name: String(name), isPublic: modifiers.contains("public"),
                isPrivate: modifiers.contains("private") || modifiers.contains("fileprivate"), line: index + 1)
        }
    }

    /// The modules that the file imports, with the line of each.
    var imports: [(module: String, line: Int)] {
        code.enumerated().compactMap { index, line in
            let words = line.split(separator: " ")
            guard let place = words.firstIndex(of: "import"), place + 1 < words.count,
                words[..<place].allSatisfy({ $0.hasPrefix("@") || Self.accessLevels.contains($0) })
            else { return nil }
            let last = words[words.count - 1]
            return (String(last.prefix { $0.isLetter || $0.isNumber || $0 == "_" }), index + 1)
        }
    }

    private static let accessLevels: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]

    /// The names that the code uses, with the first line of each. Names after a dot are members and are left out.
    var usedNames: [String: Int] {
        var names: [String: Int] = [:]
        for (index, line) in code.enumerated() {
            let bytes = Array(line.utf8)
            var start = 0
            while start < bytes.count {
                guard Self.isNamePart(bytes[start]) else {
                    start += 1
                    continue
                }
                var end = start + 1
                while end < bytes.count, Self.isNamePart(bytes[end]) { end += 1 }
                if start == 0 || bytes[start - 1] != UInt8(ascii: ".") {
                    let name = String(decoding: bytes[start..<end], as: UTF8.self)
                    if names[name] == nil { names[name] = index + 1 }
                }
                start = end
            }
        }
        return names
    }

    private static func isNamePart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
