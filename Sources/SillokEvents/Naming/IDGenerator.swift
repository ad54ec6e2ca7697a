import SillokSystem

/// A generator of time-ordered ids (UUID version 7), each greater than the previous one of this generator.
///
/// Clock and randomness are given to `init`, so that a test or a simulation can repeat them exactly. A generator is
/// safe to share between tasks.
public final class IDGenerator: Sendable {
    private struct State {
        var milliseconds: UInt64 = 0
        var sequence: UInt64 = 0
        var random: any RandomNumberGenerator & Sendable
    }

    private let clock: WallClock
    private let state: Lock<State>

    /// The generator that runs on the system's clock and randomness.
    public static let system = IDGenerator()

    /// Creates a generator that uses `clock` and `random`.
    public init(
        clock: WallClock = .system,
        random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        self.clock = clock
        self.state = Lock(State(random: random is SystemRandomNumberGenerator ? SystemRandomBlocks() : random))
    }

    /// Returns a new id: 48 bits of milliseconds, 12 bits that rise within a millisecond, 62 bits of randomness.
    public func next<ID: UniqueID>() -> ID {
        let now = UInt64(clamping: clock.now().microsecondsSince1970 / 1000) & 0xFFFF_FFFF_FFFF
        return state.withLock { state in
            if now > state.milliseconds {
                state.milliseconds = now
                state.sequence = 0
            } else if state.sequence == 0xFFF {
                state.milliseconds = (state.milliseconds + 1) & 0xFFFF_FFFF_FFFF
                state.sequence = 0
            } else {
                state.sequence += 1
            }
            let random: UInt64 = state.random.next()
            return ID(
                high: state.milliseconds << 16 | 0x7000 | state.sequence,
                low: random & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
        }
    }
}

/// The randomness of the system, taken in blocks: a call of the system for each id would cost more than the id.
private struct SystemRandomBlocks: RandomNumberGenerator, Sendable {
    /// The number of bytes that the system gives in one call at most.
    private static let bytes = 256
    private var block: [UInt64] = []

    mutating func next() -> UInt64 {
        if let number = block.popLast() { return number }
        var system = SystemRandomNumberGenerator()
        let count = Self.bytes / MemoryLayout<UInt64>.size
        block = [UInt64](unsafeUninitializedCapacity: count) { memory, initialized in
            let isFilled = getentropy(memory.baseAddress, Self.bytes) == 0
            initialized = isFilled ? count : 0
        }
        return block.popLast() ?? system.next()
    }
}
