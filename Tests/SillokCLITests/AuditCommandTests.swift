import Foundation
import Sillok
import SillokSQLite
import Testing

@testable import SillokCLI

@Suite("Audit and tamper evidence")
struct AuditCommandTests {
    private let folder = TemporaryFolder()
    private var store: String { folder("bank.sqlite") }

    private func fill(_ count: Int = 5) async {
        for number in 1...count {
            _ = await sillok(
                "append", store, "account-1", "--type", "deposited", "--data", "{\"note\":\"number \(number)\"}",
                "--actor",
                number.isMultiple(of: 2) ? "ada" : "grace", "--reason", "reason \(number)")
        }
    }

    /// Changes some bytes of the closed store.
    private func alter(_ text: String, to other: String) throws {
        var bytes = try Data(contentsOf: URL(fileURLWithPath: store))
        let place = try #require(bytes.range(of: Data(text.utf8)))
        bytes.replaceSubrange(place, with: Data(other.utf8))
        try bytes.write(to: URL(fileURLWithPath: store))
    }

    @Test("verify --chain reports on the chain in text and in JSON, and names altered events")
    func verify() async throws {
        await fill()
        let sound = await sillok("verify", store, "--chain")
        #expect(sound.status == 0)
        #expect(sound.lines.first == "sound: 5 events in 1 streams")
        #expect(sound.lines.last?.hasPrefix("chain intact: 5 events, link ") == true)
        #expect(
            await sillok("verify", store, "--chain", "--json").output.contains(#""chain":{"intact":true,"start":1"#))
        try alter("number 3", to: "number 4")
        let damaged = await sillok("verify", store, "--chain")
        #expect(damaged.status == 1)
        #expect(damaged.output.contains("chain broken: 5 events, 1 findings\n  position 3:"))
    }

    @Test("a store without a chain is reported as such")
    func without() async throws {
        let opened = try SQLiteEventStore(path: store, keepsChain: false)
        await opened.close()
        let ending = await sillok("verify", store, "--chain")
        #expect(ending.status == 1)
        #expect(ending.errors.contains("keeps no hash chain"))
    }

    @Test("a head is signed with a key that only its owner can read, and checked against the store")
    func heads() async throws {
        await fill()
        let key = folder("audit.key")
        #expect(await sillok("head", "make-key", key).status == 0)
        #expect(await sillok("head", "make-key", key).status == 64)
        let mode = try FileManager.default.attributesOfItem(atPath: key)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let head = folder("bank.head")
        #expect(await sillok("head", "sign", store, head, "--key", key, "--marks", "4").status == 0)
        #expect(try folder.text("bank.head").hasPrefix("sillok head 1\nstore "))
        let intact = await sillok("head", "check", store, head, "--key", key + ".pub")
        #expect(intact.status == 0, "\(intact.errors)")
        #expect(intact.output.hasPrefix("intact: 5 events up to position 5, signed "))
        let publicKey = try folder.text("audit.key.pub").trimmingCharacters(in: .newlines)
        #expect(
            await sillok("head", "check", store, head, "--key", publicKey, "--json").output.contains(#""intact":true"#))
        #expect(await sillok("head", "make-key", folder("other.key")).status == 0)
        let foreign = await sillok("head", "check", store, head, "--key", folder("other.key.pub"))
        #expect(foreign.status == 65)
        #expect(foreign.errors.contains("not signed with the key"))
        try alter("number 3", to: "number 4")
        let altered = await sillok("head", "check", store, head, "--key", publicKey)
        #expect(altered.status == 1)
        #expect(altered.output.contains("\n  position 3:"))
        #expect(await sillok("head", "sign", store, "--key", key).status == 1)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key)
        let open = await sillok("head", "sign", store, "--key", key)
        #expect(open.status == 65)
        #expect(open.errors.contains("chmod 600"))
        try folder.write("sillok head 2", to: "wrong.head")
        #expect(await sillok("head", "check", store, folder("wrong.head"), "--key", publicKey).status == 65)
        #expect(await sillok("head", "check", store, head, "--key", "12").status == 66)
    }

    @Test("audit shows who, what, when and why")
    func audit() async throws {
        await fill()
        let all = await sillok("audit", store)
        try #require(all.lines.count == 6)
        #expect(all.lines[0].contains("WHO") && all.lines[0].contains("WHY"))
        #expect(
            all.lines[2].contains("ada") && all.lines[2].contains("account-1@2") && all.lines[2].contains("reason 2"))
        #expect(await sillok("audit", store, "--actor", "ada").lines.count == 3)
        #expect(
            await sillok("audit", store, "--actor", "ada", "--json", "--backwards", "--limit", "1").lines.count == 1)
        #expect(
            await sillok("audit", store, "--actor", "ada", "--json", "--after", "2").output
                .contains(#""type":"deposited","actor":"ada","reason":"reason 4"}"#))
        let none = await sillok("audit", store, "--actor", "nobody")
        #expect(none.status == 0 && none.output.isEmpty && none.errors.contains("no event matches"))
        #expect(await sillok("audit", store, "--command", "x").status == 64)
    }

    @Test("audit --causes-of draws the tree of an event")
    func causes() async throws {
        let log = try SQLiteEventStore(path: store)
        let command = CommandID()
        let first = EventID(high: command.high, low: command.low)
        func append(_ id: EventID, _ metadata: Metadata) async throws {
            try await log.append([EventData(id: id, type: "done", metadata: metadata, text: "{}")], to: "a-1")
        }
        try await append(
            first, Metadata(actor: "ada", causationID: "\(command)", commandID: command, reason: "asked for"))
        let second = CommandID()
        try await append(EventID(), Metadata(causationID: "\(first)", commandID: second))
        try await append(EventID(), Metadata(causationID: "\(command)", commandID: command))
        await log.close()
        for place in ["2", "\(first)"] {
            let ending = await sillok("audit", store, "--causes-of", place)
            #expect(ending.status == 0, "\(ending.errors)")
            let lines = ending.lines.map { $0.replacing(#/  \d{4}-\S+ \S+Z/#, with: "") }
            #expect(
                lines.map { $0.replacing("  ◀", with: "") } == [
                    "command \(command) by ada: asked for", "├─ 1  done  a-1@1", "│  └─ command \(second)",
                    "│     └─ 2  done  a-1@2", "└─ 3  done  a-1@3",
                ])
            #expect(lines.filter { $0.hasSuffix("◀") }.count == 1)
        }
        let json = await sillok("audit", store, "--causes-of", "3", "--json")
        #expect(json.lines.count == 5)
        #expect(json.lines[0] == #"{"depth":0,"command":"\#(command)"}"#)
        #expect(await sillok("audit", store, "--causes-of", "4").status == 66)
        #expect(await sillok("audit", store, "--causes-of", "x").status == 64)
    }
}
