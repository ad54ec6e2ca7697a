import SillokCore

/// The pauses after failed attempts of a message, for about three days.
struct RetrySchedule: Hashable, Sendable {
    /// The pause after the first attempt, the second and so on; after the last there is no attempt.
    let pauses: [Duration]

    /// The schedule of Standard Webhooks: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
    static let standard = RetrySchedule(
        pauses: [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400].map { .seconds($0) })

    /// Returns the pause after an attempt, from 1; `nil` after the last.
    ///
    /// It is up to a fifth shorter or longer than in the list, so that messages that failed together do not return
    /// together. How much depends on the event alone, so that a restart changes nothing.
    func pause(afterAttempt attempt: Int, of event: EventID) -> Duration? {
        guard attempt >= 1, attempt <= pauses.count else { return nil }
        let mixed = UInt64(0).mixed(with: event.high).mixed(with: event.low).mixed(with: UInt64(attempt))
        let permille = 800 + Int64(mixed % 401)
        return .microseconds(pauses[attempt - 1].wholeMicroseconds / 1000 * permille)
    }
}
