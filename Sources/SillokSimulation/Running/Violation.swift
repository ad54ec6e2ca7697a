/// A promise of the log that a history has found broken, and how to see it again.
package struct Violation: Error, Hashable, Sendable, CustomStringConvertible {
    /// The seed of the history, or the number of the short history.
    package let seed: UInt64
    /// The number of the step, from 1.
    package let step: Int
    /// Which promise, and where.
    package let message: String
    /// The arguments of `sillok-simulate` that run it again and print each step.
    package let replay: String

    package init(seed: UInt64, step: Int, message: String, replay: String) {
        (self.seed, self.step, self.message, self.replay) = (seed, step, message, replay)
    }

    /// The promise, the seed, the step, and the command that repeats it.
    package var description: String {
        "seed \(seed), step \(step): \(message)\n    run again: sillok-simulate \(replay)"
    }
}
