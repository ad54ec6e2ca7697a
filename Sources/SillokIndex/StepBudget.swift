/// The steps that a request may still take, and the check whether its caller still waits.
///
/// A step is about a quarter of a microsecond of work on the index: reading one entry. A lookup in a stored index costs
/// ``lookup`` steps. A budget belongs to one thread.
package final class StepBudget {
    /// The steps of a lookup in a stored index, which descends a tree of pages.
    package static let lookup = 8
    /// The steps of reading one event.
    package static let event = 8
    /// The number of steps between two checks for cancellation: well below a millisecond.
    private static let interval = 256

    /// The steps that were taken.
    package private(set) var used = 0
    /// The steps that are left; below zero if the last piece of work took more than were left.
    package private(set) var left: Int
    private let steps: Int
    private let isCancelled: () -> Bool
    private var untilCheck = StepBudget.interval

    /// Creates a budget of at least one step.
    ///
    /// - Parameter isCancelled: returns whether the caller no longer waits; called every few hundred steps.
    package init(steps: Int, isCancelled: @escaping () -> Bool = { false }) {
        self.steps = max(1, steps)
        left = self.steps
        self.isCancelled = isCancelled
    }

    /// Whether no step is left. Work that needs more must end here and report how far it has come.
    package var isExhausted: Bool { left <= 0 }

    /// Counts steps.
    ///
    /// - Throws: `CancellationError` if the caller no longer waits.
    package func spend(_ steps: Int) throws(CancellationError) {
        used &+= steps
        left &-= steps
        untilCheck &-= steps
        guard untilCheck <= 0 else { return }
        untilCheck = Self.interval
        try check()
    }

    /// Throws `CancellationError` if the caller no longer waits.
    package func check() throws(CancellationError) {
        if isCancelled() { throw CancellationError() }
    }

    /// Restores the initial number of steps, or `least` if that is more, for work that must make progress.
    package func renew(atLeast least: Int = 0) { left = max(steps, least) }
}
