import SillokTesting
import Testing

@testable import git_history

@Suite struct GitPathTests {
    @Test(arguments: [
        ("src/main.swift", "src/main.swift", "src/main.swift"),
        ("a b\"c", "a b\"c", #""a b\"c""#),
        ("back\\slash", #"back\\slash"#, #""back\\slash""#),
        ("caf\u{e9}", "caf\u{e9}", #""caf\303\251""#),
        ("tab\there\u{7f}", #"tab\x09here\x7f"#, #""tab\there\177""#),
        ("\u{85}", #"\xc2\x85"#, #""\302\205""#),
    ]) func `a path has one text and git's quotes`(path: String, text: String, quoted: String) {
        let path = GitPath(bytes: path.utf8)
        #expect(path.text == text)
        #expect(path.quoted == Array(quoted.utf8))
        #expect(GitPath(text: text) == path)
    }

    @Test func `bytes that are not UTF-8 survive as escapes`() {
        let path = GitPath(bytes: [0x61, 0xFF, 0xC3, 0x2F, 0xED, 0xA0, 0x80, 0x5C, 0x78])
        #expect(path.text == #"a\xff\xc3/\xed\xa0\x80\\x"#)
        #expect(GitPath(text: path.text) == path)
    }

    @Test func `any bytes come back from their text`() {
        let seed = Environment.seed
        var random = SeededGenerator(seed: seed)
        for _ in 0..<20_000 {
            let alphabet: [UInt8] = [0x5C, 0x78, 0x61, 0x66, 0x30, 0xC3, 0xA9, 0xFF, 0xF0, 0x9F, 0x98, 0x80, 0x09]
            let bytes = (0..<Int.random(in: 1...12, using: &random)).map { _ in
                alphabet.randomElement(using: &random) ?? 0
            }
            #expect(GitPath(text: GitPath(bytes: bytes).text).bytes == bytes, "SILLOK_SEED=\(seed)")
        }
    }

    @Test func `paths that differ in their normal form are two`() {
        #expect(GitPath(text: "\u{e9}") != GitPath(text: "e\u{301}"))
    }
}
