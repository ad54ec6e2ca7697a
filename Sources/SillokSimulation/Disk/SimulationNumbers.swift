import SillokCore

/// Random numbers that a seed repeats.
package struct SimulationNumbers: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// Creates the numbers of a seed and a purpose. Two purposes of one seed have nothing in common.
    package init(seed: UInt64, purpose: UInt64 = 0) { state = purpose.mixed(with: seed) }

    package mutating func next() -> UInt64 {
        state &+= UInt64.mixingStep
        return state.mixed
    }

    /// Returns a number from 0 to `bound` - 1, and 0 if `bound` is less than 1.
    package mutating func below(_ bound: Int) -> Int { bound < 1 ? 0 : Int(next() % UInt64(bound)) }

    /// Returns a number of the range.
    package mutating func number(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + below(range.upperBound - range.lowerBound + 1)
    }

    /// Returns true in `times` of 1,000 cases.
    package mutating func happens(_ times: Int) -> Bool { times > 0 && below(1_000) < times }

    /// Returns one of the elements.
    package mutating func element<Element>(_ elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[below(elements.count)]
    }
}
