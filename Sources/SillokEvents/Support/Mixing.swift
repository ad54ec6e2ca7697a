// Sums that are the same on every machine and in every version, unlike those of `Hasher`: they are stored.

/// SplitMix64. Inlinable, because the index of the newest events mixes each key of each event.
@usableFromInline
package enum SplitMix64 {
    /// What is added before mixing.
    @inlinable package static var step: UInt64 { 0x9E37_79B9_7F4A_7C15 }

    /// Returns the number with every bit spread over all bits.
    @inlinable
    package static func mix(_ number: UInt64) -> UInt64 {
        var mixed = (number ^ (number >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension UInt64 {
    /// What SplitMix64 adds before it mixes.
    package static let mixingStep: UInt64 = SplitMix64.step
    /// The sum of no bytes by FNV-1a.
    package static let fnv1aStart: UInt64 = 0xCBF2_9CE4_8422_2325

    /// The number with every bit spread over all bits by SplitMix64.
    package var mixed: UInt64 { SplitMix64.mix(self) }

    /// A sum that has taken one more number.
    package func mixed(with number: UInt64) -> UInt64 { ((self &+ Self.mixingStep) ^ number).mixed }
}

extension String {
    /// The sum of the UTF-8 bytes by FNV-1a.
    package var fnv1a: UInt64 { utf8.reduce(.fnv1aStart) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } }
}
