// Two functions that spread the bits of a number and of bytes: the same on every machine and in every version, unlike
// those of `Hasher`. What they give is stored, so neither may change.

extension UInt64 {
    /// What SplitMix64 adds before it mixes.
    @inlinable package static var mixingStep: UInt64 { 0x9E37_79B9_7F4A_7C15 }

    /// The number with every bit spread over all bits, as SplitMix64 does it.
    @inlinable package var mixed: UInt64 {
        var mixed = (self ^ (self >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A sum that has taken one more number: a changed number changes all bits.
    @inlinable package func mixed(with number: UInt64) -> UInt64 { ((self &+ Self.mixingStep) ^ number).mixed }
}

extension String {
    /// The sum of the UTF-8 bytes by FNV-1a.
    package var fnv1a: UInt64 {
        var sum = UInt64.fnv1aStart
        for byte in utf8 { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return sum
    }
}

extension UInt64 {
    /// The sum of no bytes by FNV-1a.
    package static let fnv1aStart: UInt64 = 0xCBF2_9CE4_8422_2325
}
