import Foundation
import Testing

@testable import sillok_tree

@Suite("The rules of the tree")
struct RuleTests {
    private static let table = """
        | floor | target | what it is | imports | other modules |
        |---|---|---|---|---|
        | 3 | `SillokSQLite` | a store | `SillokCore` | CSQLite |
        | 3 | `SillokServer` | a server | `Sillok` `SillokCore` | |
        | 2 | `Sillok` | decide | `SillokCore` | Foundation |
        | 1 | `SillokCore` | words | | |
        """

    private func findings(_ rule: any Rule, _ texts: [String: String], tracked: [String] = []) -> [String] {
        rule.findings(Tree(texts, tracked: tracked)).map(\.description)
    }

    @Test("the project keeps to all rules")
    func tree() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let tree = try Tree(at: root)
        #expect(!tree.texts.isEmpty)
        for finding in Rules(tree).newFindings(in: tree) { Issue.record(Comment(rawValue: finding.description)) }
    }

    @Test("an arrow that the table does not allow is found where it is")
    func arrow() {
        let found = findings(
            Arrows(),
            [
                "ARCHITECTURE.md": Self.table,
                "Sources/SillokSQLite/Store.swift": "public import SillokCore\nimport SillokServer\nimport Glibc\n",
            ])
        #expect(found.count == 1)
        #expect(
            found.first?.hasPrefix("Sources/SillokSQLite/Store.swift:2: SillokSQLite may not import SillokServer;")
                == true)
    }

    @Test("a table that allows an arrow upwards, a sibling or a cycle is refused, and so is a target without a row")
    func table() {
        let rows = [
            "| 3 | `SillokSQLite` | a store | `SillokServer` | |", "| 3 | `SillokServer` | a server | | |",
            "| 2 | `Sillok` | decide | `SillokSQLite` `SillokSQL` | |", "| 2 | `SillokSQL` | rows | `Sillok` | |",
        ]
        let found = findings(
            Arrows(),
            ["ARCHITECTURE.md": rows.joined(separator: "\n"), "Sources/SillokNew/New.swift": "import Swift\n"])
        #expect(found.count == 5)
        for part in [
            "its sibling SillokServer", "floor 2 import SillokSQLite of floor 3", "imports Sillok in turn", "SillokNew",
        ] {
            #expect(found.contains { $0.contains(part) }, "\(part)")
        }
    }

    @Test("folders that use each other's names are found, each with the use")
    func cycle() {
        let found = findings(
            Cycles(),
            [
                "Sources/Sillok/Deciding/Handler.swift": "struct Handler {\n    let schema: Schema\n}\n",
                "Sources/Sillok/Evolving/Schema.swift": "struct Schema {}\nfunc check(_ one: Handler) {}\n",
                "Sources/Sillok/Storing/Store.swift": "// Schema\nlet text = \"Handler\"\nlet member = a.Handler\n",
            ])
        #expect(found.count == 2)
        #expect(found.first?.hasPrefix("Sources/Sillok/Deciding/Handler.swift:2:") == true)
        #expect(found.last?.hasPrefix("Sources/Sillok/Evolving/Schema.swift:2:") == true)
    }

    @Test("a function, a file, a folder, a line and a target over their limit are found")
    func limits() {
        func function(_ lines: Int) -> String {
            "func long(\n    _ text: String = \"}\"\n) -> Int {\n"
                + String(repeating: "    call { }\n", count: lines - 4) + "}\n"
        }
        #expect(findings(Limits(), ["Sources/Sillok/A.swift": function(45)]).isEmpty)
        let long = findings(Limits(), ["Sources/Sillok/A.swift": "\n" + function(46)])
        #expect(long.count == 1 && long[0].hasPrefix("Sources/Sillok/A.swift:2: long has 46 lines"))
        let file = findings(Limits(), ["Tests/A.swift": String(repeating: "\n", count: 401)])
        #expect(file.count == 1 && file[0].contains("401 lines"))
        let line = findings(Limits(), ["Tests/A.swift": "\n// " + String(repeating: "é", count: 118) + "\n"])
        #expect(line.count == 1 && line[0].hasPrefix("Tests/A.swift:2: "))
        let folder = findings(Limits(), Dictionary(uniqueKeysWithValues: (0..<13).map { ("Tests/A/\($0).swift", "") }))
        #expect(folder.count == 1 && folder[0].contains("13 Swift files"))
        var target = ["ARCHITECTURE.md": Self.table]
        for number in 0..<7 { target["Sources/Sillok/\(number).swift"] = String(repeating: "\n", count: 360) }
        #expect(findings(Limits(), target).contains { $0.contains("2520 lines") })
    }

    @Test("a word of the old dialect is found in a comment, a long text, a command's abstract and a document")
    func words() {
        let source = """
            /// Reads the page anew.
            struct Command {
                static let configuration = CommandConfiguration(abstract: "Whoever calls it reads.")
                let text = \"\"\"
                    Append it, \\(name) goes on.
                    \"\"\"
                let whoever = 1
            }
            """
        let found = findings(
            Words(), ["Sources/SillokCLI/Command.swift": source, "docs/a.md": "\nIt is carried out.\n"])
        #expect(
            found.map { $0.prefix { $0 != " " } } == [
                "Sources/SillokCLI/Command.swift:1:", "Sources/SillokCLI/Command.swift:3:",
                "Sources/SillokCLI/Command.swift:5:", "docs/a.md:2:",
            ])
        #expect(found.first?.contains("\"anew\"") == true)
    }

    @Test("a block of a document that differs from the code is found")
    func document() {
        let code = "struct Account {\n    let owner: String\n\n    let cents: Int\n}\n"
        let good = "Text\n```swift\nlet owner: String\nlet cents: Int\n// …\n}\n```\n"
        let bad = "Text\n```swift\nlet owner: String\nlet euros: Int\n```\n"
        #expect(findings(Documents(), ["Sources/A.swift": code, "README.md": good]).isEmpty)
        let found = findings(Documents(), ["Sources/A.swift": code, "README.md": bad])
        #expect(found.count == 1 && found[0].hasPrefix("README.md:2: "))
    }

    @Test("a learning page that is not complete, or differs from the page in the other language, is found")
    func page() {
        func text(_ code: String, picture: String, _ sections: [String]) -> String {
            (["# A page", "![a](\(picture))", "```swift", code, "```"] + sections).joined(separator: "\n")
                + String(repeating: "\ntext", count: 100)
        }
        let english = ["## What can go wrong", "## When not to"]
        let korean = ["## 무엇이 잘못될 수 있나", "## 언제 쓰지 말아야 하나"]
        let good = [
            "docs/learn/01-a.md": text("let a = 1", picture: "../pictures/a.svg", english),
            "docs/learn/ko/01-a.md": text("let a = 1", picture: "../../pictures/ko/a.svg", korean),
            "docs/pictures/a.txt": "title A",
        ]
        #expect(findings(Pages(), good).isEmpty)
        func changed(_ path: String, _ text: String?) -> [String] {
            findings(Pages(), good.merging([path: text ?? ""]) { $1 }.filter { !$0.value.isEmpty })
        }
        #expect(changed("docs/learn/ko/01-a.md", nil) == ["docs/learn/01-a.md:1: has no Korean page"])
        #expect(changed("docs/pictures/a.txt", nil).count == 2)
        let other = text("let a = 2", picture: "../../pictures/ko/a.svg", korean)
        #expect(
            changed("docs/learn/ko/01-a.md", other)
                == ["docs/learn/ko/01-a.md:3: differs from the English block of line 3"])
        #expect(changed("docs/learn/ko/01-a.md", text("let a = 1", picture: "a.svg", korean)).count == 1)
        #expect(changed("docs/learn/01-a.md", "# A page\n```json\n{}\n```\n").count == 8)
    }

    @Test("a line of a script or a style sheet that is too long is found")
    func asset() {
        let long = "let a = 1;\n" + String(repeating: "x", count: 121) + "\n"
        let found = findings(
            Limits(),
            [
                "Sources/SillokServer/Dashboard/Assets/a.js": long, "Sources/SillokServer/Dashboard/Assets/b.css": long,
                "Sources/SillokServer/Dashboard/Assets/c.js": String(repeating: "é", count: 120), "docs/d.js": long,
            ])
        #expect(
            found.map { $0.prefix { $0 != " " } } == [
                "Sources/SillokServer/Dashboard/Assets/a.js:2:", "Sources/SillokServer/Dashboard/Assets/b.css:2:",
            ])
    }

    @Test("tracked build products, code that ends the program, notes and unused inlining are found")
    func code() {
        let products = findings(
            Products(), [:], tracked: ["a/.build/x", "Package.resolved", "db.sqlite-wal", "Sources/A.swift"])
        #expect(products.count == 3)
        let source = "// TODO: later\nlet a = try! b()\nlet c = d as! E\npublic final class F: @unchecked Sendable {}\n"
        #expect(findings(Code(), ["Sources/Sillok/A.swift": source]).count == 4)
        let inlinable = "package struct A {\n    @inlinable package func b() {}\n}\n"
        #expect(findings(InlinableCode(), ["Sources/Sillok/A.swift": inlinable]).count == 1)
        #expect(findings(InlinableCode(), ["Sources/Sillok/A.swift": "@usableFromInline\n" + inlinable]).isEmpty)
    }

    @Test("a public name that Foundation or Testing has is found")
    func collision() {
        let found = findings(
            Collisions(),
            ["Sources/Sillok/A.swift": "public struct Measurement {}\nstruct Tag {}\npublic enum Order {}\n"])
        #expect(found.count == 1)
        #expect(found.first?.contains("Measurement is also in Foundation") == true)
    }

    @Test("places that were known when a rule came are accepted, and may not increase")
    func today() {
        let known = Rules(today: "# places\nwords 2 docs/a.md\n")
        let two = Tree(["docs/a.md": "anew\nanew\n"])
        let three = Tree(["docs/a.md": "anew\nanew anew\n", "docs/b.md": "anew\n"])
        #expect(known.newFindings(in: two, rules: [Words()]).isEmpty)
        let found = known.newFindings(in: three, rules: [Words()])
        #expect(found.count == 5)
        #expect(found.first?.message.hasPrefix("3 where Tests/Tree/today.txt allows 2") == true)
    }
}
