import Foundation
import Sillok
import SillokSQLite
import SillokWire
import Testing

@testable import SillokCLI

@Suite("Export and import")
struct RoundTripTests {
    let folder = TemporaryFolder()

    /// Fills a store with random events in appends of random size, some of them tracked.
    private func fill(_ path: String, count: Int, _ random: SeededNumbers) async throws -> [AppendRequest.Entry] {
        let store = try SQLiteEventStore(path: path, mode: .create)
        var events = RandomEvents(random: random)
        var all: [AppendRequest.Entry] = []
        while all.count < count {
            let entries = (0..<Int.random(in: 1...40, using: &events.random)).map { _ in events.next() }
            let tracking =
                Int.random(in: 0..<5, using: &events.random) == 0
                ? Tracking(source: "queue", position: UInt64(all.count + 1)) : nil
            _ = try await store.append(AppendRequest(entries, tracking: tracking))
            all += entries
        }
        await store.close()
        return all
    }

    @Test("an export imported into a new store exports as the same bytes")
    func identity() async throws {
        let entries = try await fill(folder("a.sqlite"), count: 3000, SeededNumbers())
        #expect(await sillok("export", folder("a.sqlite"), folder("a.jsonl")).status == 0)
        let ending = await sillok("import", folder("b.sqlite"), folder("a.jsonl"), "--json")
        #expect(ending.status == 0, "\(ending.errors)")
        #expect(ending.output.contains(#""keepsPositions":true"#))
        #expect(await sillok("export", folder("b.sqlite"), folder("b.jsonl")).status == 0)
        let (a, b) = (try folder.text("a.jsonl"), try folder.text("b.jsonl"))
        #expect(a.utf8.elementsEqual(b.utf8))

        let copy = try SQLiteEventStore(path: folder("b.sqlite"), mode: .readOnly)
        var index = 0
        for try await event in copy.pages(.all).events {
            #expect(event.data == entries[index].event)
            #expect(event.stream == entries[index].stream)
            #expect(event.recordedAt == entries[index].recordedAt)
            index += 1
        }
        #expect(index == entries.count)
        await copy.close()
        #expect(await sillok("verify", folder("b.sqlite")).status == 0)
    }

