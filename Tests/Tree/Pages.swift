/// Learning pages that are not complete, or whose English and Korean versions differ in code, output or pictures.
struct Pages: Rule {
    static let folder = "docs/learn/"
    static let lines = 90...220
    /// Kinds of blocks that a check compares with the code, and `sh` for commands whose output is not shown.
    static let kinds: Set<Substring> = ["swift", "sql", "console", "sh"]

    private static let sections = (
        english: ["## What can go wrong", "## When not to"], korean: ["## 무엇이 잘못될 수 있나", "## 언제 쓰지 말아야 하나"]
    )

    func findings(_ tree: Tree) -> [Finding] {
        let names = Set(tree.texts.keys.compactMap(Self.name))
        return names.sorted().flatMap { name -> [Finding] in
            let (english, korean) = (Self.folder + name, Self.folder + "ko/" + name)
            guard let first = tree.texts[english] else { return [Self.finding(korean, "has no English page")] }
            guard let second = tree.texts[korean] else { return [Self.finding(english, "has no Korean page")] }
            return Self.form(english, first, Self.sections.english) + Self.form(korean, second, Self.sections.korean)
                + Self.differences(MarkdownPage(first), MarkdownPage(second), korean)
                + Self.images(english, tree) + Self.images(korean, tree)
        }
    }

    /// The name of a page, such as `01-state.md`, for a path of either language.
    private static func name(_ path: String) -> String? {
        guard path.hasPrefix(folder), path.hasSuffix(".md") else { return nil }
        let name = path.dropFirst(folder.count + (path.hasPrefix(folder + "ko/") ? 3 : 0))
        return name.first?.isNumber == true && !name.contains("/") ? String(name) : nil
    }

    private static func form(_ path: String, _ text: String, _ sections: [String]) -> [Finding] {
        let page = MarkdownPage(text)
        var findings = sections.filter { !page.headings.contains(Substring($0)) }.map { section in
            finding(path, "has no section \"\(section)\"")
        }
        if !lines.contains(page.lines) {
            findings.append(
                finding(path, "has \(page.lines) lines; a page has \(lines.lowerBound) to \(lines.upperBound)"))
        }
        if page.images.isEmpty { findings.append(finding(path, "has no picture of docs/pictures")) }
        findings += page.blocks.filter { !kinds.contains($0.kind) }.map { block in
            finding(path, "has a block of the kind \"\(block.kind)\", which no check compares", line: block.line)
        }
        return findings
    }

    private static func differences(_ first: MarkdownPage, _ second: MarkdownPage, _ path: String) -> [Finding] {
        var findings: [Finding] = []
        for (one, other) in zip(first.blocks, second.blocks) where one.kind != other.kind || one.lines != other.lines {
            findings.append(finding(path, "differs from the English block of line \(one.line)", line: other.line))
        }
        if first.blocks.count != second.blocks.count {
            findings.append(
                finding(path, "has \(second.blocks.count) blocks, the English page \(first.blocks.count)"))
        }
        if first.images.map(\.file) != second.images.map(\.file) {
            findings.append(finding(path, "has other pictures than the English page"))
        }
        if first.headings.count != second.headings.count {
            findings.append(finding(path, "has other headings than the English page"))
        }
        return findings
    }

    /// English pages show `../pictures/NAME.svg`, Korean ones `../../pictures/ko/NAME.svg`.
    private static func images(_ path: String, _ tree: Tree) -> [Finding] {
        let isKorean = path.hasPrefix(folder + "ko/")
        return MarkdownPage(tree.texts[path] ?? "").images.compactMap { image in
            let wanted = (isKorean ? "../../pictures/ko/" : "../pictures/") + image.file
            if image.path != wanted {
                return finding(path, "shows \(image.path) instead of \(wanted)", line: image.line)
            }
            let text = "docs/pictures/" + image.file.prefix { $0 != "." } + ".txt"
            return tree.texts[text] == nil ? finding(path, "shows a picture without \(text)", line: image.line) : nil
        }
    }

    private static func finding(_ path: String, _ message: String, line: Int = 1) -> Finding {
        Finding(rule: "page", place: path, location: "\(path):\(line)", message: message)
    }
}

/// What a rule reads of a Markdown file: its fenced blocks, headings and pictures.
struct MarkdownPage {
    struct Block {
        let kind: Substring
        /// The line of the fence, from 1.
        let line: Int
        var lines: [Substring] = []
    }

    struct Image {
        let path: Substring
        let line: Int
        var file: Substring { path.split(separator: "/").last ?? path }
    }

    private(set) var blocks: [Block] = []
    private(set) var headings: [Substring] = []
    private(set) var images: [Image] = []
    private(set) var lines = 0

    init(_ text: String) {
        var block: Block?
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.hasPrefix("```") {
                if let ended = block {
                    blocks.append(ended)
                    block = nil
                } else {
                    block = Block(kind: line.dropFirst(3), line: index + 1)
                }
            } else if block != nil {
                block?.lines.append(line)
            } else if line.hasPrefix("#") {
                headings.append(line)
            } else if line.hasPrefix("!["), let start = line.firstIndex(of: "("), let end = line.lastIndex(of: ")") {
                images.append(Image(path: line[line.index(after: start)..<end], line: index + 1))
            }
            if !line.isEmpty || block != nil { lines = index + 1 }
        }
    }
}
