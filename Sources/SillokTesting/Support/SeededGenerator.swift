import SillokCore

/// Random numbers that a seed repeats exactly (SplitMix64).
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= UInt64.mixingStep
        return state.mixed
    }

    /// True once in `count` times.
    package mutating func once(in count: Int) -> Bool { Int.random(in: 0..<count, using: &self) == 0 }

    /// One of the choices; `fallback` if there is none.
    package mutating func pick<Choice>(_ choices: [Choice], or fallback: Choice) -> Choice {
        choices.randomElement(using: &self) ?? fallback
    }
}
