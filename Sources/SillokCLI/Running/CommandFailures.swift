import Sillok
import SillokCommands
import SillokReadSide
import SillokServer
import SillokTerminal

extension CommandFailure {
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
            case .accessDenied:
                (.ioFailure, "Set SILLOK_TOKEN to your access key of the server; sillok keys create makes one.")
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
