import SillokCore
import SillokSystem

/// Turns Ctrl-C and the request to terminate into the cancellation of a task, so that work stops where nothing breaks.
///
/// The second signal ends the process at once; the log survives that too.
package enum Interruption {
    private static let received = Lock<Int32?>(nil)

    /// The exit status for the first signal, if one arrived.
    package static var status: ExitStatus? {
        received.withLock { signal in
            switch signal {
            case nil: nil
            case SIGTERM?, SIGHUP?: .terminated
            default: .interrupted
            }
        }
    }

    private static var signals: sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
        return signals
    }

    /// Takes over the signals of the process. Call it before other threads start: they inherit the blocked signals.
    package static func watch(_ interrupt: @escaping @Sendable () -> Void) {
        signal(SIGPIPE, SIG_IGN)
        var blocked = signals
        pthread_sigmask(SIG_BLOCK, &blocked, nil)
        startThread {
            var signals = signals
            while true {
                var number: Int32 = 0
                guard sigwait(&signals, &number) == 0 else { return }
                let isFirst = received.withLock { first in
                    defer { first = first ?? number }
                    return first == nil
                }
                if !isFirst { _exit(128 + number) }
                interrupt()
            }
        }
    }
}
