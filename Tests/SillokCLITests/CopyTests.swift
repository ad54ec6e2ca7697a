import Foundation
import Sillok
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
