public import SillokCore

/// The keys of the index: negative for names, from 0 for event ids, whose keys ``IDKeys`` computes.
@usableFromInline
package enum IndexKey {
    /// The first key of ids that are not ordered by time.
    @inlinable package static var firstUnordered: Int64 { 1 << 62 }

    /// Returns the key of a name's number.
    @inlinable package static func name(_ number: Int64) -> Int64 { -number }

    /// Calls `body` once with every key under which the index holds an event.
    ///
    /// - Parameters:
    ///   - id: the key of the event's id.
    ///   - type: the number of its type. Here and below, numbers are those of names.
    ///   - tags: the numbers of its tags.
    ///   - stream: the number of its stream, or 0 without one.
    ///   - category: the number of the stream's category.
    @inlinable @inline(__always)
    package static func each(
        id: Int64, type: Int64, tags: [Int64], stream: Int64, category: Int64, _ body: (Int64) -> Void
    ) {
        body(id)
        body(name(type))
        for (index, tag) in tags.enumerated() where !tags[..<index].contains(tag) { body(name(tag)) }
        guard stream != 0 else { return }
        body(name(stream))
        body(name(category))
    }

    /// Returns whether a key belongs to an id that is ordered by time.
    @inlinable package static func isTimeOrdered(_ key: Int64) -> Bool { key >= 0 && key < firstUnordered }

    /// Returns whether an id has its time in its first bits, and that time is before the year 2109.
    @inlinable
    package static func isTimeOrdered(_ id: EventID) -> Bool {
        id.high >> 12 & 0xF == 7 && id.low >> 62 == 2 && id.high >> 58 == 0
    }

    /// Spreads every bit of a number over all bits.
    @inlinable package static func mix(_ value: UInt64) -> UInt64 { SplitMix64.mix(value &+ SplitMix64.step) }
}
