#if Postgres
import Foundation
import Sillok
import SillokPostgres

/// Writers of one process, each with streams of its own, that append until the time is over.
struct Writing: Sendable {
    let connection: String
    let schema: String
    let seed: UInt64
    let writers: Int
    let seconds: Double

    /// Prints `acknowledged COUNT failed COUNT` at the end, and before it a line `id position` for each append.
    func run() async throws {
        let store = try await PostgresEventStore(connection, schema: schema, mode: .existing)
        let end = ContinuousClock.now + .seconds(seconds)
        let results = try await withThrowingTaskGroup(of: (lines: [String], failed: Int).self) { group in
            for writer in 0..<writers { group.addTask { try await write(store, writer, until: end) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let lines = results.flatMap(\.lines)
        let failed = results.reduce(0) { $0 + $1.failed }
        print((lines + ["acknowledged \(lines.count) failed \(failed)"]).joined(separator: "\n"))
        await store.close()
    }

    /// Each append is repeated, with the same ids, until it is acknowledged.
    private func write(
        _ store: PostgresEventStore, _ writer: Int, until end: ContinuousClock.Instant
    ) async throws -> (lines: [String], failed: Int) {
        var lines: [String] = []
        var (failed, number) = (0, 0)
        while ContinuousClock.now < end {
            number += 1
            let stream = StreamID("writer", "\(seed)_\(writer)_\(number % 3)")
            let events = (0...number % 3).map { EventData(type: "written", text: "{\"n\":\(number),\"part\":\($0)}") }
            while true {
                do {
                    let receipt = try await store.append(events, to: stream)
                    lines.append("\(events[0].id) \(receipt.firstPosition)")
                    break
                } catch {
                    guard error.failure != nil else { throw error }
                    failed += 1
                }
            }
        }
        return (lines, failed)
    }
}
#endif
