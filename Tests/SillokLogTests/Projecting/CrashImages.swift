import Foundation
import SillokCore
import SillokLog
import SillokSQLiteModels
import SillokSegments
import SillokTestSupport

/// A store with an inline projection, and images of what a crash leaves at each moment of its appends.
///
/// The thread that appends waits while an image is made. The index is not copied: it is rebuilt from the log.
final class CrashImages: Sendable {
    /// What is left of a store.
    struct Image: Sendable {
        let path: String
        let cause: String
        /// The last position that was acknowledged.
        let acknowledged: Position
    }

    private struct State {
        var images: [Image] = []
        var acknowledged = Position.start
        var writer: ObjectIdentifier?
    }

    let place = StorePlace()
    private let disk = FaultyDisk()
    private let tuning: LogTuning
    private let state = Lock(State())

    init(_ planted: RowsFaults.Planted = []) {
        var tuning = LogTuning.tiny
        // No other segment is made meanwhile, which an image could contain in part.
        tuning.segments.firstSegmentBytes = 1 << 16
        tuning.rowsFaults.planted = planted
        self.tuning = tuning
    }

    var images: [Image] { state.withLock { $0.images } }

    /// Appends groups with accepted and refused appends, and makes images.
    func run() async throws {
        let store = try LogEventStore(path: place(), mode: .create, tuning: tuning, disk: disk)
        try await StreamLengths.attach(to: store.readModel) { [self] _ in record("in the rule") }
        try await store.fill(0..<1)
        try copyLog("durable")
        try copyRows("old")
        let onMoment: @Sendable (FaultyDisk.Moment) -> Void = { [self] moment in
            if moment == .afterSync { try? copyLog("durable") }
            record(moment.rawValue)
        }
        disk.onMoment.withLock { $0 = onMoment }
        state.withLock { $0.writer = nil }
        store.onCommit { [self] _ in record("before the answer") }
        for round in 1...4 {
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<3 { group.addTask { await self.append(to: store, round, number) } }
            }
        }
        disk.onMoment.withLock { $0 = nil }
        await store.close()
    }

    private func append(to store: LogEventStore, _ round: Int, _ number: Int) async {
        let last = number == 1 ? EventData(type: "refused", text: "\(round)") : note(round)
        let stream = StreamID("s-\((round + number) % 4)")
        let request = AppendRequest([.init(stream: stream, event: note(round)), .init(stream: stream, event: last)])
        guard let receipt = try? await store.append(request) else { return }
        state.withLock { $0.acknowledged = max($0.acknowledged, receipt.position) }
    }

    /// Makes images of the moment, if the thread that appends has come to it.
    private func record(_ moment: String) {
        let thread = ObjectIdentifier(Thread.current)
        let (isWriter, number, acknowledged) = state.withLock { state in
            if state.writer == nil && moment == "in the rule" { state.writer = thread }
            return (state.writer == thread, state.images.count, state.acknowledged)
        }
        guard isWriter, number > 0 || FileManager.default.fileExists(atPath: place("old")) else { return }
        let causes = [
            ("a kill", place() + "/log", place()),
            ("a power cut that keeps only what was synced of the log", place("durable"), place()),
            ("a power cut that takes the rows", place() + "/log", place("old")),
        ]
        for (index, (cause, log, rows)) in causes.enumerated() {
            let path = place("image-\(number + index)")
            do {
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
                try FileManager.default.copyItem(atPath: log, toPath: path + "/log")
                try FileManager.default.copyItem(atPath: place() + "/store", toPath: path + "/store")
                try copyRows(from: rows, to: path)
            } catch {
                state.withLock {
                    $0.images.append(Image(path: "no image: \(error)", cause: cause, acknowledged: .start))
                }
                continue
            }
            state.withLock {
                $0.images.append(Image(path: path, cause: "\(cause) \(moment)", acknowledged: acknowledged))
            }
        }
    }

    private func copyLog(_ name: String) throws {
        try? FileManager.default.removeItem(atPath: place(name))
        try FileManager.default.copyItem(atPath: place() + "/log", toPath: place(name))
    }

    private func copyRows(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: place(name), withIntermediateDirectories: true)
        try copyRows(from: place(), to: place(name))
    }

    private func copyRows(from folder: String, to target: String) throws {
        for name in ["rows.sqlite", "rows.sqlite-wal"] where FileManager.default.fileExists(atPath: "\(folder)/\(name)")
        {
            try FileManager.default.copyItem(atPath: "\(folder)/\(name)", toPath: "\(target)/\(name)")
        }
    }

    /// Opens an image as an application does after a crash; returns what is wrong with it, now and after an append.
    func findings(in image: Image) async -> [String] {
        do {
            let store = try LogEventStore(path: image.path, mode: .existing, tuning: tuning)
            try await StreamLengths.attach(to: store.readModel)
            var findings = try await StreamLengths.findings(store, store.readModel)
            let head = try await store.head()
            if head < image.acknowledged { findings.append("\(image.acknowledged) is lost, the head is \(head)") }
            try await store.append([note(0)], to: "s-1")
            findings += try await StreamLengths.findings(store, store.readModel)
            await store.close()
            return findings.map { "after \(image.cause): \($0)" }
        } catch {
            return ["after \(image.cause): \(error)"]
        }
    }
}
