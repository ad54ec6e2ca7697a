import Sillok
import SillokClient
import SillokTerminal

extension StoreArgument {
    /// A warning if this machine's clock is behind the last event of the log; `nil` for a store on a server, which has
    /// a clock of its own.
    ///
    /// - Parameter last: the recorded time of the last event.
    func clockWarning(last: Timestamp?, clock: WallClock = .system) -> String? {
        let now = clock.now()
        guard let last, ServerAddress(store) == nil, last.microseconds(since: now) > 1_000_000 else { return nil }
        let lead = Duration.microseconds(last.microseconds(since: now)).spoken
        return "Warning: the last event of the log has the time \(last), and this machine's clock is \(lead) behind. "
            + "Until the clock has passed that time, every new event gets the same time. Check the clock."
    }
}
