/// A store broke a promise of the contract. The error contains the name of the check, the expected and the observed
/// result, and the seed for a repetition.
public struct ConformanceFailure: Error, Hashable, CustomStringConvertible {
    /// The name of the check.
    public let check: String

    /// The expected and the observed result.
    public let message: String

    /// The seed of the run. `SILLOK_SEED` with this value repeats the same choices.
    public let seed: UInt64

    /// Creates a failure of a check.
    public init(check: String, message: String, seed: UInt64) {
        self.check = check
        self.message = message
        self.seed = seed
    }

    /// The check, its observation, and the seed.
    public var description: String { "\(check): \(message) [SILLOK_SEED=\(seed)]" }
}
