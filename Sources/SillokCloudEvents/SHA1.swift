/// SHA-1 (RFC 3174), which the ids of version 5 are made with (RFC 9562). It protects nothing here.
enum SHA1 {
    /// The digest of some bytes: 20 bytes.
    static func digest(_ bytes: [UInt8]) -> [UInt8] {
        var words: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
        let padded = padded(bytes)
        for start in stride(from: 0, to: padded.count, by: 64) { mix(padded[start..<start + 64], into: &words) }
        return words.flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } }
    }

    /// The bytes, a one bit, zeros, and the length in bits: a multiple of 64 bytes.
    private static func padded(_ bytes: [UInt8]) -> [UInt8] {
        var padded = bytes + [0x80]
        while padded.count % 64 != 56 { padded.append(0) }
        return padded + withUnsafeBytes(of: (UInt64(bytes.count) &* 8).bigEndian) { Array($0) }
    }

    private static func mix(_ block: ArraySlice<UInt8>, into words: inout [UInt32]) {
        var schedule: [UInt32] = []
        schedule.reserveCapacity(80)
        for offset in stride(from: block.startIndex, to: block.endIndex, by: 4) {
            schedule.append(block[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) })
        }
        for index in 16..<80 {
            let word = schedule[index - 3] ^ schedule[index - 8] ^ schedule[index - 14] ^ schedule[index - 16]
            schedule.append(word << 1 | word >> 31)
        }
        var (a, b, c, d, e) = (words[0], words[1], words[2], words[3], words[4])
        for (index, word) in schedule.enumerated() {
            let (choice, constant): (UInt32, UInt32) =
                switch index {
                case ..<20: (b & c | ~b & d, 0x5A82_7999)
                case ..<40: (b ^ c ^ d, 0x6ED9_EBA1)
                case ..<60: (b & c | b & d | c & d, 0x8F1B_BCDC)
                default: (b ^ c ^ d, 0xCA62_C1D6)
                }
            let next = (a << 5 | a >> 27) &+ choice &+ e &+ constant &+ word
            (a, b, c, d, e) = (next, a, b << 30 | b >> 2, c, d)
        }
        for (index, value) in [a, b, c, d, e].enumerated() { words[index] &+= value }
    }
}
