/// A sum of fingerprints that does not depend on their order.
package struct EntrySum: Equatable {
    private var value: UInt64 = 0

    package init() {}

    /// Adds the entry of `key` at `position`; for a stream, also its `revision`.
    package mutating func add(_ key: Int64, _ position: Int64, revision: Int64) {
        let place = IndexKey.mix(UInt64(bitPattern: position) ^ IndexKey.mix(UInt64(bitPattern: revision)))
        value &+= IndexKey.mix(place ^ IndexKey.mix(UInt64(bitPattern: key)))
    }
}
