import Foundation
import SillokCore

/// Random numbers that a seed repeats.
package struct SeededNumbers: RandomNumberGenerator, Sendable {
    package let seed: UInt64
    private var state: UInt64

    package init(seed: UInt64) { (self.seed, state) = (seed, seed) }

    /// Takes the seed from `SILLOK_SEED`, or chooses one, and prints it.
    package init() {
        let given = ProcessInfo.processInfo.environment["SILLOK_SEED"].flatMap { UInt64($0) }
        self.init(seed: given ?? .random(in: 0..<1 << 48))
        print("seed \(seed): repeat with SILLOK_SEED=\(seed)")
    }

    package mutating func next() -> UInt64 {
        state &+= UInt64.mixingStep
        return state.mixed
    }
}
