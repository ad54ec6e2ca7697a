package import SillokCore

/// The functions with which a command handler loads and keeps states.
///
/// `SillokSnapshots` implements them with a cache and with snapshots; this module does not depend on either.
package struct Memory<D: Decider>: Sendable {
    /// Returns the kept state of a subject, as of a moment, or `nil`.
    package typealias Recall = @Sendable (Subjects<D>.Subject, any EventStore, Moment?) async -> Kept<D>?

    /// Keeps the states of subjects. `isOfNow` is `false` for states of the past.
    package typealias Remember = @Sendable (_ subjects: Subjects<D>, any EventStore, _ isOfNow: Bool) -> Void

    let recall: Recall
    let remember: Remember

    package init(recall: @escaping Recall, remember: @escaping Remember) {
        self.recall = recall
        self.remember = remember
    }
}
