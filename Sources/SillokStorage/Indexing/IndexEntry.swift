/// An entry of the index: an event at a position has a key.
package struct IndexEntry: Hashable, Sendable {
    package let key: Int64
    package let position: Int64

    package init(key: Int64, position: Int64) { (self.key, self.position) = (key, position) }

    /// The order of the table.
    package static func isBefore(_ left: IndexEntry, _ right: IndexEntry) -> Bool {
        left.key != right.key ? left.key < right.key : left.position < right.position
    }
}
