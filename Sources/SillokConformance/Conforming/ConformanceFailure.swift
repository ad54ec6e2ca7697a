/// A store did not keep a promise of the contract: which check saw it, what it saw, and how to see it again.
public struct ConformanceFailure: Error, Hashable, CustomStringConvertible {
    /// The name of the check.
    public let check: String

    /// What was expected and what was found.
    public let message: String

    /// The seed of the run. `SILLOK_SEED` with this value repeats the same choices.
    public let seed: UInt64

    /// A failure of a check.
    public init(check: String, message: String, seed: UInt64) {
        self.check = check
        self.message = message
        self.seed = seed
    }

    /// The check, what it saw, and the seed.
    public var description: String { "\(check): \(message) [SILLOK_SEED=\(seed)]" }
}
