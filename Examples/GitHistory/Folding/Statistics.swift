import Sillok

/// What was recorded, counted in one pass over the log.
struct Statistics: Sendable {
    private(set) var events = 0
    private(set) var types: [EventType: Int] = [:]
    private(set) var commitsByAuthor: [String: Int] = [:]
    private(set) var changesByPath: [GitPath: Int] = [:]

    init(of store: any EventStore) async throws {
        let coding = EventCoding<CommitHistory.Event>()
        for try await page in store.pages(.category(CommitStream.category)) {
            for event in page.events {
                events += 1
                types[event.type, default: 0] += 1
                for fact in try coding.decode(event) { count(fact, by: event.metadata.actor ?? "") }
            }
        }
    }

    private mutating func count(_ event: CommitHistory.Event, by author: String) {
        switch event {
        case .commitRecorded: commitsByAuthor[author, default: 0] += 1
        case .fileAdded(let path, _, _), .fileModified(let path, _, _), .fileDeleted(let path),
            .fileRenamed(_, let path, _, _):
            changesByPath[path, default: 0] += 1
        }
    }

    /// The report of `git-history stats`.
    func report(top count: Int) -> String {
        var lines = ["\(commitsByAuthor.values.reduce(0, +)) commits, \(events) events"]
        lines += Self.top(types.map { ($0.key.text, $0.value) }, types.count)
        lines += ["", "top authors by commits"] + Self.top(commitsByAuthor.map { ($0.key, $0.value) }, count)
        lines += ["", "top files by changes"] + Self.top(changesByPath.map { ($0.key.text, $0.value) }, count)
        return lines.joined(separator: "\n")
    }

    private static func top(_ counts: [(name: String, count: Int)], _ limit: Int) -> [String] {
        let sorted = counts.sorted { ($1.count, $0.name) < ($0.count, $1.name) }.prefix(limit)
        let width = sorted.first.map { String($0.count).count } ?? 0
        return sorted.map { item in
            let count = String(item.count)
            return "  " + String(repeating: " ", count: width - count.count) + count + "  " + item.name
        }
    }
}
