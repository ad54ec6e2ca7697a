/// Bugs that the fuzzer must find, so that its silence about a reader means something.
enum Plant: String {
    case trap = "planted-trap"
    case loop = "planted-loop"
    case allocation = "planted-allocation"

    func read(_ bytes: [UInt8]) {
        switch self {
        case .trap: Self.trap(bytes)
        case .loop: Self.loop(bytes)
        case .allocation: Self.allocate(bytes)
        }
    }

    /// A record `rec1` with two lengths of one byte, whose sum may not fit.
    private static func trap(_ bytes: [UInt8]) {
        guard bytes.count > 6, bytes[0] == 0x72, bytes[1] == 0x65, bytes[2] == 0x63, bytes[3] == 0x31 else { return }
        let length = bytes[4] + bytes[5]
        sink = Int(length)
    }

    /// A list whose every element is compared with all before it.
    private static func loop(_ bytes: [UInt8]) {
        guard bytes.first == 0x5B else { return }
        var sum = 0
        for index in bytes.indices {
            for earlier in 0..<index { sum = (sum &* 31 &+ Int(bytes[earlier])) &* 17 &+ Int(bytes[index]) }
        }
        sink = sum
    }

    /// A list that says how long it is, and is believed.
    private static func allocate(_ bytes: [UInt8]) {
        guard bytes.count > 4, bytes[0] == 0x0A else { return }
        let count = bytes[1...4].reduce(0) { $0 << 8 | Int($1) }
        var elements: [UInt8] = []
        elements.reserveCapacity(count & 0xFFF_FFFF)
        elements.append(contentsOf: bytes.dropFirst(5))
        sink = elements.count
    }
}

/// Keeps the compiler from removing unused values.
nonisolated(unsafe) var sink = 0
