import Foundation
import Testing

/// Runs the commands of the learning pages, and compares what they print with what the pages show.
///
/// With `SILLOK_RECORD=1` the printed lines are written into the pages of both languages instead.
@Suite("The learning pages", .timeLimit(.minutes(2)))
struct PageTests {
    @Test("a page shows what its programs print", arguments: Page.all)
    func output(_ page: Page) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for command in page.commands {
            let printed = try await Execution.output(of: command.text, in: folder)
            if matches(printed[...], command.output[...]) { continue }
            if ProcessInfo.processInfo.environment["SILLOK_RECORD"] == "1" {
                try record(printed, of: command, in: page)
            } else {
                Issue.record(
                    """
                    \(page.file.lastPathComponent):\(command.line): `\(command.text)` prints
                    \(printed.joined(separator: "\n"))
                    and the page shows
                    \(command.output.joined(separator: "\n"))
                    """)
            }
        }
    }

    /// Replaces the output of a command, which is the same text in both languages.
    private func record(_ printed: [String], of command: Page.Command, in page: Page) throws {
        let name = page.file.lastPathComponent
        let korean = page.file.deletingLastPathComponent().appending(path: "ko/" + name)
        func block(_ output: [String]) -> String { (["$ " + command.text] + output).joined(separator: "\n") + "\n" }
        for file in [page.file, korean] where FileManager.default.fileExists(atPath: file.path) {
            let text = try String(contentsOf: file, encoding: .utf8)
            try text.replacing(block(command.output), with: block(printed), maxReplacements: 1)
                .write(to: file, atomically: true, encoding: .utf8)
        }
    }

    @Test("an output that differs in one letter, one line or the order of lines is found")
    func differences() {
        let printed = ["revision 1", "revision 2", "took 12 ms"]
        #expect(matches(printed[...], ["revision 1", "revision 2", "took … ms"]))
        #expect(matches(printed[...], ["…", "took … ms"]))
        #expect(matches(printed[...], ["revision 1", "…"]))
        #expect(!matches(printed[...], ["revision 1", "revision 3", "took … ms"]))
        #expect(!matches(printed[...], ["revision 2", "revision 1", "took … ms"]))
        #expect(!matches(printed[...], ["revision 1", "revision 2"]))
        #expect(!matches(printed[...], ["revision 1", "revision 2", "took … s"]))
    }

    @Test("the commands of a page are read from its console blocks")
    func commands() {
        let text = "text\n```console\n$ swift run Bank\n1 opened\n$ cat a\n```\n```swift\n$ no\n```\n"
        let page = Page(URL(filePath: "/a.md"), text: text)
        #expect(page.commands.map(\.text) == ["swift run Bank", "cat a"])
        #expect(page.commands.map(\.output) == [["1 opened"], []])
        #expect(page.commands.map(\.line) == [3, 5])
    }
}
