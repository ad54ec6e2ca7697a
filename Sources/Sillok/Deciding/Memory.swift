package import SillokCore

/// Where a command handler finds the states that it kept, and where it keeps them again.
///
/// `SillokSnapshots` makes one of a cache and of snapshots; this module knows neither.
package struct Memory<D: Decider>: Sendable {
    /// Returns what is kept of a subject, as of a moment, or `nil`.
    package typealias Recall = @Sendable (Subjects<D>.Subject, any EventStore, Moment?) async -> Kept<D>?

    /// Keeps what was learned of subjects. `isOfNow` is `false` for states of the past.
    package typealias Remember = @Sendable (_ subjects: Subjects<D>, any EventStore, _ isOfNow: Bool) -> Void

    let recall: Recall
    let remember: Remember

    package init(recall: @escaping Recall, remember: @escaping Remember) {
        self.recall = recall
        self.remember = remember
    }
}
