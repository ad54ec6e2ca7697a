import Foundation
import Sillok
import SillokSQLite
import Testing

@testable import SillokCLI

@Suite("Commands")
struct CommandTests {
    let folder = TemporaryFolder()
    var store: String { folder("bank.sqlite") }

    private func deposit(_ count: Int, on stream: String = "account-1") async {
        for number in 1...count {
            _ = await sillok("append", store, stream, "--type", "deposited", "--data", "{\"n\":\(number)}")
        }
    }

    @Test("append prints the place of the event, and repeating it with the same id records it once")
    func append() async throws {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057"
        for _ in 0..<2 {
            let ending = await sillok(
                "append", store, "account-1", "--type", "opened", "--data", "{}", "--id", id, "--meta", "a=b=c",
                "--actor", "ada")
            #expect(ending.status == 0)
            #expect(ending.output == "recorded opened at position 1, account-1@1\n")
        }
        let line = await sillok("read", store, "--json").output
        #expect(line.contains(#""metadata":{"actor":"ada","a":"b=c"},"data":{}}"#))
    }

    @Test("forged step: append refuses streams of reserved categories on every store, and stores nothing")
    func reserved() async throws {
        await deposit(1)
        for stream in ["process:checkout-42", "webhook:endpoint-1", "schedule:mail-1"] {
            for place in [store, folder("new.sqlite"), "sillok://127.0.0.1:1", "postgres://ada@127.0.0.1:1/none"] {
                let refused = await sillok("append", place, stream, "--type", "requestAccepted", "--data", "{}")
                #expect(refused.status == 64 && refused.errors.contains("\(stream) is reserved for the runners"))
            }
        }
        #expect(await sillok("read", folder("new.sqlite")).status == 66)
        #expect(await sillok("read", store, "--json").output.contains("requestAccepted") == false)
    }

    @Test("reserved: import and copy keep what runners recorded; import refuses it from another producer")
    func reservedCopies() async throws {
        let log = try SQLiteEventStore(path: store)
        try await log.append([EventData(type: "requestAccepted", text: "{}")], to: "process:checkout-42")
        let kept = try await log.read(.all).events
        await log.close()
        #expect(await sillok("export", store, folder("log.jsonl")).status == 0)
        #expect(await sillok("import", folder("restored.sqlite"), folder("log.jsonl")).status == 0)
        #expect(await sillok("copy", store, folder("copy.sqlite")).status == 0)
        for name in ["restored.sqlite", "copy.sqlite"] {
            let copy = try SQLiteEventStore(path: folder(name), mode: .readOnly)
            let found = try await copy.read(.all).events
            #expect(found.map(\.data) == kept.map(\.data) && found.map(\.stream) == kept.map(\.stream))
            #expect(found.map(\.recordedAt) == kept.map(\.recordedAt))
            await copy.close()
        }
        let line = #"{"specversion":"1.0","id":"1","source":"/shop","type":"t","subject":"process:checkout-42"}"#
        try folder.write(line, to: "foreign.jsonl")
        for arguments in [["foreign.jsonl"], ["log.jsonl", "--restamp"]] {
            let refused = await sillok(
                ["import", folder("other.sqlite"), folder(arguments[0])] + arguments.dropFirst())
            #expect(refused.status == 65 && refused.errors.contains("reserved for the runners"), "\(refused.errors)")
        }
    }

    @Test("each failure has its exit status, and its message says what to do")
    func statuses() async throws {
        await deposit(2)
        let conflict = await sillok("append", store, "account-1", "--type", "t", "--data", "1", "--expect", "0")
        #expect(conflict.status == 2)
        #expect(conflict.errors.contains("revision 2, expected 0"))
        #expect(await sillok("append", store, "s", "--type", "t", "--data", "{").status == 65)
        #expect(await sillok("append", store, "s", "--type", "", "--data", "1").status == 65)
        #expect(await sillok("append", store, "s\n", "--type", "t", "--data", "1").status == 65)
        #expect(await sillok("append", store, "s", "--type", "t", "--data-file", folder("none")).status == 66)
        #expect(await sillok("read", folder("none.sqlite")).status == 66)
        #expect(await sillok("read", store, "--after", "yesterday").status == 64)
        #expect(await sillok("read", store, "--from-revision", "2").status == 64)
        #expect(await sillok("append", store).status == 64)
        #expect(await sillok("nonsense").status == 64)
        #expect(await sillok("--help").status == 0)
        try folder.write("this is not a store, it is a text of some length", to: "text.sqlite")
        #expect(await sillok("read", folder("text.sqlite")).status == 69)
        let writer = try SQLiteEventStore(path: store, mode: .existing)
        let locked = await sillok("append", store, "s", "--type", "t", "--data", "1")
        #expect(locked.status == 75)
        #expect(await sillok("read", store).status == 0)
        await writer.close()
    }

