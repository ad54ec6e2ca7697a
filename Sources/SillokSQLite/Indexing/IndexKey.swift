import SillokCore

/// The keys of the index: negative for names, from 0 on for the fingerprints of event ids.
enum IndexKey {
    /// The first key of ids that are not ordered by time.
    static let firstUnordered: Int64 = 1 << 62

    /// The key of a name's number.
    static func name(_ number: Int64) -> Int64 { -number }

    /// The key of an event id: ids are told apart at the event itself, the key only finds the candidates.
    ///
    /// For version 7: 42 bits of milliseconds, then 20 bits that scatter the ids of one millisecond.
    static func id(_ id: EventID) -> Int64 {
        let mixed = mix(id.high ^ mix(id.low))
        if isTimeOrdered(id) { return Int64(bitPattern: (id.high >> 16) << 20 | mixed >> 44) }
        return firstUnordered | Int64(bitPattern: mixed >> 2)
    }

    /// Whether an id carries its time in its first bits, a time before the year 2109.
    static func isTimeOrdered(_ id: EventID) -> Bool {
        id.high >> 12 & 0xF == 7 && id.low >> 62 == 2 && id.high >> 58 == 0
    }

    /// Spreads every bit of a number over all bits.
    static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value &+ 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
