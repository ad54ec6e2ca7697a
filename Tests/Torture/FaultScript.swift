import SillokCore

/// A short life of a store, from its creation to two checkpoints, in which one call to the disk fails.
///
/// The script continues after any failure. Then it opens the store again, checks it, settles unknown outcomes, and
/// checks it again.
struct FaultScript {
    private let path: String
    private let logPath: String
    private let log: AckLog
    private let seed: UInt64
    private var findings = Findings()
    private var number = 0

    init(path: String, logPath: String, seed: UInt64) throws {
        self.path = path
        self.logPath = logPath
        self.seed = seed
        log = try AckLog(logPath)
    }

    /// What is wrong.
    mutating func run() async throws -> Findings {
        for _ in 0..<2 { await live() }
        try await check()
        // The fault may be here; it is but one.
        let (store, writers) = try (try? open()) ?? open()
        await writers.settle(try History(logPath))
        await write(8, writers)
        await store.close()
        try await check()
        print(findings.report())
        for fault in try History(logPath).faults { print("# fault: \(fault)") }
        if let stopped = try History(logPath).stopped { print("stopped-us \(stopped)") }
        return findings
    }

    private func open() throws -> (TorturePlace.Store, Writers) {
        let store = try openStore(path, log, checkpointPages: 40)
        return (store, Writers(store: store.store, log: log, seed: seed))
    }

    /// From opening to closing, with appends before and after a checkpoint while it is open.
    private mutating func live() async {
        do {
            let (store, writers) = try open()
            await write(12, writers)
            await read(store)
            await write(12, writers)
            await read(store)
            await store.close()
        } catch let error as StoreError {
            // It could not be opened, and says so in the words of the contract.
            print("# could not be opened: \(error.code)")
        } catch {
            findings.add(.untyped, "opening: \(error)")
        }
    }

    private mutating func write(_ count: Int, _ writers: Writers) async {
        for _ in 0..<count {
            var random = SeededGenerator(seed, UInt64(number))
            await writers.step(RequestKey(writer: 0, number: number), &random)
            number += 1
        }
    }

    /// Expects that reads work after any failure and return every acknowledged event.
    private mutating func read(_ store: TorturePlace.Store) async {
        do {
            let acknowledged = try History(logPath).highestAcknowledged
            var position = Position.start
            for try await page in store.store.pages(.all) {
                for event in page.events {
                    if event.position != position.next { findings.add(.unread, "\(event.position) after \(position)") }
                    position = event.position
                }
            }
            if position < acknowledged { findings.add(.unread, "read up to \(position) of \(acknowledged)") }
        } catch {
            findings.add(.unread, "a read failed: \(error)")
        }
    }

    private mutating func check() async throws {
        let place = TorturePlace(path)
        let first = try? await place.store(for: .reading)
        let store = if let first { first } else { try await place.store(for: .reading) }
        var check = LogCheck(try History(logPath), seed: seed)
        try await check.run(store, withVerify: true)
        await store.close()
        findings.add(check.findings)
    }
}
