import Sillok
import SillokCommands
import SillokReadSide
import SillokServer
import SillokTerminal

/// How a command ended, as a script sees it. Numbers from 64 on follow `sysexits.h`.
enum ExitStatus: Int32, CaseIterable {
    /// Done.
    case done = 0
    /// Done, and something was found: damage, a difference, a broken objective.
    case found = 1
    /// The append conflicts with recorded events: another revision, a known id. Nothing was stored.
    case conflict = 2
    /// The command has changed something, and its result could not be printed: do not repeat it.
    case unreported = 3
    /// The command line was not understood.
    case usage = 64
    /// What was to be stored is not valid: a damaged line, a name or a size that no store takes.
    case invalidData = 65
    /// There is no such store, file or stream.
    case notFound = 66
    /// The store itself is damaged, or not a store of this version.
    case damagedStore = 69
    /// A mistake of the program.
    case unexpected = 70
    /// Reading or writing failed, or the disk is full.
    case ioFailure = 74
    /// Another process writes to the store, or too many appends wait; try again later.
    case locked = 75
    /// Ended by Ctrl-C.
    case interrupted = 130
    /// The reader of the output closed it.
    case brokenPipe = 141
    /// Ended by the system.
    case terminated = 143

    /// What the status says, in the table of the documentation.
    var meaning: String {
        switch self {
        case .done: "done"
        case .found: "done, and something was found: damage, a difference, a broken objective"
        case .conflict: "conflict: another revision, or a known id with other contents; nothing was stored"
        case .unreported: "the change is stored, but the result could not be printed: do not repeat the command"
        case .usage: "the command line was not understood"
        case .invalidData: "invalid data: a damaged line, a name or a size that no store takes"
        case .notFound: "no such store, file or stream"
        case .damagedStore: "the store is damaged, or not a store of this version"
        case .unexpected: "a bug in sillok"
        case .ioFailure: "reading or writing failed, or the disk is full"
        case .locked: "another process writes to the store, or too many appends wait: try again later"
        case .interrupted: "ended by Ctrl-C; nothing is broken"
        case .brokenPipe: "the reader of the output closed it"
        case .terminated: "ended by a signal to terminate; nothing is broken"
        }
    }
}

/// Why a command could not do its work, and what to do about it.
struct CommandFailure: Error {
    let status: ExitStatus
    let message: String
    let hint: String?

    init(_ status: ExitStatus, _ message: String, hint: String? = nil) {
        self.status = status
        self.message = message
        self.hint = hint
    }

    /// Converts any error of the library to a failure of the command; `nil` for errors of the argument parser.
    init?(_ error: any Error) {
        if let error = AppendError(known: error) {
            self.init(error)
            return
        }
        switch error {
        case let failure as CommandFailure: self = failure
        case let missing as NoSuchStream: self.init(.notFound, "\(missing)")
        case let failure as ListeningFailure: self.init(.ioFailure, "\(failure)")
        case let refusal as ProjectionRefusal: self.init(.conflict, "\(refusal)")
        case is BrokenPipe: self.init(.brokenPipe, "the reader of the output has closed it")
        case let failure as OutputFailure: self.init(.ioFailure, "the output cannot be written: \(failure)")
        case is CancellationError: self.init(.interrupted, "interrupted")
        default: return nil
        }
    }

    /// Says what an error of the store means, of an append or a read.
    private init(_ error: AppendError) {
        switch error {
        case .invalid(let invalid): self.init(.invalidData, "\(invalid)", hint: invalid.hint)
        case .conflict, .knownID, .tracking: self.init(.conflict, "\(error)")
        case .refused: self.init(.invalidData, "\(error)")
        case .failed(let failure): self.init(failure)
        }
    }

    private init(_ error: StoreError) {
        let (status, hint): (ExitStatus, String?) =
            switch error.code {
            case .overloaded: (.locked, nil)
            case .tooExpensive: (.invalidData, nil)
            case .locked:
                (
                    .locked,
                    "Reading works meanwhile: sillok read, tail, stat, export. append and import take --wait SECONDS."
                )
            case .notFound: (.notFound, nil)
            case .corrupt: (.damagedStore, "sillok verify STORE names every damaged place.")
            case .unsupportedFormat, .storeChanged: (.damagedStore, nil)
            case .full, .ioFailure, .readOnly, .unavailable, .fileReplaced: (.ioFailure, nil)
            case .refused: (.invalidData, nil)
            case .accessDenied: (.ioFailure, "SILLOK_TOKEN holds the key that the server knows you by.")
            case .cancelled: (.interrupted, nil)
            case .invalidQuery, .closed: (.unexpected, nil)
            }
        self.init(status, "\(error)", hint: hint)
    }
}

extension InvalidRequest {
    /// What to do about it on the command line.
    var hint: String? {
        guard case .timeAhead = reason else { return nil }
        return "Correct the time, or the clock of this machine. sillok import and sillok copy take such times with "
            + "--allow-future."
    }
}
