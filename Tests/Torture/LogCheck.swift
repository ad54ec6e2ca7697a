import SillokChain
import SillokCore

/// Reads a whole store and compares it with what the clients saw.
struct LogCheck {
    private let history: History
    private let seed: UInt64
    private(set) var findings: Findings
    private(set) var events = 0
    private var stored: [RequestKey: Stored] = [:]
    private var revisions: [StreamID: Revision] = [:]
    private var lastWithTag: [EventTag: Position] = [:]
    private var lastRecorded: Timestamp?
    private var expected: TortureRequest?

    private struct Stored {
        let first: Position
        var indices: Set<Int> = []
        var last: Position
        let count: Int
    }

    init(_ history: History, seed: UInt64) {
        self.history = history
        self.seed = seed
        findings = history.findings
    }

    /// Checks every event, then every request, then lets the store check itself.
    mutating func run(_ opened: TorturePlace.Store, withVerify: Bool) async throws {
        let store = opened.store
        var position = Position.start
        for try await page in store.pages(.all) {
            for event in page.events {
                if event.position != position.next { findings.add(.gapped, "\(event.position) follows \(position)") }
                position = event.position
                check(event)
            }
        }
        for (key, attempts) in history.requests { check(key, attempts) }
        for (stream, revision) in revisions {
            let facts = try await store.stream(stream)
            if facts?.revision != revision {
                findings.add(.gapped, "\(stream) is known at \(facts?.revision ?? .none)")
            }
        }
        for finding in try await store.verifyChain()?.findings ?? [] { findings.add(.unchained, "chain: \(finding)") }
        guard withVerify else { return }
        for finding in try await opened.verify().findings { findings.add(.gapped, "verify: \(finding)") }
    }

    private mutating func check(_ event: RecordedEvent) {
        events += 1
        let revision = event.stream.map { (revisions[$0] ?? .none).next } ?? .none
        if event.revision != revision {
            findings.add(.gapped, "revision \(event.revision) at \(event.position), not \(revision)")
        }
        if let stream = event.stream { revisions[stream] = event.revision }
        if let lastRecorded, event.recordedAt < lastRecorded {
            findings.add(.reordered, "the time at \(event.position) is earlier than before")
        }
        lastRecorded = event.recordedAt
        checkBody(event)
        for tag in event.tags { lastWithTag[tag] = event.position }
    }

    private mutating func checkBody(_ event: RecordedEvent) {
        guard let body = TortureBody(event.payload), let attempts = history.requests[body.key] else {
            findings.add(.foreign, "no client wrote the event at \(event.position)")
            return
        }
        var known = stored[body.key] ?? Stored(first: event.position, last: event.position, count: body.count)
        guard known.indices.insert(body.index).inserted else {
            findings.add(.duplicated, "event \(body.index) of \(body.key) at \(event.position)")
            return
        }
        let isFirst = known.indices.count == 1
        if !isFirst && event.position != known.last.next { findings.add(.torn, "\(body.key) at \(event.position)") }
        if body.index != known.indices.count - 1 { findings.add(.reordered, "\(body.key) at \(event.position)") }
        known.last = event.position
        stored[body.key] = known
        if expected?.key != body.key {
            expected = TortureRequest(seed: seed, key: body.key, milliseconds: attempts.milliseconds)
        }
        guard let expected, body.index < expected.entries.count, event.data == expected.entries[body.index].event,
            event.stream == expected.entries[body.index].stream
        else {
            findings.add(.foreign, "the event at \(event.position) is not as \(body.key) wrote it")
            return
        }
        if isFirst { check(expected.subject, attempts.basis, event) }
    }

    /// Whether the condition of an append held where its first event stands.
    private mutating func check(_ subject: TortureRequest.Subject, _ basis: Basis, _ event: RecordedEvent) {
        switch (subject, basis) {
        case (.stream, .revision(let revision)) where event.revision != revision.next:
            findings.add(.unguarded, "revision \(event.revision) at \(event.position), decided at \(revision)")
        case (.tag(let tag), .since(let since)) where (lastWithTag[tag] ?? .start) > since:
            findings.add(.unguarded, "\(tag) at \(event.position), decided at \(since)")
        default: break
        }
    }

    private mutating func check(_ key: RequestKey, _ attempts: History.Attempts) {
        guard let stored = stored[key] else {
            if attempts.sawReceipt != nil {
                findings.add(.lost, "\(key), acknowledged at \(attempts.sawReceipt as Any)")
            }
            return
        }
        if stored.indices.count != stored.count { findings.add(.torn, "\(stored.indices.count) of \(key)") }
        if stored.first <= attempts.floor {
            findings.add(.reordered, "\(key) at \(stored.first), when \(attempts.floor) was acknowledged before")
        }
        if let receipt = attempts.sawReceipt, receipt != (stored.first, stored.last) {
            findings.add(.moved, "\(key) is at \(stored.first), its receipt says \(receipt.first)")
        }
        // With a receipt, a concurrent attempt of the same request stored it; the failed one did not lie.
        if case .definite(let code) = attempts.outcome, attempts.sawReceipt == nil {
            findings.add(.lying, "\(key) failed definitely (\(code)) and is at \(stored.first)")
        }
    }
}

/// Opens a store and lists its faults, as text for the parent process.
func checkStore(_ path: String, _ logPath: String, seed: UInt64, withVerify: Bool) async throws -> Findings {
    let history = try History(logPath)
    try await TorturePlace(path).settle()
    let opened = try await TorturePlace(path).store(for: .reading)
    let start = AckLog.now()
    var check = LogCheck(history, seed: seed)
    try await check.run(opened, withVerify: withVerify)
    await opened.close()
    print("events \(check.events)")
    print("requests \(history.requests.count)")
    print("acknowledged \(history.acknowledgements)")
    print("conflicts \(history.errors["conflict"] ?? 0)")
    print("openings \(history.openings.count)")
    print("slowest-opening-us \(history.openings.max() ?? 0)")
    print("check-us \(AckLog.now() - start)")
    if let stopped = history.stopped { print("stopped-us \(stopped)") }
    for fault in history.faults { print("# fault: \(fault)") }
    print(check.findings.report())
    return check.findings
}
