import Foundation
import SillokCore
import SillokLog
import SillokSegments
import SillokSQLite
import SillokSQLiteConnections

/// What a condition was built on, as a word of the log: `-`, `r12` (a revision), `u99` (unchanged since a position).
enum Basis: Hashable, Sendable {
    case none
    case revision(Revision)
    case since(Position)

    var word: String {
        switch self {
        case .none: "-"
        case .revision(let revision): "r\(revision)"
        case .since(let position): "u\(position)"
        }
    }

    init(word: Substring) {
        let number = UInt64(word.dropFirst()) ?? 0
        switch word.first {
        case "r": self = .revision(Revision(number))
        case "u": self = .since(Position(number))
        default: self = .none
        }
    }
}

/// The observations of the clients, by lines, in a file that survives a kill.
///
/// - `B`: opening begins; `O µs`: it is open.
/// - `T w r ms basis`: tried; `A w r first last`: acknowledged; `E w r definite|unknown code`: failed.
/// - From the fault shim, `S wal|main`: synced; `X class file error`: it failed.
///
/// Every line ends with the time in µs. An earlier line was written before the call of a later line began.
final class AckLog: Sendable {
    private let descriptor: Int32

    init(_ path: String) throws {
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        guard descriptor >= 0 else { throw TortureFailure("cannot open the log \(path)") }
    }

    deinit { close(descriptor) }

    func tried(_ request: TortureRequest, _ basis: Basis) {
        write("T \(request.key.writer) \(request.key.number) \(request.milliseconds) \(basis.word)")
    }

    func acknowledged(_ key: RequestKey, _ first: Position, _ last: Position) {
        write("A \(key.writer) \(key.number) \(first) \(last)")
    }

    func failed(_ key: RequestKey, _ error: AppendError) {
        let what =
            switch error {
            // What `AppendError` makes of an error that no store should throw.
            case .failed(let failure) where failure.message.hasPrefix("the store failed: "): "definite untyped"
            case .failed(let failure): "\(failure.outcome) \(failure.code)"
            case .conflict: "definite conflict"
            case .knownID: "definite refused"
            case .invalid, .tracking, .refused: "definite untyped"
            }
        write("E \(key.writer) \(key.number) \(what)")
    }

    func write(_ line: String) {
        let bytes = Array("\(line) \(Self.now())\n".utf8)
        let written = Foundation.write(descriptor, bytes, bytes.count)
        precondition(written == bytes.count, "the log of the torture run cannot be written")
    }

    /// Waits until what was written is on the disk.
    func sync() { fsync(descriptor) }

    /// The monotonic clock in µs, which the shim writes as well.
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}

struct TortureFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Opens a store and notes how long that took.
func openStore(
    _ path: String, _ log: AckLog, checkpointPages: Int? = nil, syncsCommits: Bool = true
) throws -> TorturePlace.Store {
    log.write("B")
    let start = AckLog.now()
    let store =
        try path.hasSuffix(".sillok")
        ? openFolder(path, isShort: checkpointPages != nil, syncsCommits)
        : openFile(path, checkpointPages, syncsCommits)
    log.write("O \(AckLog.now() - start)")
    return store
}

private func openFile(_ path: String, _ checkpointPages: Int?, _ syncsCommits: Bool) throws -> TorturePlace.Store {
    var tuning = Tuning()
    tuning.checkpoints.pages = checkpointPages ?? tuning.checkpoints.pages
    tuning.syncsCommits = syncsCommits
    return TorturePlace.Store(
        try SQLiteEventStore(path: path, mode: .create, limits: Limits(), clock: .system, tuning: tuning))
}

/// - Parameter isShort: whether segments are short and the index is moved often.
private func openFolder(_ path: String, isShort: Bool, _ syncsCommits: Bool) throws -> TorturePlace.Store {
    var tuning = LogTuning()
    if isShort {
        tuning.partEntries = 500
        tuning.segments.firstSegmentBytes = 16_384
        tuning.segments.maximumSegmentBytes = 65_536
    }
    if !syncsCommits { tuning.segments.faults = .noSync }
    return TorturePlace.Store(try LogEventStore(path: path, mode: .create, tuning: tuning))
}

/// Opens the store that writers write. With `short-log` it checkpoints often, or has short segments; with `unsynced` no
/// commit waits for the disk.
func openWritten(_ path: String, _ log: AckLog, _ words: [String]) async throws -> any EventStore {
    guard words.contains("short-log") || words.contains("unsynced") else { return try await openPlace(path, log) }
    return try openStore(
        path, log, checkpointPages: words.contains("short-log") ? 200 : nil, syncsCommits: !words.contains("unsynced")
    ).store
}

/// Opens the store of any place and notes how long that took.
func openPlace(_ path: String, _ log: AckLog) async throws -> any EventStore {
    log.write("B")
    let start = AckLog.now()
    let opened = try await TorturePlace(path).store(for: .writing)
    log.write("O \(AckLog.now() - start)")
    return opened.store
}
