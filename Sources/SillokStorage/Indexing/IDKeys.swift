public import CSillok
public import SillokCore

/// The function that computes the index keys of event ids for one store.
///
/// The key is a hash with a secret of the store. A caller that does not know the secret cannot choose ids that share a
/// key, so a lookup usually reads one candidate. A store of a format before 4 has no secret.
@usableFromInline
package struct IDKeys: Equatable, Sendable {
    /// The secret of a store, 128 bits.
    @usableFromInline
    package struct Secret: Equatable, Sendable {
        @usableFromInline package let low: UInt64
        @usableFromInline package let high: UInt64

        /// Creates a new secret from a source of randomness.
        package init(from random: inout some RandomNumberGenerator) {
            low = random.next()
            high = random.next()
        }

        /// Decodes the 16 bytes that ``bytes`` returned; returns `nil` for any other number of bytes.
        package init?(_ bytes: UnsafeRawBufferPointer) {
            guard bytes.count == 16 else { return nil }
            low = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
            high = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }

        /// The stored form of the secret.
        package var bytes: [UInt8] { withUnsafeBytes(of: (low.littleEndian, high.littleEndian)) { Array($0) } }
    }

    /// `nil` for a store of a format before 4.
    @usableFromInline package let secret: Secret?

    package init(secret: Secret?) { self.secret = secret }

    /// Returns the key of an event id. Different ids may share a key, so the id of the event itself must be compared.
    ///
    /// For version 7 the key has 42 bits of milliseconds and then 20 bits of the hash. So keys rise with time, and new
    /// entries go to one place of the index.
    @inlinable
    package func key(_ id: EventID) -> Int64 {
        let hash =
            if let secret {
                sillok_siphash(secret.low, secret.high, id.high, id.low)
            } else {
                IndexKey.mix(id.high ^ IndexKey.mix(id.low))
            }
        if IndexKey.isTimeOrdered(id) { return Int64(bitPattern: (id.high >> 16) << 20 | hash >> 44) }
        return IndexKey.firstUnordered | Int64(bitPattern: hash >> 2)
    }
}
