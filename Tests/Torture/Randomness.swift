import SillokCore

/// A repeatable source of randomness (SplitMix64).
struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(_ parts: UInt64...) {
        state = 0
        for part in parts { state = (state ^ part) &* 0x9E37_79B9_7F4A_7C15 &+ 0x2545_F491_4F6C_DD1D }
    }

    mutating func next() -> UInt64 {
        state &+= UInt64.mixingStep
        return state.mixed
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
