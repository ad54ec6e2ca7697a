import SillokCore

/// The number of bytes that a disk writes whole or not at all.
package let sectorBytes = 512

/// A file of a simulated disk: the bytes that processes see, those that a power cut leaves, and the versions between.
struct FileNode: Sendable {
    /// What `read` returns: the system's cache.
    var seen: [UInt8] = []
    /// What is on the disk. Its length is the durable length.
    var kept: [UInt8] = []

    /// The sectors written since the last sync, in the order of the writes, and after each write all of the sector.
    private var dirty: [Int] = []
    private var versions: [UInt8] = []
    /// The lengths since the last sync.
    private(set) var sizes: [Int] = []
    /// Sectors that a failed sync has declared clean although the disk may hold older bytes.
    private var strays: Set<Int> = []

    /// Replaces all bytes, as if they had always been on the disk.
    mutating func replace(_ bytes: [UInt8]) {
        self = FileNode()
        (seen, kept) = (bytes, bytes)
    }

    mutating func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        let end = offset + bytes.count
        extend(to: end)
        guard !bytes.isEmpty else { return }
        seen.withUnsafeMutableBytes { seen in
            UnsafeMutableRawBufferPointer(rebasing: seen[offset..<end]).copyMemory(from: bytes)
        }
        for sector in offset / sectorBytes...(end - 1) / sectorBytes {
            dirty.append(sector)
            strays.remove(sector)
            let rest = seen[sector * sectorBytes..<min(seen.count, (sector + 1) * sectorBytes)]
            versions.append(contentsOf: rest)
            versions.append(contentsOf: repeatElement(0, count: sectorBytes - rest.count))
        }
    }

    /// Adds zeros up to a length. Behind the durable length a power cut can lose the length, and never leaves others.
    mutating func extend(to end: Int) {
        guard end > seen.count else { return }
        seen.append(contentsOf: repeatElement(0, count: end - seen.count))
        sizes.append(end)
    }

    /// Makes what was written durable. Without `withLength`, bytes behind the durable length stay unsynced.
    mutating func sync(withLength: Bool) {
        if withLength {
            resize(to: seen.count)
            sizes = []
        }
        var waiting = [Int]()
        for (index, sector) in dirty.enumerated() {
            if sector * sectorBytes < kept.count { keep(index, of: sector) } else { waiting.append(index) }
        }
        let bytes = versions
        versions = waiting.flatMap { bytes[$0 * sectorBytes..<($0 + 1) * sectorBytes] }
        dirty = waiting.map { dirty[$0] }
    }

    /// Fails a sync as Linux does: any version of each sector is on the disk, the cache keeps the newest one, and no
    /// later sync writes it again.
    mutating func failSync(_ choose: (Int) -> Int) {
        for (sector, indexes) in grouped() where sector * sectorBytes < kept.count {
            keep(choose(indexes.count), of: indexes, at: sector)
            strays.insert(sector)
        }
        (dirty, versions) = ([], [])
    }

    /// What a power cut may leave or lose, each with its number of versions: sectors in their order, then the length.
    var unsynced: [Int] {
        grouped().map(\.indexes.count) + (sizes.isEmpty ? [] : [sizes.count])
    }

    /// Cuts the power. `choose` gets a number of versions and returns one, 0 for the oldest, which is on the disk.
    mutating func cut(_ choose: (Int) -> Int) {
        let groups = grouped()
        let chosen = groups.map { choose($0.indexes.count) }
        if !sizes.isEmpty {
            let size = choose(sizes.count)
            if size > 0 { resize(to: sizes[size - 1]) }
        }
        for (group, version) in zip(groups, chosen) { keep(version, of: group.indexes, at: group.sector) }
        replace(kept)
    }

    /// Lets the system forget clean pages, which it reads from the disk when they are asked for again.
    mutating func evict() {
        for sector in strays {
            let range = sector * sectorBytes..<min(kept.count, seen.count, (sector + 1) * sectorBytes)
            guard !range.isEmpty else { continue }
            seen.replaceSubrange(range, with: kept[range])
        }
        strays = []
    }

    func hash(into hasher: inout Hasher) {
        for bytes in [seen, kept] { bytes.withUnsafeBytes { hasher.combine(bytes: $0) } }
        hasher.combine(dirty)
    }

    func isSame(as other: FileNode) -> Bool {
        seen == other.seen && kept == other.kept && dirty == other.dirty
    }

    /// Whether a power cut leaves these bytes unchanged.
    func isDurable(_ range: Range<Int>) -> Bool {
        range.upperBound <= kept.count && seen[range] == kept[range]
            && !dirty.contains { $0 >= range.lowerBound / sectorBytes && $0 * sectorBytes < range.upperBound }
    }

    private func grouped() -> [(sector: Int, indexes: [Int])] {
        var indexes: [Int: [Int]] = [:]
        for (index, sector) in dirty.enumerated() { indexes[sector, default: []].append(index) }
        return indexes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private mutating func resize(to size: Int) {
        if size <= kept.count {
            kept.removeLast(kept.count - size)
        } else {
            kept.append(contentsOf: repeatElement(0, count: size - kept.count))
        }
    }

    private mutating func keep(_ version: Int, of indexes: [Int], at sector: Int) {
        guard version > 0 else { return }
        keep(indexes[version - 1], of: sector)
    }

    private mutating func keep(_ index: Int, of sector: Int) {
        let start = sector * sectorBytes
        let count = min(sectorBytes, kept.count - start)
        guard count > 0 else { return }
        kept.withUnsafeMutableBytes { kept in
            versions.withUnsafeBytes { versions in
                let from = versions[index * sectorBytes..<index * sectorBytes + count]
                UnsafeMutableRawBufferPointer(rebasing: kept[start..<start + count])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: from))
            }
        }
    }
}
