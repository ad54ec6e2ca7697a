/// How a command ended, as a script sees it. Numbers from 64 on follow `sysexits.h`.
package enum ExitStatus: Int32, CaseIterable, Sendable {
    /// Done.
    case done = 0
    /// Done, and the command found a problem: damage, a difference, a broken objective.
    case found = 1
    /// The append or the act conflicts with recorded events: another revision, a known id, a paused endpoint that is
    /// paused again. Nothing was stored.
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
    package var meaning: String {
        switch self {
        case .done: "done"
        case .found: "done, and the command found a problem: damage, a difference, a broken objective"
        case .conflict:
            "conflict: another revision, a known id with other contents, or an act that the state refuses; nothing was "
                + "stored"
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
package struct CommandFailure: Error {
    package let status: ExitStatus
    package let message: String
    package let hint: String?

    package init(_ status: ExitStatus, _ message: String, hint: String? = nil) {
        self.status = status
        self.message = message
        self.hint = hint
    }
}
