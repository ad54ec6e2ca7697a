package import SillokCore

/// The index of the newest events, which one connection keeps in memory. It covers all events after those in the table
/// `entries`.
///
/// Every key has a chain of its entries, newest first. Each entry also points to an older one further back. So the
/// number of hops to any place of a chain grows with the logarithm of its length. The newest additions can be undone.
@usableFromInline
package struct IndexTail: Sendable {
    @usableFromInline
    package struct Entry: Sendable {
        @usableFromInline package let key: Int64
        @usableFromInline package let position: Int64
        /// The entry's place in the chain of its key, from 0.
        @usableFromInline let rank: Int32
        /// The previous entry in the chain, −1 if this is the first.
        @usableFromInline let previous: Int32
        /// An older entry, or itself if it is the first. Chosen as in a skew-binary list, for a few hops to each.
        @usableFromInline let jump: Int32
        @usableFromInline let node: Int32

        @inlinable
        init(key: Int64, position: Int64, rank: Int32, previous: Int32, jump: Int32, node: Int32) {
            (self.key, self.position) = (key, position)
            (self.rank, self.previous, self.jump, self.node) = (rank, previous, jump, node)
        }
    }

    /// A key that has entries.
    @usableFromInline
    struct Node: Sendable {
        @usableFromInline let key: Int64
        @usableFromInline var newest: Int32
        /// The next key of its bucket, −1 at the end.
        @usableFromInline let next: Int32

        @inlinable
        init(key: Int64, newest: Int32, next: Int32) {
            (self.key, self.newest, self.next) = (key, newest, next)
        }
    }

    /// The last position before the tail. Up to here the table `entries` is complete.
    @usableFromInline package internal(set) var start: Int64 = 0
    /// The last position whose entries are in the tail.
    @usableFromInline package internal(set) var end: Int64 = 0
    /// The entries, in the order of positions.
    @usableFromInline package internal(set) var entries: ContiguousArray<Entry> = []
    /// The keys, in the order in which they were added, so that the last one can be removed.
    @usableFromInline var nodes: ContiguousArray<Node> = []
    @usableFromInline var buckets: ContiguousArray<Int32>
    @usableFromInline let mask: UInt64

    /// - Parameter capacity: the usual number of entries.
    package init(capacity: Int) {
        var count = 16
        while count < capacity { count *= 2 }
        buckets = ContiguousArray(repeating: -1, count: count)
        mask = UInt64(count - 1)
    }

    /// Removes all entries; new ones begin after a position.
    package mutating func restart(after position: Int64) {
        for index in buckets.indices { buckets[index] = -1 }
        let keepsCapacity = entries.count < 4 * buckets.count
        entries.removeAll(keepingCapacity: keepsCapacity)
        nodes.removeAll(keepingCapacity: keepsCapacity)
        (start, end) = (position, position)
    }

    /// Removes the entries up to a position, because the table `entries` holds them now.
    package mutating func forget(through position: Int64) {
        let (kept, last) = (entries.filter { $0.position > position }, end)
        restart(after: position)
        for entry in kept { add(entry.key, entry.position) }
        end = max(last, position)
    }

    /// The entries in the order of keys, and of positions under each key.
    package var sortedEntries: [Entry] {
        var sorted: [Entry] = []
        sorted.reserveCapacity(entries.count)
        for newest in sortedChains {
            let first = sorted.count
            var index = newest
            while index >= 0 {
                let entry = entries[Int(index)]
                sorted.append(entry)
                index = entry.previous
            }
            sorted[first...].reverse()
        }
        return sorted
    }

    /// The newest entry of each key, in the order of keys.
    ///
    /// A radix sort: keys of ids differ in all of their bits, so comparing them would take several times as long.
    private var sortedChains: ContiguousArray<Int32> {
        if nodes.count < 4096 { return ContiguousArray(nodes.sorted { $0.key < $1.key }.map(\.newest)) }
        var (sorted, other) = (nodes, nodes)
        sorted.withUnsafeMutableBufferPointer { sorted in
            other.withUnsafeMutableBufferPointer { other in
                // An even number of passes, the lowest bits first: after the last one `sorted` has the result.
                for shift in stride(from: 0 as UInt64, to: 64, by: 22) {
                    Self.distribute(sorted, to: other, by: shift)
                    Self.distribute(other, to: sorted, by: shift + 11)
                }
            }
        }
        return ContiguousArray(sorted.lazy.map(\.newest))
    }

    /// Copies nodes in the order of 11 bits of their keys. Nodes with the same bits keep their order.
    private static func distribute(
        _ source: UnsafeMutableBufferPointer<Node>, to target: UnsafeMutableBufferPointer<Node>, by shift: UInt64
    ) {
        let digits = 1 << 11
        func digit(_ node: Node) -> Int {
            // Negative keys come first.
            Int(truncatingIfNeeded: (UInt64(bitPattern: node.key) ^ 1 << 63) >> shift) & (digits - 1)
        }
        withUnsafeTemporaryAllocation(of: Int.self, capacity: digits) { places in
            places.initialize(repeating: 0)
            for node in source { places[digit(node)] += 1 }
            var next = 0
            for index in places.indices { (places[index], next) = (next, next + places[index]) }
            for node in source {
                let found = digit(node)
                target[places[found]] = node
                places[found] += 1
            }
        }
    }

    /// Calls `body` with the index of each key that has entries.
    ///
    /// Looks up some keys at a time, so that the processor waits for the memory of several at once.
    package func find(_ keys: [Int64], _ body: (Int) -> Void) {
        let size = 64
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: size) { found in
            keys.withUnsafeBufferPointer { keys in
                buckets.withUnsafeBufferPointer { buckets in
                    for start in stride(from: 0, to: keys.count, by: size) {
                        let count = min(size, keys.count - start)
                        for index in 0..<count { found[index] = buckets[bucket(keys[start + index])] }
                        for index in 0..<count where found[index] >= 0 {
                            if node(keys[start + index], from: found[index]) >= 0 { body(start + index) }
                        }
                    }
                }
            }
        }
    }

    /// Undoes the additions for events after a position.
    package mutating func rewind(to position: Int64) {
        while let entry = entries.last, entry.position > position {
            entries.removeLast()
            if entry.previous >= 0 {
                nodes[Int(entry.node)].newest = entry.previous
            } else {
                // The key of a first entry is the last key that was added.
                let node = nodes.removeLast()
                buckets[bucket(node.key)] = node.next
            }
        }
        end = min(end, position)
    }

    /// Adds an entry of an event. Its position must not be lower than that of any earlier one.
    @inlinable @inline(__always)
    package mutating func add(_ key: Int64, _ position: Int64) {
        let bucket = bucket(key)
        let node = node(key, from: buckets[bucket])
        if node >= 0 { append(position, to: node) } else { addNode(key, position, in: bucket) }
        end = position
    }

    /// Adds the entries of events that follow one another and have all of the same names.
    ///
    /// - Parameters:
    ///   - ids: the key of the id of each event.
    ///   - names: the keys of all names of each event.
    ///   - first: the position of the first event.
    package mutating func add(ids: ArraySlice<Int64>, names: ArraySlice<Int64>, from first: Int64) {
        var position = first
        var places: ContiguousArray<Int32> = []
        for id in ids {
            add(id, position)
            if places.isEmpty {
                for name in names { add(name, position) }
                // The names of the other events need no lookup.
                if ids.count > 1 { for name in names { places.append(node(name)) } }
            } else {
                for place in places { append(position, to: place) }
            }
            position += 1
        }
    }

    /// Adds an entry to the chain of a key.
    @inlinable @inline(__always)
    mutating func append(_ position: Int64, to node: Int32) {
        let index = Int32(truncatingIfNeeded: entries.count)
        let previous = nodes[Int(node)].newest
        let before = entries[Int(previous)]
        let jump = entries[Int(before.jump)]
        let isEven = before.rank - jump.rank == jump.rank - entries[Int(jump.jump)].rank
        entries.append(
            Entry(
                key: before.key, position: position, rank: before.rank + 1, previous: previous,
                jump: isEven ? jump.jump : previous, node: node))
        nodes[Int(node)].newest = index
    }

    /// Adds the first entry of a key.
    @inlinable @inline(__always)
    mutating func addNode(_ key: Int64, _ position: Int64, in bucket: Int) {
        let (index, added) = (Int32(truncatingIfNeeded: entries.count), Int32(truncatingIfNeeded: nodes.count))
        entries.append(Entry(key: key, position: position, rank: 0, previous: -1, jump: index, node: added))
        nodes.append(Node(key: key, newest: index, next: buckets[bucket]))
        buckets[bucket] = added
    }

    /// Appends up to `limit` positions of a key to `positions`, from `bound` on in a direction.
    package func read(
        _ key: Int64, from bound: Int64, _ direction: ReadRequest.Direction, limit: Int, into positions: inout [Int64]
    ) {
        let node = node(key)
        guard node >= 0, limit > 0 else { return }
        let newest = nodes[Int(node)].newest
        switch direction {
        case .backward:
            guard var index = newestEntry(from: newest, where: { $0.position <= bound }) else { return }
            for _ in 0..<limit {
                positions.append(entries[Int(index)].position)
                index = entries[Int(index)].previous
                if index < 0 { return }
            }
        case .forward:
            guard entries[Int(newest)].position >= bound else { return }
            // The last entry before the bound, or −1.
            let before = newestEntry(from: newest) { $0.position < bound }
            let lowest = before.map { entries[Int($0)].rank + 1 } ?? 0
            let highest = lowest.addingReportingOverflow(Int32(clamping: limit - 1))
            let last = highest.overflow ? entries[Int(newest)].rank : highest.partialValue
            guard var index = newestEntry(from: newest, where: { $0.rank <= last }) else { return }
            let first = positions.count
            while index >= 0, entries[Int(index)].rank >= lowest {
                positions.append(entries[Int(index)].position)
                index = entries[Int(index)].previous
            }
            positions[first...].reverse()
        }
    }

    /// Returns the newest entry of a chain for which a condition holds. It must hold for all older ones too.
    private func newestEntry(from newest: Int32, where holds: (Entry) -> Bool) -> Int32? {
        var index = newest
        while true {
            let entry = entries[Int(index)]
            if holds(entry) { return index }
            if entry.previous < 0 { return nil }
            index = holds(entries[Int(entry.jump)]) ? entry.previous : entry.jump
        }
    }

    /// Returns the node of a key, or −1.
    private func node(_ key: Int64) -> Int32 { node(key, from: buckets[bucket(key)]) }

    /// Returns the node of a key in the rest of a bucket, or −1.
    @inlinable @inline(__always)
    func node(_ key: Int64, from first: Int32) -> Int32 {
        var index = first
        while index >= 0 {
            let node = nodes[Int(index)]
            if node.key == key { return index }
            index = node.next
        }
        return -1
    }

    @inlinable @inline(__always)
    func bucket(_ key: Int64) -> Int {
        Int(truncatingIfNeeded: IndexKey.mix(UInt64(bitPattern: key)) & mask)
    }
}