    @Test("importing again records nothing twice, and a longer export adds the new events")
    func exactlyOnce() async throws {
        let random = SeededNumbers()
        _ = try await fill(folder("a.sqlite"), count: 1500, random)
        _ = await sillok("export", folder("a.sqlite"), folder("a.jsonl"))
        _ = await sillok("import", folder("b.sqlite"), folder("a.jsonl"))
        let lines = try folder.text("a.jsonl").utf8.count { $0 == 0x0A }
        let again = await sillok("import", folder("b.sqlite"), folder("a.jsonl"))
        #expect(
            again.output.hasPrefix(
                "imported 0 events, \(lines.formatted(.number.locale(.init(identifier: "en")))) were there"))
        let late = #"{"amount":1}"#
        #expect(await sillok("append", folder("a.sqlite"), "new-1", "--type", "late", "--data", late).status == 0)
        #expect(
            await sillok("export", folder("a.sqlite"), folder("a.jsonl"), "--resume", "--json").output
                == "{\"exported\":1,\"position\":\(lines + 1)}\n")
        #expect(await sillok("import", folder("b.sqlite"), folder("a.jsonl")).output.hasPrefix("imported 1 events"))
        _ = await sillok("export", folder("b.sqlite"), folder("b.jsonl"))
        #expect(try folder.text("a.jsonl").utf8.elementsEqual(try folder.text("b.jsonl").utf8))
    }

    @Test("a filtered export first, then the whole one: nothing is lost and nothing is recorded twice")
    func filtered() async throws {
        let random = SeededNumbers()
        _ = try await fill(folder("a.sqlite"), count: 1200, random)
        _ = await sillok("export", folder("a.sqlite"), folder("a.jsonl"))
        let lines = try folder.text("a.jsonl").split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        let part = lines.enumerated().filter { $0.offset % 3 == 0 || $0.offset == lines.count - 1 }.map(\.element)
        try folder.write(part.joined(separator: "\n"), to: "part.jsonl")
        #expect(await sillok("import", folder("b.sqlite"), folder("part.jsonl"), "--restamp").status == 0)
        let ending = await sillok("import", folder("b.sqlite"), folder("a.jsonl"), "--restamp", "--json")
        #expect(ending.status == 0, "\(ending.errors)")
        #expect(
            ending.output.contains(
                "\"imported\":\(lines.count - part.count),\"alreadyThere\":\(part.count),\"keepsPositions\":false"))
        let copy = try SQLiteEventStore(path: folder("b.sqlite"), mode: .readOnly)
        #expect(try await copy.head().value == UInt64(lines.count))
        await copy.close()
        #expect(await sillok("read", folder("b.sqlite"), "--json").lines.count == lines.count)
    }

    @Test("an import that ends at any point continues where it stopped")
    func resume() async throws {
        var random = SeededNumbers()
        _ = try await fill(folder("a.sqlite"), count: 2500, random)
        _ = await sillok("export", folder("a.sqlite"), folder("a.jsonl"))
        let text = try folder.text("a.jsonl")
        for _ in 0..<4 {
            let cut = Int.random(in: 0...text.utf8.count, using: &random)
            try folder.write(String(decoding: text.utf8.prefix(cut), as: UTF8.self), to: "cut.jsonl")
            let ending = await sillok("import", folder("b.sqlite"), folder("cut.jsonl"))
            #expect(ending.status == 0 || ending.status == 65)
        }
        #expect(await sillok("import", folder("b.sqlite"), folder("a.jsonl")).status == 0)
        _ = await sillok("export", folder("b.sqlite"), folder("b.jsonl"))
        #expect(text.utf8.elementsEqual(try folder.text("b.jsonl").utf8))
    }

    @Test("an export that was cut anywhere is finished by --resume")
    func resumeExport() async throws {
        var random = SeededNumbers()
        _ = try await fill(folder("a.sqlite"), count: 800, random)
        _ = await sillok("export", folder("a.sqlite"), folder("a.jsonl"))
        let text = Array(try folder.text("a.jsonl").utf8)
        for cut in [0, 1, text.count - 1, text.count]
            + (0..<20).map({ _ in Int.random(in: 0..<text.count, using: &random) })
        {
            try Data(text[..<cut]).write(to: URL(fileURLWithPath: folder("cut.jsonl")))
            let ending = await sillok("export", folder("a.sqlite"), "--resume", folder("cut.jsonl"))
            #expect(ending.status == 0, "\(ending.errors)")
            #expect(try folder.text("cut.jsonl").utf8.elementsEqual(text))
        }
    }

    @Test("a damaged line stops with its number; all lines before it are there and none after it")
    func damagedLine() async throws {
        _ = try await fill(folder("a.sqlite"), count: 300, SeededNumbers(seed: 7))
        _ = await sillok("export", folder("a.sqlite"), folder("a.jsonl"))
        let lines = try folder.text("a.jsonl").split(separator: "\n").map(String.init)
        var event = lines[122]
        let damages: [(String, String)] = [
            (String(event.dropLast(3)), "the JSON"), ("[1]", "not an object"), ("nonsense", "unexpected byte"),
            (event.replacing(#""specversion":"1.0""#, with: #""specversion":"0.3""#), "specversion"),
            (event.replacing(#""id":""#, with: #""id":1,"x":""#), "\"id\" is not a string"),
            (event.replacing(#","position""#, with: #","unknown":1.5,"position""#), "not a string, a whole number"),
            (event.replacing(#""type":""#, with: #""type":"\u0000"#), "control character"),
            (lines[5].replacing(#""type":""#, with: #""type":"other "#), "other contents"),
        ]
        for (index, (line, reason)) in damages.enumerated() {
            event = line
            try folder.write((lines[..<122] + [event] + lines[123...]).joined(separator: "\n"), to: "bad.jsonl")
            let ending = await sillok("import", folder("\(index).sqlite"), folder("bad.jsonl"))
            #expect(ending.status == (reason == "other contents" ? 2 : 65), "\(ending.errors)")
            #expect(ending.errors.contains("bad.jsonl, line 123: "), "\(ending.errors)")
            #expect(ending.errors.contains(reason), "\(ending.errors)")
            let store = try SQLiteEventStore(path: folder("\(index).sqlite"), mode: .readOnly)
            #expect(try await store.head() == 122)
            await store.close()
        }
        #expect(await sillok("import", folder("0.sqlite"), folder("a.jsonl")).status == 0)
        _ = await sillok("export", folder("0.sqlite"), folder("b.jsonl"))
        #expect(try folder.text("a.jsonl").utf8.elementsEqual(try folder.text("b.jsonl").utf8))
    }

    @Test("a time that runs backwards names its line, and --restamp takes the clock")
    func backwards() async throws {
        _ = try await fill(folder("a.sqlite"), count: 10, SeededNumbers(seed: 1))
        _ = await sillok("export", folder("a.sqlite"), folder("a.jsonl"))
        _ = await sillok("append", folder("b.sqlite"), "x-1", "--type", "t", "--data", "1")
        let refused = await sillok("import", folder("b.sqlite"), folder("a.jsonl"))
        #expect(refused.status == 65)
        #expect(refused.errors.contains("line 1: ") && refused.errors.contains("--restamp"))
        #expect(await sillok("import", folder("b.sqlite"), folder("a.jsonl"), "--restamp").status == 0)
    }

    @Test("Base64 gives back every byte, and takes no second text for a value")
    func base64() throws {
        var random = SeededNumbers()
        for count in 0..<70 {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            let text = Base64.text(of: bytes)
            #expect(text == Data(bytes).base64EncodedString())
            #expect(Base64.bytes(of: text) == bytes)
        }
        for text in ["A", "AA", "AAA", "A===", "AA=A", "AB==", "AAB=", "AA==AA==", "A\nAA", "====", "AAA=\n", "é==="] {
            #expect(Base64.bytes(of: text) == nil, "\(text)")
        }
    }
}
