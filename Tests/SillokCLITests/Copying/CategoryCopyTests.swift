import Foundation
import Sillok
import SillokTestSupport
import Testing

@testable import SillokCLI

@Suite("Copying one category", .timeLimit(.minutes(10)))
struct CategoryCopyTests {
    let folder = TemporaryFolder()

    private static let servers: [String] = {
        #if Postgres
        let server = ProcessInfo.processInfo.environment["SILLOK_POSTGRES"] ?? ""
        return server.isEmpty ? [] : [server]
        #else
        return []
        #endif
    }()

    /// Appends events of three categories to streams of random lengths.
    private func fill(_ place: String, events: Int, _ random: inout SeededNumbers) async throws {
        var entries: [AppendRequest.Entry] = []
        for _ in 0..<events {
            let category = ["order", "item", "orders"].randomElement(using: &random) ?? "order"
            let event = EventData(
                id: EventID(high: random.next(), low: random.next()), type: "noted", tags: ["t:\(category)"],
                metadata: Metadata(), contentType: .json, payload: Array("\(random.next())".utf8))
            entries.append(
                .init(stream: StreamID("\(category)-\(Int.random(in: 0..<200, using: &random))"), event: event))
        }
        try await StoreArgument(place: place).writing { store in
            while !entries.isEmpty {
                _ = try await store.append(AppendRequest(Array(entries.prefix(500))))
                entries.removeFirst(min(500, entries.count))
            }
        }
    }

    private func events(_ place: String, of category: StreamCategory) async throws -> [RecordedEvent] {
        try await StoreArgument(place: place).reading { store in
            var events: [RecordedEvent] = []
            for try await batch in store.pages(.category(category)) { events += batch.events }
            return events
        }
    }

    /// Compares everything but the positions.
    private func isSame(_ copies: [RecordedEvent], as originals: [RecordedEvent], times: Bool = true) -> Bool {
        copies.count == originals.count
            && zip(copies, originals).allSatisfy { copy, original in
                copy.data == original.data && copy.stream == original.stream && copy.revision == original.revision
                    && (!times || copy.recordedAt == original.recordedAt)
            }
    }

    /// Kills copies at random times, and completes the last one. Returns how many were killed.
    private func copyKilled(_ from: String, _ to: String, _ random: inout SeededNumbers) async throws -> Int {
        var kills = 0
        for attempt in 0..<60 {
            let command = try BuiltCommand(["copy", "--category", "order", from, to], in: folder)
            if attempt < 12 {
                try await Task.sleep(for: .milliseconds(Int.random(in: 20...(attempt < 6 ? 200 : 600), using: &random)))
                kill(command.process.processIdentifier, SIGKILL)
            }
            let ending = try await command.ending()
            if ending.status == 0 { return kills }
            // The server may still see the connection of a killed copy, and the append that it was sending.
            #expect(ending.status < 0 || ending.status == 2, "\(ending)")
            kills += 1
        }
        Issue.record("the copy was not completed")
        return kills
    }

    @Test("a copy that is killed at random points and repeated loses, doubles and reorders nothing")
    func killed() async throws {
        var random = SeededNumbers()
        let name = UUID().uuidString.prefix(8)
        var places = [folder("a.sqlite"), folder("b.sillok"), folder("c.sqlite")]
        for server in Self.servers { places += [server + "#copy_\(name)", folder("d.sillok")] }
        try await fill(places[0], events: 9000, &random)
        let originals = try await events(places[0], of: "order")
        for (from, to) in zip(places, places.dropFirst()) {
            let kills = try await copyKilled(from, to, &random)
            print("\(kills) copies to \(to) were killed")
            #expect(isSame(try await events(to, of: "order"), as: originals))
            #expect(try await events(to, of: "orders").isEmpty)
            let again = await sillok("copy", "--category", "order", from, to, "--json")
            #expect(again.output.contains(#""copied":0"#) && again.output.contains(#""isBehind":false"#), "\(again)")
            #expect((await sillok("verify", to)).status == 0)
        }
    }

    @Test("a copy takes what was recorded since, and says where the readers of the copy continue")
    func continues() async throws {
        var random = SeededNumbers()
        let (from, to) = (folder("a.sqlite"), folder("b.sillok"))
        try await fill(from, events: 300, &random)
        #expect(await sillok("copy", "--category", "order", from, to).status == 0)
        try await fill(from, events: 300, &random)
        let second = await sillok("copy", "--category", "order", from, to)
        let copies = try await events(to, of: "order")
        #expect(isSame(copies, as: try await events(from, of: "order")))
        let last = try #require(copies.last)
        #expect(second.output.contains("the last is at \(last.position)@\(last.id) in TO"), "\(second.output)")
        #expect(second.output.contains("streams have the same number of events"), "\(second.output)")
    }

    @Test("a target that writers have used, a reserved category and later events are refused, and --restamp is not")
    func refuses() async throws {
        var random = SeededNumbers()
        let (from, to, used) = (folder("a.sqlite"), folder("b.sqlite"), folder("c.sqlite"))
        try await fill(from, events: 300, &random)
        try await fill(used, events: 30, &random)
        #expect(await sillok("copy", "--category", "order", from, used).status == 2)
        #expect(await sillok("copy", "--category", "process:x", from, to).status == 64)
        #expect(await sillok("copy", "--restamp", from, to).status == 64)
        _ = await sillok("append", to, "item-1", "--type", "noted", "--data", "{}")
        let later = await sillok("copy", "--category", "order", from, to)
        #expect(later.status == 65 && later.errors.contains("--restamp"), "\(later)")
        let restamped = await sillok("copy", "--category", "order", "--restamp", from, to)
        #expect(restamped.status == 0, "\(restamped)")
        #expect(isSame(try await events(to, of: "order"), as: try await events(from, of: "order"), times: false))
        _ = await sillok("append", to, "order-1", "--type", "noted", "--data", "{}")
        let switched = await sillok("copy", "--category", "order", "--restamp", from, to)
        #expect(switched.status == 2 && switched.errors.contains("FROM does not have"), "\(switched)")
    }
}
