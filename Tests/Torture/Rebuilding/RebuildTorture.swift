import Foundation
import SillokCore
import SillokLog

/// A folder whose index is rebuilt while clients write to it, until the process is killed.
///
/// - `fill` writes until the folder has a number of events (MORE).
/// - `rebuild` opens the folder, prints the progress of the rebuild, and runs 32 writers until it is killed.
/// - `check-rebuilt` waits until the index is complete, and looks for every event by id, stream and tag.
struct RebuildTorture {
    static let verbs: Set = ["fill", "rebuild", "check-rebuilt"]

    let path: String
    let logPath: String
    let seed: UInt64

    func run(_ verb: String, _ more: String?) async throws -> Bool {
        switch verb {
        case "fill": return try await fill(more.flatMap(Int.init) ?? 0)
        case "rebuild":
            try await rebuild()
            return false
        default: return try await check()
        }
    }

    private func open(_ log: AckLog, _ progress: @escaping @Sendable (WorkProgress) -> Void) throws -> LogEventStore {
        log.write("B")
        let start = AckLog.now()
        var tuning = LogTuning()
        // Many batches, so that kills fall between them too.
        tuning.rebuiltEntries = 50_000
        let store = try LogEventStore(path: path, mode: .create, tuning: tuning, progress: progress)
        log.write("O \(AckLog.now() - start)")
        return store
    }

    private func fill(_ events: Int) async throws -> Bool {
        let log = try AckLog(logPath)
        let store = try open(log) { _ in }
        let stored = Lock(0)
        store.onCommit { commit in stored.withLock { $0 += commit.events } }
        await Writers(store: store, log: log, seed: seed)
            .run(from: 0, count: 32, until: { stored.withLock { $0 } >= events })
        await store.close()
        print("events \(stored.withLock { $0 })")
        return true
    }

    private func rebuild() async throws {
        let log = try AckLog(logPath)
        let history = try History(logPath)
        let store = try open(log) { progress in
            print("\(progress.step) \(progress.done * 100 / max(1, progress.total))")
            fflush(nil)
        }
        print("open")
        fflush(nil)
        let writers = Writers(store: store, log: log, seed: seed)
        await writers.settle(history)
        await writers.run(from: history.writers, count: 32)
    }

    private func check() async throws -> Bool {
        let store = try LogEventStore(path: path, mode: .existing)
        let wasBehind = store.indexRebuild != nil
        while store.indexRebuild != nil { try await Task.sleep(for: .milliseconds(20)) }
        var (findings, count) = (Findings(), 0)
        var (streams, tags): ([StreamID: [Position]], [EventTag: [Position]]) = ([:], [:])
        for try await page in store.pages(.all) {
            for event in page.events {
                count += 1
                if let stream = event.stream { streams[stream, default: []].append(event.position) }
                for tag in event.tags { tags[tag, default: []].append(event.position) }
                let found = try await store.event(event.id)
                if found != event { findings.add(.lost, "\(event.id) is not found at \(event.position)") }
            }
        }
        for (stream, positions) in streams {
            let found = try await positionsOf(EventQuery([.init(stream: stream)]), store)
            if found != positions { findings.add(.lost, "stream \(stream) has \(found.count) of \(positions.count)") }
        }
        for (tag, positions) in tags {
            let found = try await positionsOf(EventQuery([.init(tags: [tag])]), store)
            if found != positions { findings.add(.lost, "tag \(tag) has \(found.count) of \(positions.count)") }
        }
        for finding in try await store.verify().findings { findings.add(.gapped, "verify: \(finding)") }
        await store.close()
        print("found \(count)\nstreams \(streams.count)\ntags \(tags.count)\nbehind \(wasBehind ? 1 : 0)")
        print(findings.report())
        return findings.isEmpty
    }

    private func positionsOf(_ query: EventQuery, _ store: LogEventStore) async throws -> [Position] {
        var positions: [Position] = []
        for try await page in store.pages(query) { positions += page.events.map(\.position) }
        return positions
    }
}
