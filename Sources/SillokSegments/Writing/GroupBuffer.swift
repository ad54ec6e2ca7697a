package import SillokChain

/// The records of the appends that are written and synced together, in one buffer that is reused.
///
/// It may be filled on another thread than the one that writes the group before it.
package struct GroupBuffer: ~Copyable, @unchecked Sendable {
    /// The position of the first event.
    package private(set) var firstPosition: UInt64
    /// The number of events.
    package private(set) var events: Int
    /// The number of records.
    package private(set) var records: Int
    /// The number of bytes in a segment, with the header.
    package var count: Int { fatalError("follows") }
    /// The position of the next event.
    package var nextPosition: UInt64 { firstPosition + UInt64(events) }

    /// Creates a buffer for groups of a log.
    package init(for identity: LogIdentity, _ settings: LogSettings = LogSettings()) { fatalError("follows") }

    /// Empties the buffer. The first event gets this position.
    package mutating func begin(first: UInt64) { fatalError("follows") }

    /// Adds an append. `stamp` is called once for each event, in order, with its index in the append.
    package mutating func add(_ append: EncodedAppend, _ stamp: (Int) -> EventStamp) { fatalError("follows") }
}
