import Foundation
import SillokStarter
import SillokTerminal
import Testing

@testable import SillokCLI

/// `sillok new` without a build: `scripts/ten-minutes` builds, tests and runs what it writes.
@Suite("New packages")
struct NewCommandTests {
    private let folder = TemporaryFolder()
    private let example = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Examples/5-Starter")

    private func files(_ name: String, _ origin: StarterPackage.Origin = .path("/sillok")) throws -> [String: String] {
        Dictionary(uniqueKeysWithValues: try StarterPackage(name, from: origin).files.map { ($0.path, $0.text) })
    }

    private func example(_ path: String) throws -> String {
        try String(contentsOf: example.appending(path: path), encoding: .utf8)
    }

    @Test("a package has the files of the example, under its own name")
    func contents() throws {
        let files = try files("book-shop")
        #expect(files.count == 8)
        #expect(files["Sources/book-shop/Account.swift"] == (try example("Program/Account.swift")))
        #expect(files["Sources/book-shop/Balances.swift"] == (try example("Program/Balances.swift")))
        let program = try example("Program/main.swift").replacing("starter", with: "book-shop")
        #expect(files["Sources/book-shop/main.swift"] == program)
        for name in ["AccountTests.swift", "BalancesTests.swift"] {
            let tests = try example("Tests/\(name)").replacing("import Starter", with: "import book_shop")
            #expect(files["Tests/book-shopTests/\(name)"] == tests)
        }
        #expect(files["README.md"]?.contains("swift run book-shop open 42 Ada") == true)
        #expect(files[".gitignore"]?.contains("*.sqlite") == true)
        #expect(files.values.allSatisfy { !$0.lowercased().contains("starter") })
    }

    @Test("the manifest names the package, its targets, and where Sillok is")
    func manifest() throws {
        let local = try #require(try files("book-shop", .path(#"/a "b"\c"#))["Package.swift"])
        #expect(local.contains(#"name: "book-shop","#) && local.contains(#"name: "book-shopTests","#))
        #expect(local.contains(#".package(name: "sillok", path: "/a \"b\"\\c")"#))
        #expect(local.contains(#".product(name: "Sillok", package: "sillok")"#))
        let forked = try #require(
            try files("shop", .url("git@example.org:ada/My-Sillok.git", version: "0.1.0"))["Package.swift"])
        #expect(
            forked.contains(
                #".package(url: "git@example.org:ada/My-Sillok.git", .upToNextMinor(from: "0.1.0"))"#))
        #expect(forked.contains(#".product(name: "SillokTesting", package: "my-sillok")"#))
        #expect(!forked.contains(#"package: "sillok""#))
    }

    @Test(
        "a wrong name is refused, and nothing is written",
        arguments: [
            "", "1shop", "-shop", "a b", "a/b", "..", "책방", "class", "Testing", "SillokShop", "starter", "a\u{1b}b",
        ])
    func names(name: String) async {
        let ending = await sillok("new", "--", name)
        #expect(ending.status == 64)
        #expect(ending.errors.contains("a package cannot have this name"), "\(ending.errors)")
        #expect(!FileManager.default.fileExists(atPath: "Sources/\(name)/Account.swift"))
    }

    @Test("an existing folder or file is kept, and the new one is complete")
    func existing() throws {
        let files = [(path: "a/b/c.txt", text: "1"), (path: "d.txt", text: "2")]
        try NewFolder("shop", in: folder.path).write(files)
        #expect(try folder.text("shop/a/b/c.txt") == "1" && folder.text("shop/d.txt") == "2")
        try folder.write("mine", to: "file")
        for name in ["shop", "file"] {
            let failure = #expect(throws: CommandFailure.self) {
                try NewFolder(name, in: folder.path).write([(path: "d.txt", text: "3")])
            }
            #expect(failure?.status == .conflict)
            #expect(failure?.message == "\(name) already exists in this folder; nothing was written")
        }
        #expect(try folder.text("shop/d.txt") == "2" && folder.text("file") == "mine")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["file", "shop"])
    }

    @Test("nothing is left of a folder that cannot be written completely")
    func halves() throws {
        let failure = #expect(throws: CommandFailure.self) {
            try NewFolder("shop", in: folder.path).write([(path: "a", text: "1"), (path: "a/b", text: "2")])
        }
        #expect(failure?.status == .ioFailure)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        try folder.write("", to: "file")
        let unwritable = #expect(throws: CommandFailure.self) {
            try NewFolder("shop", in: folder("file")).write([(path: "a", text: "1")])
        }
        #expect(unwritable?.status == .ioFailure)
        #expect(unwritable?.message.hasPrefix("the package shop cannot be written here: ") == true)
    }

    @Test("without an option Sillok is the checkout that built the program, and a missing one is named")
    func origins() throws {
        guard case .path(let path) = try NewFolder.origin(nil) else {
            Issue.record("not a path")
            return
        }
        #expect(FileManager.default.fileExists(atPath: path + "/Examples/5-Starter/Program/main.swift"))
        let gone = #expect(throws: CommandFailure.self) {
            try NewFolder.origin(nil, builtFrom: "/gone/Sources/SillokCLI/Starting/NewCommand.swift")
        }
        #expect(gone?.message == "the checkout from which this program was built is no longer at /gone")
        #expect(gone?.hint?.contains("--sillok PATH") == true)
        let foreign = #expect(throws: CommandFailure.self) { try NewFolder.origin(folder.path) }
        #expect(foreign?.status == .notFound && foreign?.message.contains("is not a checkout of Sillok") == true)
    }
}
