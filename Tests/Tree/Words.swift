import Foundation

/// Words of the old dialect, which the writing rules replace, in comments, messages, texts and documents.
///
/// The rule finds places to read: a word may be right where it is. So each file has an amount of them that may only
/// fall.
struct Words: Rule {
    private static let patterns = [
        #"anew"#, #"so many(?! (?:as|that))"#, #"manieth"#, #"whoever"#, #"whatever"#, #"somebody"#, #"nobody"#,
        #"tells? (?:the|all|it|its|this|that|what|how)\b(?! (?:user|caller|client|reader))"#, #"(?:is|are|was) told"#,
        #"told (?:by|from|apart)"#, #"goes on(?! the)"#, #"go on(?! the)"#, #"carried out"#, #"carries out"#,
        #"those that are no more"#, #"takes? part"#, #"with all of its parts"#, #"as it is\b"#, #"as they are\b"#,
        #"beside (?:it|the|each|its)"#, #"beforehand"#, #"herewith"#, #"thereby"#, #"patience"#, #"rouse"#,
        #"wish(?:es|ed)?\b"#, #"one likes"#, #"lies? in"#, #"comes? to its end"#, #"by itself"#, #"there is to be"#,
        #"stands? (?:in|there|here|behind|before|where)"#,
    ]

    private let pattern = try? NSRegularExpression(
        pattern: #"\b(?:"# + patterns.joined(separator: "|") + ")", options: .caseInsensitive)

    func findings(_ tree: Tree) -> [Finding] {
        let swift = tree.swiftFiles("Sources", "Tests", "Examples", "Benchmarks").flatMap { file in
            file.prose.flatMap { findings($0.text, file.path, $0.line) }
        }
        let others = tree.texts.keys.sorted().filter { !$0.hasSuffix(".swift") && !$0.hasSuffix(".txt") }
        return swift
            + others.flatMap { path in
                (tree.texts[path] ?? "").split(separator: "\n", omittingEmptySubsequences: false).enumerated()
                    .flatMap { index, line in findings(String(line), path, index + 1) }
            }
    }

    private func findings(_ text: String, _ path: String, _ line: Int) -> [Finding] {
        let whole = NSRange(text.startIndex..., in: text)
        return (pattern?.matches(in: text, range: whole) ?? []).map { match in
            let word = Range(match.range, in: text).map { String(text[$0]) } ?? ""
            return Finding(
                rule: "words", place: path, location: "\(path):\(line)",
                message: "\"\(word)\" is a word of the old dialect; say it plainly, see CONTRIBUTING.md")
        }
    }
}
