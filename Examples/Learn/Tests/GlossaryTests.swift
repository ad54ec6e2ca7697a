import Foundation
import Testing

@Suite struct GlossaryTests {
    @Test func `each name in the glossary is declared in the sources, and each word has both languages`() throws {
        let text = try String(contentsOf: Page.root.appending(path: "docs/learn/glossary.md"), encoding: .utf8)
        let rows = text.components(separatedBy: "\n").filter { $0.hasPrefix("| ") }.map { row in
            row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }.filter { $0.first != "English" }
        #expect(rows.count > 50)
        let declared = try Self.declarations()
        for row in rows {
            #expect(row.count == 5 && row.allSatisfy { !$0.isEmpty }, "\(row)")
            for name in Self.names(in: row.last ?? "") { #expect(declared.contains(name), "\(name) is not declared") }
        }
    }

    /// The names of the code in backticks, without types around them and without arguments. Commands and streams are no
    /// such names.
    private static func names(in cell: String) -> [String] {
        cell.components(separatedBy: "`").enumerated().compactMap { index, part in
            guard index % 2 == 1, !part.contains(" "), !part.contains("…") else { return nil }
            return part.prefix { $0 != "(" }.split(separator: ".").last.map(String.init)
        }
    }

    /// The names that follow a keyword of a declaration in a file of `Sources`.
    private static func declarations() throws -> Set<String> {
        let keywords: Set<Substring> = [
            "struct", "class", "enum", "protocol", "func", "case", "var", "let", "associatedtype",
        ]
        let files = FileManager.default.enumerator(
            at: Page.root.appending(path: "Sources"), includingPropertiesForKeys: nil)
        var names: Set<String> = []
        while let file = files?.nextObject() as? URL {
            guard file.pathExtension == "swift" else { continue }
            let words = try String(contentsOf: file, encoding: .utf8).split { $0.isWhitespace }
            for (keyword, name) in zip(words, words.dropFirst()) where keywords.contains(keyword) {
                names.insert(String(name.prefix { $0.isLetter || $0.isNumber || $0 == "_" }))
            }
        }
        return names
    }
}
