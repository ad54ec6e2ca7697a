import Foundation
import NIOCore
import NIOHPACK
import Sillok
import SillokClient
import SillokSQLite
import SillokServer
import SillokGRPC
import SillokTestSupport
import SillokWire
import Testing

/// Many abandoned calls, at a store whose writer is blocked.
@Suite(.serialized, .timeLimit(.minutes(10))) struct FloodTests {
    /// Memory of this process in bytes, without the pages of files such as its program; `nil` where the system does not
    /// say, or other tests run at the same time.
    private var residentBytes: Int? {
        guard ProcessInfo.processInfo.environment["SILLOK_ALONE"] != nil,
            let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("RssAnon:") })
        else { return nil }
        return line.split(separator: " ").compactMap { Int($0) }.first.map { $0 * 1024 }
    }

    @Test(
        "W6: a flood of abandoned appends holds no more memory than the queue may, and none of it is stored",
        .enabled(if: ProcessInfo.processInfo.environment["SILLOK_ALONE"] != nil, "SILLOK_ALONE=1: no other test runs"))
    func abandonedAppends() async throws {
        let folder = TemporaryFolder()
        var limits = Limits()
        limits.queueBytes = 8 << 20
        let store = try SQLiteEventStore(path: folder(), limits: limits)
        let gate = Lock((isReached: false, isOpen: false))
        store.onCommit { _ in
            gate.withLock { $0.isReached = true }
            gate.wait { $0.isOpen ? () : nil }
        }
        let first = Task { try await store.append([EventData(type: "first", text: "1")]) }
        defer {
            gate.withLock { $0.isOpen = true }
            gate.wakeAll()
        }
        while !gate.withLock({ $0.isReached }) {
            try Task.checkCancellation()
            await Task.yield()
        }
        let server = try await RunningServer(serving: store)
        let client = try await RawClient(port: server.port)
        // The client, which is also in this process, and the allocator need memory for one round, in addition to the
        // server. The other rounds may not exceed that by much.
        let before = try await flood(client, store, rounds: 1).peak.resident
        let (counts, peak) = try await flood(client, store, rounds: 10)
        gate.withLock { $0.isOpen = true }
        gate.wakeAll()
        _ = try await first.value
        #expect(counts[.resourceExhausted, default: 0] > 0, "the queue was never full: \(counts)")
        #expect(counts[.deadlineExceeded, default: 0] > 0)
        #expect(peak.queue <= limits.queueBytes)
        if let before, let resident = peak.resident {
            let growth = (resident - before) / (1 << 20)
            print("W6: a flood of 125 MiB at a queue of 8 MiB took \(growth) MiB more than one of 12.5 MiB")
            #expect(resident - before <= limits.queueBytes + 64_000_000)
        }
        #expect(store.queuedBytes == 0)
        #expect(try await store.append([EventData(type: "last", text: "1")]).position == 2)
        await client.close()
        await server.stop()
        await store.close()
    }

    /// Makes appends of 64 KiB, 200 in each round; each is given up after a moment.
    private func flood(
        _ client: RawClient, _ store: SQLiteEventStore, rounds: Int
    ) async throws -> (counts: [GRPCStatus.Code: Int], peak: (queue: Int, resident: Int?)) {
        let payload = [UInt8](repeating: 7, count: 64 << 10)
        var counts: [GRPCStatus.Code: Int] = [:]
        var peak: (queue: Int, resident: Int?) = (0, nil)
        for _ in 0..<rounds {
            var calls: [RawCall] = []
            for _ in 0..<200 {
                let event = EventData(type: "noted", payload: payload)
                let message = AppendRequest([.init(stream: nil, event: event)]).framed()
                calls.append(
                    try await client.call(
                        "/sillok.v1.EventStore/Append", message, headers: ["grpc-timeout": "300m"]))
            }
            for call in calls {
                peak.queue = max(peak.queue, store.queuedBytes)
                if let resident = residentBytes { peak.resident = max(peak.resident ?? 0, resident) }
                if let code = try await call.status()?.code { counts[code, default: 0] += 1 }
            }
        }
        return (counts, peak)
    }
}
