#if Postgres
import Foundation
import Sillok
import SillokChain
import SillokPostgres

/// A reader that asks for the head of the log again and again.
struct Reader: Sendable {
    let name: String
    let address: String
    let store: PostgresEventStore
    let history: HistoryFile
    let pause: Duration

    func run() async {
        while !Task.isCancelled {
            let sent = microseconds()
            if let head = try? await store.head() {
                history.write("read \(address) \(sent) \(microseconds()) \(head.value)")
            }
            try? await Task.sleep(for: pause)
        }
    }
}

/// A subscriber that notes position, id and link of every event that it sees.
struct Subscriber: Sendable {
    let name: String
    let isReplica: Bool
    let store: PostgresEventStore
    let history: HistoryFile
    /// Whether it resumes after a mark. Without it, a subscriber does not notice that the log is another one: a bug.
    let checksMark: Bool

    func run() async {
        var mark = EventMark.start
        while !Task.isCancelled {
            do { try await follow(&mark) } catch let error as StoreError where error.code == .storeChanged {
                history.write("changed \(name) \(microseconds()) \(mark.position.value)")
                mark = .start
            } catch is CancellationError { return } catch {
                history.write("lost \(name) \(microseconds()) \(mark.position.value)")
            }
            try? await Task.sleep(for: .milliseconds(100))
        }
    }

    private func follow(_ mark: inout EventMark) async throws {
        guard checksMark else {
            while true {
                let batch = try await store.read(.all, after: mark.position)
                try await note(batch)
                if !batch.events.isEmpty { mark = batch.mark }
                if batch.isEnd { try await Task.sleep(for: .milliseconds(200)) }
            }
        }
        for try await batch in store.subscribe(to: .all, resumingAfter: mark, pollInterval: .seconds(1)) {
            try await note(batch)
            mark = batch.mark
        }
    }

    private func note(_ batch: EventBatch) async throws {
        guard let first = batch.events.first, let last = batch.events.last else { return }
        let time = microseconds()
        let count = Int(last.position.value - first.position.value) + 1
        let links = try await store.links(after: Position(first.position.value - 1), limit: count)
        let digests = Dictionary(links.map { ($0.position, $0.digest.description) }) { first, _ in first }
        let lines = batch.events.map {
            "saw \(name) \(time) \($0.position.value) \($0.id) \((digests[$0.position] ?? "none").prefix(16))"
        }
        history.write(lines.joined(separator: "\n"))
    }
}

/// A writer and a reader for each database host, next to the proxy.
enum Nailed {
    static func run(_ words: Words) async throws {
        let folder = try words.text("folder")
        let history = try HistoryFile("\(folder)/nailed.history")
        let settling = try await PostgresEventStore(try words.text("primary"), mode: .existing)
        let (isOver, finished) = (Flag("\(folder)/over"), Flag("\(folder)/finished"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for host in ["db1", "db2", "db3"] {
                let address = try words.text(host)
                group.addTask { await write(host, address, settling, history, until: isOver) }
                group.addTask { await read(host, address, history) }
            }
            while !finished.isSet { try await Task.sleep(for: .milliseconds(200)) }
            // A call to a frozen host may last for long.
            exit(0)
        }
    }

    private static func write(
        _ host: String, _ address: String, _ settling: PostgresEventStore, _ history: HistoryFile, until isOver: Flag
    ) async {
        while !isOver.isSet {
            if let store = try? await PostgresEventStore(address, mode: .existing, timeout: .seconds(2), readers: 1) {
                await Writer(
                    name: "nailed_\(host)", address: host, kind: .single, store: store, settling: settling,
                    history: history, pause: .milliseconds(500), plant: .init()
                ).run(until: isOver)
            }
            try? await Task.sleep(for: .milliseconds(500))
        }
        history.write("left \(host)")
    }

    private static func read(_ host: String, _ address: String, _ history: HistoryFile) async {
        while true {
            if let store = try? await PostgresEventStore(address, mode: .readOnly, timeout: .seconds(2), readers: 1) {
                await Reader(name: host, address: host, store: store, history: history, pause: .milliseconds(250)).run()
            }
            try? await Task.sleep(for: .milliseconds(500))
        }
    }
}
#endif
