import Foundation
import SillokCore

/// Appends until the disk is full, reads, makes room, appends again: on one store that stays open.
struct FullDisk {
    private let path: String
    private let logPath: String
    private let seed: UInt64
    private let filler: String
    private let log: AckLog
    private var findings = Findings()
    private var number = 0

    init(path: String, logPath: String, seed: UInt64, filler: String) throws {
        self.path = path
        self.logPath = logPath
        self.seed = seed
        self.filler = filler
        log = try AckLog(logPath)
    }

    /// Whether nothing is wrong.
    mutating func run() async throws -> Bool {
        let store = try openStore(path, log, checkpointPages: 150)
        let writers = Writers(store: store.store, log: log, seed: seed)
        var failed = 0
        while failed < 20 && number < 100_000 { if await !write(writers) { failed += 1 } }
        let before = number
        if number == 100_000 { throw TortureFailure("the disk never was full") }
        try await read(store.store)
        try FileManager.default.removeItem(atPath: filler)
        var resumed = 0
        for _ in 0..<200 { if await write(writers) { resumed += 1 } }
        if resumed < 200 { findings.add(.refused, "\(200 - resumed) of 200 appends failed when there was room again") }
        try await read(store.store)
        await store.close()
        print("appends-until-full \(before - failed)\nrefused-when-full \(failed)\nresumed \(resumed)")
        return try await checkStore(path, logPath, seed: seed, withVerify: true).isEmpty && findings.isEmpty
    }

    /// One append without a condition; whether it was stored. When the disk is full it says so, definitely.
    private mutating func write(_ writers: Writers) async -> Bool {
        let request = TortureRequest(seed: seed, key: RequestKey(writer: 0, number: number), milliseconds: 1 << 40)
        number += 1
        log.tried(request, .none)
        do {
            let receipt = try await writers.store.append(AppendRequest(request.entries))
            log.acknowledged(request.key, receipt.firstPosition, receipt.position)
            return true
        } catch {
            log.failed(request.key, error)
            if error.failure?.code == .full, error.failure?.outcome == .definite { return false }
            print("# not a full disk: \(error)")
            findings.add(.untyped, "\(error)")
            return false
        }
    }

    private mutating func read(_ store: any EventStore) async throws {
        var last = Position.start
        for try await page in store.pages(.all) { last = page.events.last?.position ?? last }
        let acknowledged = try History(logPath).highestAcknowledged
        if last != acknowledged { findings.add(.unread, "read up to \(last) of \(acknowledged)") }
        print(findings.report())
    }
}
