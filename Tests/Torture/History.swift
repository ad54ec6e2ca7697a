import Foundation
import SillokCore

/// The ack log, read back: what became of each request as its client saw it.
struct History {
    enum Outcome: Hashable {
        case open
        case acknowledged(first: Position, last: Position)
        case definite(code: String)
        case unknown(code: String)
    }

    struct Attempts {
        let milliseconds: UInt64
        let basis: Basis
        /// The highest position that was acknowledged before the first attempt began.
        let floor: Position
        var outcome = Outcome.open
        var sawReceipt: (first: Position, last: Position)?
        /// Whether an attempt before the last one may have stored it.
        var isUncertain = false
        /// How many syncs there were when the last attempt began, or when the store was opened after one without
        /// answer.
        var syncs = 0
        var isReopened = false
        /// Whether the last attempt began when a sync had failed and the store had not been opened since.
        var isAfterFailedSync = false

        mutating func begin(afterFailedSync: Bool, syncs: Int) {
            if outcome == .open { isUncertain = true }
            if !isReopened { self.syncs = syncs }
            outcome = .open
            isAfterFailedSync = afterFailedSync
        }

        /// The store is opened: what an attempt has left there is made durable from now on.
        mutating func reopened(_ syncs: Int) {
            guard !isReopened, outcome == .open || isUncertain else { return }
            isReopened = true
            self.syncs = syncs
        }

        mutating func failed(_ code: String, isDefinite: Bool) {
            // A conflict is found after the look for the ids: then no attempt before has stored it either.
            if !isDefinite { isUncertain = true }
            outcome = isDefinite && (code == "conflict" || !isUncertain) ? .definite(code: code) : .unknown(code: code)
        }
    }

    private(set) var requests: [RequestKey: Attempts] = [:]
    private(set) var highestAcknowledged = Position.start
    private(set) var acknowledgements = 0
    private(set) var findings = Findings()
    /// How long each opening took, in µs.
    private(set) var openings: [Int] = []
    /// Errors by their code.
    private(set) var errors: [String: Int] = [:]
    /// Faults that the shim made, and how long after the first of them the first refusal came, in µs.
    private(set) var faults: [String] = []
    private(set) var stopped: Int64?
    private var firstFault: Int64?
    private var syncHasFailed = false
    private var isTraced = false
    private var syncs = 0

    init(_ path: String) throws {
        let text = try Data(contentsOf: URL(filePath: path))
        // The last line may have been cut by the kill.
        for line in text.split(separator: 10, omittingEmptySubsequences: true).dropLast(text.last == 10 ? 0 : 1) {
            take(String(decoding: line, as: UTF8.self).split(separator: " "))
        }
    }

    /// How many writers have written so far, so that a new run takes new ones.
    var writers: Int { (requests.keys.map(\.writer).max() ?? -1) + 1 }

    private mutating func take(_ words: [Substring]) {
        switch words.first {
        case "B":
            syncHasFailed = false
            for key in requests.keys { requests[key]?.reopened(syncs) }
        case "O": openings.append(Int(words[1]) ?? 0)
        case "S": if words[1] == "wal" { (syncs, isTraced) = (syncs + 1, true) }
        case "X":
            faults.append(words[1...3].joined(separator: " "))
            // In a folder also files are synced on which no append rests: the next segment and the index. SQLite syncs
            // the folder too, for the names of the index's files, and ignores a failure. The simulation and the tests
            // of the store see that appends end after the sync of a group failed, and openings after that of a name.
            let isInFolder = words[2].hasPrefix("log") || words[2].hasPrefix("index.") || words[2] == "folder"
            if words[1] == "sync", !isInFolder { syncHasFailed = true }
            if firstFault == nil { firstFault = Int64(words[words.count - 1]) }
        default:
            guard words.count >= 5, let writer = Int(words[1]), let number = Int(words[2]) else { return }
            take(words, RequestKey(writer: writer, number: number))
        }
    }

    private mutating func take(_ words: [Substring], _ key: RequestKey) {
        switch words[0] {
        case "T":
            var attempts =
                requests[key]
                ?? Attempts(
                    milliseconds: UInt64(words[3]) ?? 0, basis: Basis(word: words[4]), floor: highestAcknowledged,
                    outcome: .definite(code: "new"))
            attempts.begin(afterFailedSync: syncHasFailed, syncs: syncs)
            requests[key] = attempts
        case "A":
            acknowledged(key, Position(UInt64(words[3]) ?? 0), Position(UInt64(words[4]) ?? 0))
        default: failed(key, String(words[4]), isDefinite: words[3] == "definite", Int64(words[words.count - 1]))
        }
    }

    private mutating func acknowledged(_ key: RequestKey, _ first: Position, _ last: Position) {
        acknowledgements += 1
        let tried = requests[key]
        if let before = tried?.sawReceipt, before != (first, last) {
            findings.add(.moved, "\(key) was acknowledged at \(before) and at \((first, last))")
        }
        if tried?.isAfterFailedSync == true && tried?.sawReceipt == nil {
            findings.add(.early, "\(key) was acknowledged after a failed sync")
        }
        if isTraced, let tried, tried.sawReceipt == nil, tried.syncs == syncs {
            findings.add(.early, "\(key) was acknowledged without a sync")
        }
        highestAcknowledged = max(highestAcknowledged, last)
        requests[key]?.sawReceipt = (first, last)
        requests[key]?.outcome = .acknowledged(first: first, last: last)
    }

    private mutating func failed(_ key: RequestKey, _ code: String, isDefinite: Bool, _ time: Int64?) {
        errors[code, default: 0] += 1
        if code == "untyped" { findings.add(.untyped, "\(key) failed with an error that is not of the contract") }
        if code == "refused" { findings.add(.refused, "\(key) was refused for its ids") }
        if let firstFault, stopped == nil, let time { stopped = time - firstFault }
        requests[key]?.failed(code, isDefinite: isDefinite)
    }
}

/// What a verifier counts. All of it must be zero.
struct Findings {
    enum Kind: String, CaseIterable {
        /// Acknowledged, and not there.
        case lost
        /// There more than once.
        case duplicated
        /// A position or a revision is left out, or the store's own check finds something.
        case gapped
        /// Against the order of real time, of a batch, or of recorded times.
        case reordered
        /// A part of a batch, or a batch that others stand in between.
        case torn
        /// Not what anybody wrote.
        case foreign
        /// A definite failure that is in the log.
        case lying
        /// Not where the receipt says.
        case moved
        /// A condition did not hold where its append stands.
        case unguarded
        /// An event whose current contents do not match the hash chain.
        case unchained
        /// A retry was refused.
        case refused
        /// An error outside of the contract.
        case untyped
        /// Acknowledged before it was durable.
        case early
        /// A read was wrong or failed when it must not.
        case unread
    }

    private(set) var counts: [Kind: Int] = [:]
    private(set) var samples: [String] = []

    var isEmpty: Bool { counts.isEmpty }

    mutating func add(_ kind: Kind, _ message: String) {
        counts[kind, default: 0] += 1
        if samples.count < 20 { samples.append("\(kind.rawValue): \(message)") }
    }

    mutating func add(_ other: Findings) {
        counts.merge(other.counts) { $0 + $1 }
        samples = Array((samples + other.samples).prefix(20))
    }

    /// A line for each count, then the samples.
    func report() -> String {
        (Kind.allCases.map { "\($0.rawValue) \(counts[$0] ?? 0)" } + samples.map { "# \($0)" }).joined(separator: "\n")
    }
}
