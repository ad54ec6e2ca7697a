package import SillokCore

/// A bar for each step of work that reports its steps, from any thread.
package final class StepProgress: Sendable {
    private let console: Console
    private let title: @Sendable (String) -> String
    private let bar = Lock<(step: String, bar: ProgressBar)?>(nil)

    /// - Parameters:
    ///   - console: where to draw.
    ///   - title: the title of the bar of a step.
    package init(console: Console, title: @escaping @Sendable (String) -> String = { "Checking \($0)" }) {
        self.console = console
        self.title = title
    }

    /// Shows how far a step has come.
    package func update(_ progress: WorkProgress) {
        let current = bar.withLock { current in
            if let current, current.step == progress.step { return current.bar }
            current?.bar.finish(quietly: true)
            let next = ProgressBar(title(progress.step), unit: "done", total: progress.total, console: console)
            current = (progress.step, next)
            return next
        }
        current.update(to: progress.done)
    }

    /// Removes the bar.
    package func finish() { bar.withLock { $0?.bar.finish(quietly: true) } }
}
