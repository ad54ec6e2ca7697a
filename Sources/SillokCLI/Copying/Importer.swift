import Sillok
import SillokCloudEvents
import SillokTerminal

/// Records the lines of an export in a store: in batches, exactly once, in bounded memory.
///
/// While one batch is being recorded, the next one is read. Each batch is recorded completely or not at all, so an
/// import may end at any point, also by a kill. The next run recognizes the recorded events by their ids and continues.
struct Importer {
    /// What an import has done so far.
    struct Summary: Equatable {
        var lines: UInt64 = 0
        var imported: UInt64 = 0
        var known: UInt64 = 0
        var keepsPositions = true
    }

    private let store: any EventStore
    private let restamps: Bool
    private var batch = ImportBatch()
    private var recording: Task<ImportOutcome, any Error>?

    /// What has been done so far.
    private(set) var summary = Summary()

    /// Imports into a store.
    ///
    /// - Parameters:
    ///   - store: where to.
    ///   - restamps: takes the store's clock for the recorded times, and not those of the lines.
    init(into store: any EventStore, restamps: Bool = false) {
        self.store = store
        self.restamps = restamps
    }

    /// Takes all lines of a reader and records them.
    ///
    /// - Throws: `CommandFailure` that names the line; all lines before it are recorded.
    mutating func take(_ reader: inout LineReader, progress: (Summary, UInt64) -> Void) async throws {
        do {
            while let chunk = try await reader.next() {
                for line in chunk.lines { try await take(line) }
                progress(summary, chunk.bytesRead)
                try Task.checkCancellation()
            }
        } catch {
            try await finish()
            throw error
        }
        try await finish()
    }

    /// Takes one line.
    mutating func take(_ line: [UInt8]) async throws {
        summary.lines += 1
        if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { return }
        for event in try read(line) {
            if batch.add(event, line: summary.lines, limits: store.limits) { continue }
            try await flush()
            _ = batch.add(event, line: summary.lines, limits: store.limits)
        }
    }

    /// Records what has been taken.
    mutating func finish() async throws {
        try await flush()
        try await settle()
    }

    private func read(_ line: [UInt8]) throws -> [CloudEvent] {
        do {
            var events = try CloudEvent.events(ofLine: line)
            for index in events.indices {
                if restamps { events[index].entry.recordedAt = nil }
                // A whole log is restored with what the runners recorded, under the times that deadlines count from.
                if events[index].isForeign || events[index].entry.recordedAt == nil,
                    let reserved = ReservedStream(events[index].entry.stream)
                {
                    throw reserved
                }
                let source = events[index].trackingSource
                try store.limits.check(
                    AppendRequest([events[index].entry], tracking: source.map { Tracking(source: $0, position: 1) }))
            }
            return events
        } catch {
            if line == Array("[".utf8), summary.lines == 1 {
                throw CommandFailure(
                    .invalidData, "the file is a JSON array over several lines",
                    hint: "Write one event a line: jq -c '.[]' FILE | sillok import STORE")
            }
            let cause = (error as? InvalidRequest).map { InvalidRequest($0.reason) } ?? error
            throw Self.failure(at: summary.lines, cause)
        }
    }

    /// Hands the batch over, once the one before it is recorded.
    private mutating func flush() async throws {
        try await settle()
        if batch.isEmpty { return }
        let (store, full) = (store, batch)
        batch = ImportBatch()
        recording = Task { try await store.record(full) }
    }

    private mutating func settle() async throws {
        guard let task = recording else { return }
        recording = nil
        do {
            let outcome = try await task.value
            summary.imported += outcome.imported
            summary.known += outcome.known
            summary.keepsPositions = summary.keepsPositions && outcome.keepsPositions
        } catch let failure as ImportFailure {
            batch = ImportBatch()
            throw Self.failure(at: failure.line, failure.cause)
        } catch {
            batch = ImportBatch()
            throw error
        }
    }

    private static func failure(at line: UInt64, _ cause: any Error) -> CommandFailure {
        let status = CommandFailure(cause)?.status ?? .invalidData
        var hint = "Everything before this line is imported. Correct the line and run the same command again."
        if let invalid = cause as? InvalidRequest, case .timeRunsBackwards = invalid.reason {
            hint = "The store already has later events. --restamp takes the store's clock for the recorded times."
        }
        if let invalid = cause as? InvalidRequest { hint = invalid.hint ?? hint }
        if cause is ReservedStream {
            hint = "Events of such streams are imported only from the export of a store, and only without --restamp."
        }
        return CommandFailure(status, "line \(line.grouped): \("\(cause)".visible)", hint: hint)
    }
}
