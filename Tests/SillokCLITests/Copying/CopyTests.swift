import Foundation
import Sillok
import SillokLog
import SillokSQLite
import Testing

@testable import SillokCLI

#if Postgres
/// The server of the tests, started by `scripts/test`; empty if there is none.
private let postgresServer = ProcessInfo.processInfo.environment["SILLOK_POSTGRES"] ?? ""
#endif

@Suite("Copying a log")
struct CopyTests {
    let folder = TemporaryFolder()

    /// Random events, some of them tracked; `count` more than there are.
    private func fill(_ path: String, count: Int, _ random: SeededNumbers) async throws {
        let store = try SQLiteEventStore(path: path)
        var events = RandomEvents(random: random)
        for step in 0..<count / 10 {
            let head = try await store.head().value
            let entries = (0..<10).map { _ in events.next() }.map { entry in
                var entry = entry
                entry.recordedAt = nil
                return entry
            }
            _ = try await store.append(
                AppendRequest(
                    entries, tracking: step % 4 == 0 ? Tracking(source: "queue", position: head + 1) : nil))
        }
        await store.close()
    }

    private func events(_ path: String) async throws -> [RecordedEvent] {
        try await StoreArgument(place: path).reading { store in
            var events: [RecordedEvent] = []
            for try await batch in store.pages(.all) { events += batch.events }
            return events
        }
    }

    @Test("the readable events of a damaged folder are copied, and every command says that it is damaged")
    func salvages() async throws {
        let (source, target) = (folder("a.sillok"), folder("b.sillok"))
        let log = try LogEventStore(path: source, mode: .create, tuning: .tiny)
        for number in 0..<200 {
            _ = try await log.append([EventData(type: "noted", text: "\(number)")], to: StreamID("s-\(number % 3)"))
        }
        await log.close()
        try FileManager.default.removeItem(atPath: source + "/log/00000000000000000002.seg")
        let damaged = try LogEventStore(path: source, mode: .salvage)
        let loss = try #require(damaged.damage?.losses.first)
        let lost = Int(try #require(loss.last).value - loss.first.value) + 1
        await damaged.close()
        for arguments in [["read", source], ["export", source], ["verify", source]] {
            let result = await sillok(arguments)
            #expect(result.status != 0 && result.errors.contains("damaged"), "\(arguments): \(result.errors)")
        }
        let read = await sillok("read", source)
        #expect(read.output.split(separator: "\n").count >= Int(loss.first.value) - 1)
        #expect(read.errors.contains("after position \(loss.last ?? 0)"))
        let stat = await sillok("stat", source)
        #expect(stat.status == 0 && stat.errors.contains("damaged"), "\(stat.errors)")
        let copied = await sillok("copy", "--salvage", source, target)
        #expect(copied.status == 1 && copied.output.contains("lost: \(loss)"), "\(copied.output) \(copied.errors)")
        #expect(try await events(target).count == 200 - lost)
        #expect((await sillok("verify", target)).status == 0)
        #expect((await sillok("copy", "--salvage", source, target)).status != 1)
        #expect((await sillok("copy", "--salvage", target, folder("c.sillok"))).status == 0)
    }

    @Test("a copy has the same events, is gone on with, and is refused where other events are")
    func copies() async throws {
        let random = SeededNumbers()
        let (a, b) = (folder("a.sqlite"), folder("b.sqlite"))
        try await fill(a, count: 2500, random)
        let first = await sillok("copy", a, b, "--json")
        #expect(first.status == 0, "\(first.errors)")
        #expect(first.output.contains(#""copied":2500"#))
        #expect(try await events(a) == events(b))
        try await fill(a, count: 500, SeededNumbers(seed: random.seed &+ 1))
        let second = await sillok("copy", a, b)
        #expect(second.output.contains("copied 500 events up to position 3000; both logs are the same"))
        #expect(try await events(a) == events(b))
        try await fill(b, count: 10, SeededNumbers(seed: random.seed &+ 2))
        #expect(await sillok("copy", a, b).status == 2)
        #expect(await sillok("copy", a, a).status == 64)
        #expect(await sillok("copy", folder("none"), b).status == 66)
    }

    #if Postgres
    @Test("from a file to a server, back, and all commands there", .enabled(if: !postgresServer.isEmpty))
    func throughServer() async throws {
        let place = postgresServer + "#cli_\(UUID().uuidString.prefix(8))"
        let (a, b) = (folder("a.sqlite"), folder("b.sqlite"))
        try await fill(a, count: 1500, SeededNumbers())
        for (from, to) in [(a, place), (place, b)] {
            let ending = await sillok("copy", from, to)
            #expect(ending.status == 0, "\(ending.errors)")
        }
        let original = try await events(a)
        #expect(try await events(b) == original)
        #expect(try await events(place) == original)
        let sound = await sillok("verify", place, "--chain", "--json")
        #expect(sound.output.contains(#""sound":true"#), "\(sound)")
        #expect(await sillok("append", place, "zz-1", "--type", "noted", "--data", "{}").status == 0)
        let read = await sillok("read", place, "--stream", "zz-1", "--json")
        #expect(read.lines.count == 1, "\(read)")
        let stat = await sillok("stat", place)
        #expect(stat.lines.contains { $0.hasPrefix("size") && !$0.hasPrefix("size     0") }, "\(stat)")
        #expect(await sillok("copy", place, b).status == 0)
        #expect(await sillok("export", b, folder("b.jsonl")).status == 0)
    }
    #endif
}
