/// How many steps one request may still take, and whether its caller still waits for it.
///
/// A step is about a quarter of a microsecond of work on the index: one entry read from it. Looking up a place in a
/// stored index costs ``lookup`` steps. Belongs to one thread.
package final class StepBudget {
    /// The steps of finding a place in a stored index, which walks down a tree of pages.
    package static let lookup = 8
    /// The steps of reading one event.
    package static let event = 8
    /// The number of steps after which the caller's cancellation is looked at: well below a millisecond.
    private static let interval = 256

    /// The steps that were taken.
    package private(set) var used = 0
    /// The steps that are left; below zero if the last piece of work took more than there were.
    package private(set) var left: Int
    private let steps: Int
    private let isCancelled: () -> Bool
    private var untilCheck = StepBudget.interval

    /// A budget of at least one step.
    ///
    /// - Parameter isCancelled: whether the caller no longer waits; asked every few hundred steps.
    package init(steps: Int, isCancelled: @escaping () -> Bool = { false }) {
        self.steps = max(1, steps)
        left = self.steps
        self.isCancelled = isCancelled
    }

    /// A budget that ends when a request is cancelled.
    package convenience init(steps: Int, _ cancellation: Cancellation) {
        self.init(steps: steps) { cancellation.isCancelled }
    }

    /// Whether no step is left: work that needs more must end here and report how far it has come.
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

    /// Adds the steps of the start again, or more, for work that must make some progress.
    package func renew(atLeast least: Int = 0) { left = max(steps, least) }
}
