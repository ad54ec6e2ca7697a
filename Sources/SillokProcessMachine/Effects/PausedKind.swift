public import SillokCore

/// A kind of effect that is paused because its calls kept failing.
///
/// Its effects wait, and use up no attempts. From time to time one of them is called, and only that one uses up an
/// attempt. If the other side answers, the kind continues. An operator can let it continue before that.
public struct PausedKind: Hashable, Sendable {
    /// The kind: the name of the case of the effect.
    public let kind: String
    /// Since when it is paused, by the time of the store.
    public let since: Timestamp
    /// When the next call is tried.
    public let nextTry: Timestamp
    /// The number of calls that were tried since then.
    public let tries: Int
    /// The error of the last call.
    public let reason: String

    package init(kind: String, since: Timestamp, nextTry: Timestamp, tries: Int, reason: String) {
        self.kind = kind
        self.since = since
        self.nextTry = nextTry
        self.tries = tries
        self.reason = reason
    }

    /// Whether a call may be tried now. A time well before the pause means that the store's clock was set back: then
    /// the recorded times say nothing. Two readings of the time may differ a little.
    package func mayTry(at now: Timestamp) -> Bool {
        nextTry <= now || now.advanced(byMicroseconds: 10_000_000) < since
    }

    /// Returns the pause while a call is tried, so that no other runner tries one too.
    package func trying(at now: Timestamp, _ rules: KindHealth.Rules) -> PausedKind {
        PausedKind(
            kind: kind, since: min(since, now),
            nextTry: now.advanced(byMicroseconds: rules.pause(afterTries: tries + 1).wholeMicroseconds),
            tries: tries + 1, reason: reason)
    }
}

/// How the calls of a kind of effect ended, as one runner counts them. Pure: the time is given to it.
package struct KindHealth: Hashable, Sendable {
    /// When a kind is paused, and for how long.
    package struct Rules: Hashable, Sendable {
        let failures: Int
        let firstPause: Duration
        let longestPause: Duration

        /// - Parameters:
        ///   - failures: the number of calls that fail one after the other before the kind is paused.
        ///   - firstPause: the time until a call is tried; it doubles with each try.
        ///   - longestPause: the longest time between two tries.
        package init(failures: Int, firstPause: Duration, longestPause: Duration) {
            self.failures = max(1, failures)
            self.firstPause = firstPause
            self.longestPause = max(firstPause, longestPause)
        }

        func pause(afterTries tries: Int) -> Duration { min(longestPause, firstPause * (1 << min(max(0, tries), 20))) }
    }

    /// The number of calls that failed since the last one that was answered.
    package private(set) var failures = 0

    package init() {}

    /// Notes that the other side has answered a call, also if it refused what was asked.
    package mutating func answered() { failures = 0 }

    /// Notes that a call had no answer. Returns the pause of the kind if that was one failure too many.
    package mutating func failed(
        _ kind: String, because reason: String, at now: Timestamp, _ rules: Rules
    ) -> PausedKind? {
        failures += 1
        guard failures >= rules.failures else { return nil }
        failures = 0
        return PausedKind(
            kind: kind, since: now,
            nextTry: now.advanced(byMicroseconds: rules.pause(afterTries: 0).wholeMicroseconds), tries: 0,
            reason: reason)
    }
}
