package import SillokChain

/// Reads the records of a log, on any thread, with `pread` only.
///
/// It reads what was written, also what is not yet durable; the caller decides which positions may be seen.
package final class SegmentReader: Sendable {
    /// The first position of the log's first event, and the last one that is durable.
    package var durableHead: UInt64 { fatalError("follows") }

    /// Calls `body` with the event at a position.
    package func record<Result>(
        at position: UInt64, _ body: (RecordView) throws -> Result
    ) throws -> Result { fatalError("follows") }

    /// Calls `body` with each event of the range in order, until it returns `false`. Reads large blocks.
    package func forEach(
        from first: UInt64, through last: UInt64, _ body: (RecordView) throws -> Bool
    ) throws { fatalError("follows") }

    /// Calls `body` with every record from the one that belongs to `first`: events, and tracking records whose position
    /// is not below `first`. For filling an index.
    package func forEachRecord(
        from first: UInt64, through last: UInt64, _ body: (RecordView) throws -> Bool
    ) throws { fatalError("follows") }

    /// Returns when the event at a position was recorded, in µs since 1970, without reading its body.
    package func recorded(at position: UInt64) throws(LogError) -> Int64 { fatalError("follows") }

    /// Returns the link of the event at a position without reading its body; `nil` if it has none.
    package func link(at position: UInt64) throws(LogError) -> ChainDigest? { fatalError("follows") }

    /// The damaged places that were skipped in mode `.salvage`.
    package var damages: [LogDamage] { fatalError("follows") }
}
