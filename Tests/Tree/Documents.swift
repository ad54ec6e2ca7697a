/// Swift blocks of documents, and SQL blocks of learning pages, that are not in a compiled file, line for line.
struct Documents: Rule {
    /// A file without indentation and empty lines.
    private struct Source {
        let lines: [Substring]
        /// Where each line is.
        let places: [Substring: [Int]]

        init(_ text: String) {
            lines = text.split(separator: "\n").map(Documents.bare).filter { !$0.isEmpty }
            places = Dictionary(grouping: lines.indices) { [lines] in lines[$0] }
        }

        func contains(_ block: [Substring]) -> Bool {
            guard let first = block.first else { return true }
            return (places[first] ?? []).contains { lines[$0...].starts(with: block) }
        }
    }

    private struct Block {
        let line: Int
        var lines: [Substring] = []
    }

    func findings(_ tree: Tree) -> [Finding] {
        let sources = tree.texts.filter { path, _ in
            path.hasSuffix(".swift") && ["Sources/", "Tests/", "Examples/"].contains { path.hasPrefix($0) }
        }.map { Source($0.value) }
        return tree.texts.keys.filter { $0.hasSuffix(".md") || $0.hasSuffix(".tutorial") }.sorted().flatMap { path in
            let kinds = path.hasPrefix(Pages.folder) ? ["swift", "sql"] : ["swift"]
            return blocks(of: tree.texts[path] ?? "", kinds).filter { block in
                !sources.contains { $0.contains(block.lines) }
            }.map { block in
                Finding(
                    rule: "document", place: path, location: "\(path):\(block.line)",
                    message:
                        "this block is in no compiled file, line for line; copy it from one, or add it to one")
            }
        }
    }

    /// The blocks that begin with ```swift or another of the kinds. A line `// …` divides one.
    private func blocks(of text: String, _ kinds: [String]) -> [Block] {
        var blocks: [Block] = []
        var block: Block?
        func end() {
            if let ended = block, !ended.lines.isEmpty { blocks.append(ended) }
            block = nil
        }
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let bare = Self.bare(line)
            if block == nil {
                if kinds.contains(where: { bare.hasPrefix("```" + $0) }) { block = Block(line: index + 1) }
            } else if bare.hasPrefix("```") {
                end()
            } else if bare == "// …" {
                end()
                block = Block(line: index + 1)
            } else if !bare.isEmpty {
                block?.lines.append(bare)
            }
        }
        return blocks
    }

    private static func bare(_ line: Substring) -> Substring {
        let start = line.drop { $0 == " " || $0 == "\t" }
        guard let end = start.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return "" }
        return start[...end]
    }
}
