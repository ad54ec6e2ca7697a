import Foundation

/// Randomness that a printed seed repeats: run again with `SILLOK_SEED=…`.
struct SeededRandom: RandomNumberGenerator {
    let seed: UInt64
    private var state: UInt64

    init(seed: UInt64) { (self.seed, state) = (seed, seed) }

    static func fromEnvironment() -> SeededRandom {
        let seed = ProcessInfo.processInfo.environment["SILLOK_SEED"].flatMap { UInt64($0) } ?? .random(in: 0 ... .max)
        print("SILLOK_SEED=\(seed)")
        return SeededRandom(seed: seed)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
