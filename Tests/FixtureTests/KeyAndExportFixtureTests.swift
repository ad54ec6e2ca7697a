import Foundation
import SillokAccess
import SillokProjections
import SillokSQLite
import SillokTerminal
import Testing

@testable import SillokCLI

/// The keys of a server, and an export.
@Suite("fixtures of 0672aac: keys and an export")
struct KeyAndExportFixtureTests {
    private let files: FixtureCopy

    init() throws { files = try FixtureCopy() }

    @Test("fixtures of 0672aac: the keys open what they opened, the revoked and the expired one nothing")
    func keys() async throws {
        let texts = Dictionary(
            uniqueKeysWithValues: try Fixtures.text("keys.txt").split(separator: "\n").map { line in
                let parts = line.split(separator: " ")
                return (String(parts[0]), String(parts[1]))
            })
        let log = try SQLiteEventStore(path: files("bank.store-access"))
        let keyring = Keyring(log: log)
        try await keyring.load()
        func key(_ name: String) -> AccessKey? { texts[name].flatMap { keyring.key(provedBy: $0) } }
        #expect(texts.count == 4 && keyring.keys.map(\.name) == ["administrator", "reader", "expired", "revoked"])
        #expect(key("administrator")?.grant.scopes == [.admin, .append, .read, .subscribe])
        #expect(key("reader")?.grant.scopes == [.read])
        #expect(key("reader")?.grant.resources.map(\.description) == ["account-*"])
        #expect(key("expired") == nil && key("revoked") == nil)
        #expect(try await keyring.acts().map(\.action) == ["revokeKey"] + Array(repeating: "createKey", count: 4))

        // The same log takes more keys and revocations.
        let made = try await keyring.create("later", Grant([.read], on: [ResourcePattern("*")]), by: "test")
        #expect(keyring.key(provedBy: made.secret.revealed)?.id == made.key.id)
        let reader = try #require(key("reader"))
        #expect(try await keyring.revoke(reader.id, by: "test"))
        #expect(try await log.verify().isSound)
        await log.close()
        let again = try SQLiteEventStore(path: files("bank.store-access"), mode: .readOnly)
        let reloaded = Keyring(log: again)
        try await reloaded.load()
        #expect(reloaded.keys.filter { $0.revoked == nil }.map(\.name) == ["administrator", "expired", "later"])
        await again.close()
    }

    @Test("fixtures of 0672aac: the command line lists and revokes the keys")
    func command() async throws {
        let listed = await sillok("keys", "list", files("bank.store"), "--json")
        #expect(listed.status == 0 && listed.lines.count == 4, "\(listed)")
        let id = try #require(listed.lines.first { $0.contains("\"reader\"") }?.split(separator: "\"")[3])
        #expect(await sillok("keys", "revoke", files("bank.store"), String(id)).status == 0)
    }

    @Test("fixtures of 0672aac: the import of the export has the same log as the store, and exports the same")
    func export() async throws {
        let imported = await sillok("import", files("imported.store"), files("bank.jsonl"), "--json")
        #expect(imported.status == 0 && imported.output.contains(#""keepsPositions":true"#), "\(imported)")
        let (store, copy) = (
            try SQLiteEventStore(path: files("bank.store")), try SQLiteEventStore(path: files("imported.store"))
        )
        let (events, copied) = (try await store.everything(), try await copy.everything())
        #expect(events.map(\.data) == copied.map(\.data))
        #expect(events.map(\.stream) == copied.map(\.stream) && events.map(\.revision) == copied.map(\.revision))
        #expect(events.map(\.recordedAt) == copied.map(\.recordedAt))
        // An import records its own progress instead of that in the other log.
        #expect(copied.allSatisfy { $0.tracking?.source.text.hasPrefix("import:") == true })
        #expect(try await copy.verify().isSound)
        await copy.close()
        await store.close()
        #expect(await sillok("export", files("imported.store"), files("again.jsonl")).status == 0)
        let again = try String(contentsOfFile: files("again.jsonl"), encoding: .utf8)
        #expect(again == (try Fixtures.text("bank.jsonl")))
    }
}

/// How a command ended and what it printed.
struct Ending {
    let status: Int32
    let output: String
    let errors: String

    var lines: [String] { output.split(separator: "\n").map(String.init) }
}

/// Runs a command line in this process.
func sillok(_ arguments: String...) async -> Ending {
    let console = Console(output: Output(), errors: Output())
    let status = await Console.$current.withValue(console) { await SillokCommand.run(arguments) }
    return Ending(status: status, output: console.output.text, errors: console.errors.text)
}
