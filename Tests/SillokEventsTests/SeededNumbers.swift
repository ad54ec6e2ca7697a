import Foundation

/// Random numbers that a seed repeats; `SILLOK_SEED`, or a new one.
struct SeededNumbers: RandomNumberGenerator {
    let seed: UInt64
    private var state: UInt64

    init() {
        seed =
            ProcessInfo.processInfo.environment["SILLOK_SEED"].flatMap { UInt64($0) }
            ?? UInt64.random(in: 1...UInt64(UInt32.max))
        state = seed
    }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state &* 0x2545_F491_4F6C_DD1D
    }
}

/// Encodes and decodes again.
func throughJSON<Value: Codable>(_ value: Value) throws -> Value {
    try JSONDecoder().decode([Value].self, from: JSONEncoder().encode([value]))[0]
}
