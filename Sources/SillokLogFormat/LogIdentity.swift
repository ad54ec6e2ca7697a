package import SillokCore

/// Which log it is: what the file `store` says.
package struct LogIdentity: Hashable, Sendable {
    /// The identity of the store.
    package var store: StoreID
    /// The key of the hashes in the index (SipHash), so that no caller can choose names or ids that collide.
    package var hashKey: HashKey
    /// When the store was created.
    package var createdAt: Timestamp
    /// The first position in the hash chain; `nil` for a log without a chain.
    package var chainStart: Position?

    /// A key of SipHash.
    package struct HashKey: Hashable, Sendable {
        package var low: UInt64
        package var high: UInt64

        package init(low: UInt64, high: UInt64) { (self.low, self.high) = (low, high) }
    }

    package init(store: StoreID, hashKey: HashKey, createdAt: Timestamp, chainStart: Position?) {
        self.store = store
        self.hashKey = hashKey
        self.createdAt = createdAt
        self.chainStart = chainStart
    }
}
