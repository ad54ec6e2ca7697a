/// A set of index keys that may contain a key that was never added, but never misses one that was: a split-block Bloom
/// filter, which grows in layers.
///
/// A layer has 16 bits for each of its keys, so about one unknown key in 800 is taken for a known one. Each layer has
/// twice the size of the one before it. When the maximum size is reached, the last layer takes all further keys, and
/// the share of wrong answers grows.
package struct KeyFilter: Sendable {
    private struct Layer: Sendable {
        var blocks: ContiguousArray<SIMD8<UInt32>>
        /// The number of keys that were added.
        var count = 0

        init(blocks: Int) { self.blocks = ContiguousArray(repeating: .zero, count: blocks) }

        var bytes: Int { blocks.count * KeyFilter.blockBytes }
        /// 16 bits a key.
        var isFull: Bool { count >= blocks.count * KeyFilter.keysPerBlock }
    }

    /// A key that is looked up, with its bits in a block.
    private struct HashedKey {
        let hash: UInt64
        let mask: SIMD8<UInt32>
    }

    private static let blockBytes = 32
    private static let keysPerBlock = 16
    /// Odd numbers, one for each word of a block: the usual ones of such filters.
    private static let factors = SIMD8<UInt32>(
        0x47B6_137B, 0x4497_4D91, 0x8824_AD5B, 0xA2B7_289D, 0x7054_95C7, 0x2DF1_424B, 0x9EFC_4947, 0x5C6B_FB31)

    private var layers: [Layer]
    private let maximumBytes: Int

    /// - Parameters:
    ///   - keys: the number of keys for which the first layer has space.
    ///   - maximumBytes: the memory that all layers may take. The first layer may take more.
    package init(keys: Int = 65_536, maximumBytes: Int) {
        layers = [Layer(blocks: max(1, keys / Self.keysPerBlock))]
        self.maximumBytes = maximumBytes
    }

    /// The memory that the layers take.
    package var bytes: Int { layers.reduce(0) { $0 + $1.bytes } }

    /// Adds a key, unless the filter contains it already.
    ///
    /// - Parameter isNew: whether the key was probably never added. Then this is not checked.
    package mutating func insert(_ key: Int64, isNew: Bool = false) {
        let hash = IndexKey.mix(UInt64(bitPattern: key))
        let mask = Self.mask(hash)
        if !isNew, contains(hash, mask) { return }
        var last = layers.count - 1
        if layers[last].isFull {
            let blocks = 2 * layers[last].blocks.count
            if bytes + blocks * Self.blockBytes <= maximumBytes {
                layers.append(Layer(blocks: blocks))
                last += 1
            }
        }
        layers[last].blocks[Self.place(hash, layers[last].blocks.count)] |= mask
        layers[last].count += 1
    }

    /// Returns whether a key may have been added; `false`: it certainly was not.
    package func mayContain(_ key: Int64) -> Bool {
        let hash = IndexKey.mix(UInt64(bitPattern: key))
        return contains(hash, Self.mask(hash))
    }

    private func contains(_ hash: UInt64, _ mask: SIMD8<UInt32>) -> Bool {
        layers.indices.contains { layers[$0].blocks[Self.place(hash, layers[$0].blocks.count)] & mask == mask }
    }

    /// Calls `body` with the index of each key that may have been added.
    ///
    /// Looks up some keys at a time, so that the processor waits for the memory of several at once.
    package func find(_ keys: [Int64], _ body: (Int) -> Void) {
        withUnsafeTemporaryAllocation(of: HashedKey.self, capacity: 64) { looked in
            for start in stride(from: 0, to: keys.count, by: 64) {
                let count = min(64, keys.count - start)
                for index in 0..<count {
                    let hash = IndexKey.mix(UInt64(bitPattern: keys[start + index]))
                    looked[index] = HashedKey(hash: hash, mask: Self.mask(hash))
                }
                var found = find(looked[..<count])
                while found != 0 {
                    body(start + found.trailingZeroBitCount)
                    found &= found &- 1
                }
            }
        }
    }

    /// Returns a bit for each of at most 64 keys that may have been added.
    private func find(_ keys: Slice<UnsafeMutableBufferPointer<HashedKey>>) -> UInt64 {
        let keys = UnsafeMutableBufferPointer(rebasing: keys)
        var found: UInt64 = 0
        for layer in layers {
            layer.blocks.withUnsafeBufferPointer { blocks in
                for index in keys.indices {
                    let block = blocks[Self.place(keys[index].hash, blocks.count)]
                    if block & keys[index].mask == keys[index].mask { found |= 1 << UInt64(index) }
                }
            }
        }
        return found
    }

    /// One bit in each word, chosen by the lower half of the hash.
    private static func mask(_ hash: UInt64) -> SIMD8<UInt32> {
        let low = SIMD8<UInt32>(repeating: UInt32(truncatingIfNeeded: hash))
        return SIMD8<UInt32>(repeating: 1) &<< ((low &* factors) &>> 27)
    }

    /// The block, chosen by the upper half of the hash.
    private static func place(_ hash: UInt64, _ blocks: Int) -> Int {
        Int(truncatingIfNeeded: ((hash >> 32) &* UInt64(truncatingIfNeeded: blocks)) >> 32)
    }
}
