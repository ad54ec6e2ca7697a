/// Sizes of functions, files, folders, lines and targets.
struct Limits: Rule {
    static let function = 45
    static let file = 400
    static let folder = 12
    static let line = 120

    func findings(_ tree: Tree) -> [Finding] {
        let files = tree.swiftFiles("Sources", "Tests", "Examples")
        return files.flatMap { functions(of: $0) + lines(of: $0) } + folders(of: files) + targets(of: files, tree)
            + assets(in: tree)
    }

    /// The lines of the dashboard's scripts and style sheets, which the program embeds.
    private func assets(in tree: Tree) -> [Finding] {
        tree.texts.keys.filter { path in
            path.hasPrefix("Sources/") && [".js", ".css"].contains { path.hasSuffix($0) }
        }.sorted().flatMap { path -> [Finding] in
            let lines = (tree.texts[path] ?? "").split(separator: "\n", omittingEmptySubsequences: false)
            return lines.enumerated().filter { $0.element.count > Self.line }.map { index, line in
                Finding(
                    rule: "line", place: path, location: "\(path):\(index + 1)",
                    message: "the line has \(line.count) characters, the limit is \(Self.line); break it")
            }
        }
    }

    private func functions(of file: SwiftFile) -> [Finding] {
        file.functions.filter { $0.lines > Self.function }.map { function in
            Finding(
                "function", in: file, line: function.line,
                "\(function.name) has \(function.lines) lines, the limit is \(Self.function); divide it",
                place: "\(file.path):\(function.name)", amount: function.lines)
        }
    }

    private func lines(of file: SwiftFile) -> [Finding] {
        var findings: [Finding] = []
        if file.lines.count > Self.file {
            findings.append(
                Finding(
                    "file", in: file, line: file.lines.count,
                    "the file has \(file.lines.count) lines, the limit is \(Self.file); divide it",
                    amount: file.lines.count))
        }
        for (index, line) in file.lines.enumerated() where line.utf8.count > Self.line && line.count > Self.line {
            findings.append(
                Finding(
                    "line", in: file, line: index + 1,
                    "the line has \(line.count) characters, the limit is \(Self.line); break it"))
        }
        return findings
    }

    private func folders(of files: [SwiftFile]) -> [Finding] {
        let folders = Dictionary(grouping: files, by: \.folder).mapValues(\.count)
        return folders.filter { $0.value > Self.folder }.map { folder, count in
            Finding(
                rule: "folder", place: folder, location: folder,
                message: "the folder has \(count) Swift files, the limit is \(Self.folder); divide it", amount: count)
        }
    }

    private func targets(of files: [SwiftFile], _ tree: Tree) -> [Finding] {
        let table = TargetTable(tree)
        let targets = Dictionary(grouping: files.filter { $0.target != nil }) { $0.target ?? "" }
        return targets.compactMap { target, files in
            let lines = files.reduce(0) { $0 + $1.lines.count }
            let limit = table.lineLimit(of: target)
            guard lines > limit else { return nil }
            return Finding(
                rule: "target", place: target, location: "Sources/\(target)",
                message: "the target has \(lines) lines, the limit of its floor is \(limit); move a part of it out",
                amount: lines)
        }
    }
}

extension SwiftFile {
    /// A function or an initializer, and how many lines it takes from its name to its closing bracket.
    struct Function: Hashable, Sendable {
        let name: String
        let line: Int
        let lines: Int
    }

    /// The functions of the file that have a body.
    var functions: [Function] {
        var functions: [Function] = []
        for (index, line) in code.enumerated() {
            let words = line.split(separator: " ")
            guard let place = words.firstIndex(where: { Self.begins($0) }),
                words[..<place].allSatisfy({ $0.hasPrefix("@") || $0.allSatisfy { $0.isLetter || "()".contains($0) } }),
                let end = endOfBody(from: index)
            else { continue }
            let name = words[place] == "func" && place + 1 < words.count ? words[place + 1] : words[place]
            let short = name.prefix { $0 != "(" && $0 != "<" && $0 != "{" }
            functions.append(Function(name: String(short), line: index + 1, lines: end - index + 1))
        }
        return functions
    }

    private static func begins(_ word: Substring) -> Bool {
        word == "func" || word == "deinit" || word.hasPrefix("init(") || word.hasPrefix("init?(")
            || word.hasPrefix("init<")
    }

    /// The index of the line with the bracket that closes the body; `nil` if the declaration has no body.
    private func endOfBody(from start: Int) -> Int? {
        var (round, curly) = (0, 0)
        for index in start..<code.count {
            for byte in code[index].utf8 {
                switch byte {
                case UInt8(ascii: "("), UInt8(ascii: "["): round += 1
                case UInt8(ascii: ")"), UInt8(ascii: "]"): round -= 1
                case UInt8(ascii: "{") where round == 0: curly += 1
                case UInt8(ascii: "}") where round == 0:
                    curly -= 1
                    if curly <= 0 { return curly == 0 ? index : nil }
                default: break
                }
            }
            if round == 0, curly == 0, !continues(after: index) { return nil }
        }
        return nil
    }

    /// Whether the next line belongs to the head of the same declaration.
    private func continues(after index: Int) -> Bool {
        guard index + 1 < code.count else { return false }
        let next = code[index + 1].drop { $0 == " " }
        return next == "{" || ["->", "where ", "async", "throws", ") "].contains { next.hasPrefix($0) }
    }
}