    @Test("read takes every filter, both directions and bounds of each kind")
    func read() async throws {
        await deposit(3)
        await deposit(2, on: "shop-1")
        _ = await sillok("append", store, "--type", "noted", "--tag", "a:1", "--tag", "b:2", "--data", "null")
        func positions(_ arguments: String...) async -> [Int] {
            let ending = await sillok(["read", store, "--json"] + arguments)
            return ending.lines.compactMap { line in
                line.firstMatch(of: /"position":(\d+)/).flatMap { Int($0.1) }
            }
        }
        #expect(await positions() == [1, 2, 3, 4, 5, 6])
        #expect(await positions("--stream", "account-1", "--from-revision", "2") == [2, 3])
        #expect(await positions("--category", "shop", "--backwards") == [5, 4])
        #expect(await positions("--type", "noted", "--type", "other") == [6])
        #expect(await positions("--tag", "a:1", "--tag", "b:2") == [6])
        #expect(await positions("--tag", "a:1", "--tag", "c:3") == [])
        #expect(await positions("--after", "2", "--before", "5") == [3, 4])
        #expect(await positions("--backwards", "--limit", "2") == [6, 5])
        #expect(await positions("--after", "2100-01-01") == [])
        #expect(await positions("--before", "2100-01-01T00:00:00Z", "--limit", "1") == [1])
        #expect(await sillok("tail", store, "-n", "2", "--json").lines.count == 2)
        #expect(await sillok("tail", store, "-n", "2").lines.map { $0.prefix(1) } == ["5", "6"])
    }

    @Test("streams, stat and verify describe the store in text and in JSON")
    func facts() async throws {
        await deposit(3)
        await deposit(2, on: "shop-1")
        #expect(await sillok("streams", store).lines.count == 3)
        #expect(await sillok("streams", store, "--category", "shop", "--json").lines.count == 1)
        #expect(await sillok("stat", store, "--json").output.contains(#""head":5,"streams":2"#))
        #expect(await sillok("stat", store, "--quick").output.contains("events   5\n"))
        #expect(await sillok("verify", store).output == "sound: 5 events in 2 streams\n")
        #expect(
            await sillok("verify", store, "--json").output
                == "{\"sound\":true,\"events\":5,\"streams\":2,\"findings\":[]}\n")
    }

    @Test("verify answers 1 and names the place when a byte of an event has changed")
    func damage() async throws {
        _ = await sillok("append", store, "account-1", "--type", "opened", "--data", #"{"owner":"Ada Lovelace"}"#)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: store))
        let place = try #require(bytes.range(of: Data("Lovelace".utf8)))
        bytes[place.lowerBound] ^= 1
        try bytes.write(to: URL(fileURLWithPath: store))
        let ending = await sillok("verify", store)
        #expect(ending.status == 1)
        #expect(ending.output.contains("damaged") && ending.output.contains("position 1"))
    }

    @Test("what could act on a terminal is shown and not sent to it")
    func hostileText() async throws {
        _ = await sillok(
            "append", store, "a\u{202E}b", "--type", "t", "--content-type", "text/plain", "--data", "\u{1B}[2J\u{9B}\n")
        for ending in [await sillok("read", store, "--long"), await sillok("streams", store)] {
            #expect(!ending.output.unicodeScalars.contains { "\u{1B}\u{9B}\u{202E}".unicodeScalars.contains($0) })
            #expect(ending.output.contains(#"a\u{202e}b"#))
        }
    }

    @Test(
        "names are refused as what they are or read back byte for byte",
        arguments: [
            "", "\u{0}", "a\u{0}b", "a\r\nb", "..", "../../etc/passwd", "/", "%2F", "?", "#", "\u{202E}evil", "é",
            "e\u{301}",
            "\u{FEFF}", "'; DROP TABLE events; --", "🦆", " ", "\t", String(repeating: "n", count: 256),
            String(repeating: "n", count: 513), String(repeating: "é", count: 5000), "--", "\\", "\"", "{}", "*",
        ])
    func hostileNames(_ name: String) async throws {
        let ending = await sillok("append", store, "--type=\(name)", "--tag=\(name)", "--data", "{}", "--", name)
        let opened = try SQLiteEventStore(path: store)
        let events = try await opened.read(ReadRequest(.all)).events
        await opened.close()
        guard ending.status == 0 else {
            #expect([64, 65].contains(ending.status), "\(ending.errors)")
            return #expect(events == [])
        }
        let event = try #require(events.first)
        for text in [event.stream?.text, event.data.type.text, event.data.tags.first?.text] {
            #expect(text.map { Array($0.utf8) } == Array(name.utf8))
        }
        #expect(await sillok("read", store, "--stream=\(name)", "--json").lines.count == 1)
    }
}
