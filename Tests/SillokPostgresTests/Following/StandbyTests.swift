#if Postgres && os(Linux)
import Foundation
import Sillok
import SillokService
import SillokTestSupport
import Testing

@testable import SillokPostgres

/// A standby refuses LISTEN, and nothing notifies it. A reader must be woken all the same.
@Suite("PostgreSQL: waiting for events on a standby", .serialized, .enabled(if: TestServer.isThere))
struct StandbyTests {
    /// A primary and a standby that streams from it, for as long as `body` runs.
    private func withPair(
        _ body: (_ primary: String, _ standby: String, _ folder: URL) async throws -> Void
    ) async throws {
        let folder = try Programs.serverFolder()
        let (primary, standby) = (folder.appending(path: "1").path, folder.appending(path: "2").path)
        let result: Result<Void, any Error>
        do {
            try Programs.server("start", primary, "wal_level = replica", "hot_standby = on", "max_wal_senders = 5")
            try Programs.server("standby", standby, primary, "standby")
            result = .success(try await body(Self.address(primary), Self.address(standby), folder))
        } catch { result = .failure(error) }
        for server in [standby, primary] { _ = try? Programs.server("stop", server) }
        try FileManager.default.removeItem(at: folder)
        try result.get()
    }

    private static func address(_ hosts: String...) -> String {
        "postgres:///postgres?host=\(hosts.joined(separator: ","))&user=sillok"
    }

    /// Fails if the reader is not woken within 30 s.
    private func wait(_ reader: PostgresEventStore, for position: Position) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await reader.reach(position, for: .all)
                return true
            }
            group.addTask {
                try await Task.sleep(for: .seconds(30))
                return false
            }
            let isWoken = try await group.next()
            group.cancelAll()
            try #require(isWoken == true, "the reader was not woken for \(position)")
        }
    }

    /// The processes that serve the listeners of a server, by what they executed last.
    private func listeners(at address: String, executing text: String) throws -> [String] {
        let rows = try TestServer.run(
            """
            SELECT pid FROM pg_stat_activity
            WHERE application_name = 'sillok' AND query LIKE '%\(text)%' AND pid <> pg_backend_pid() ORDER BY pid
            """, at: address + "&target_session_attrs=any")
        return (0..<rows.count).map { rows.text($0, 0) }
    }

    @Test("a reader of a standby is woken, keeps its connection, and listens after the promotion")
    func standby() async throws {
        try await withPair { primary, standby, folder in
            let writer = try await PostgresEventStore(primary)
            try await writer.append([note("first")])
            let reader = try await eventuallyOpened(standby)
            try await wait(reader, for: writer.append([note("0")]).position)
            let before = try listeners(at: standby, executing: "pg_is_in_recovery")
            let start = ContinuousClock.now
            for number in 1...10 { try await wait(reader, for: writer.append([note("\(number)")]).position) }
            print("10 events on a standby, each after a wake-up: \(start.duration(to: .now))")
            #expect(before.count == 1)
            #expect(try listeners(at: standby, executing: "pg_is_in_recovery") == before)
            await writer.close()
            try Programs.server("kill", folder.appending(path: "1").path)
            try Programs.server("promote", folder.appending(path: "2").path)
            let next = try await PostgresEventStore(standby)
            try await wait(reader, for: next.append([note("after the promotion")]).position)
            await next.close()
            await reader.close()
        }
    }

    /// A store for reading, as soon as the standby has the schema.
    private func eventuallyOpened(_ standby: String) async throws -> PostgresEventStore {
        let end = ContinuousClock.now + .seconds(30)
        while true {
            do {
                return try await PostgresEventStore(standby, mode: .readOnly)
            } catch let error as StoreError where error.code == .notFound && ContinuousClock.now < end {
                await Task.yield()
            }
        }
    }

    @Test("a replica says how many events it is behind, and for how long; without its primary only the time")
    func lag() async throws {
        try await withPair { primary, standby, folder in
            let writer = try await PostgresEventStore(primary, timeout: .seconds(1))
            try await writer.append([note("0")])
            let replica = try await eventuallyOpened(standby)
            let watch = ReplicaWatch(of: replica) { try await writer.head() }
            #expect(watch.lag == ReplicaLag(events: nil, time: nil))
            try await running({ try await watch.run() }) {
                #expect(try await eventually { watch.lag == ReplicaLag(events: 0, time: .zero) })
                _ = try TestServer.run("SELECT pg_wal_replay_pause()", at: standby + "&target_session_attrs=any")
                let start = ContinuousClock.now
                for number in 1...5 { try await writer.append([note("\(number)")]) }
                #expect(try await eventually { watch.lag.events == 5 && watch.lag.time ?? .zero > .seconds(2) })
                #expect(watch.lag.time ?? .zero < start.duration(to: .now) + .seconds(5))
                #expect(try await replica.head() == 1)
                _ = try TestServer.run("SELECT pg_wal_replay_resume()", at: standby + "&target_session_attrs=any")
                #expect(try await eventually { watch.lag == ReplicaLag(events: 0, time: .zero) })
                try Programs.server("kill", folder.appending(path: "1").path)
                #expect(try await eventually { watch.lag.events == nil && watch.lag.time ?? .zero > .seconds(3) })
            }
            await replica.close()
            await writer.close()
        }
    }

    @Test("a store that writes listens at the primary, although a standby is the first host")
    func firstHost() async throws {
        try await withPair { primary, standby, folder in
            let hosts = Self.address(folder.appending(path: "2").path, folder.appending(path: "1").path)
            let (writer, reader) = (try await PostgresEventStore(primary), try await PostgresEventStore(hosts))
            for number in 0..<5 { try await wait(reader, for: writer.append([note("\(number)")]).position) }
            #expect(try listeners(at: standby, executing: "").isEmpty)
            await reader.close()
            await writer.close()
        }
    }
}
#endif
