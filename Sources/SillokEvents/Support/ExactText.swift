/// A text that is compared, ordered and hashed by its UTF-8 bytes.
///
/// The key of a dictionary or a member of a set whose texts come from outside. With `String` keys, names that Unicode
/// calls equal, such as `"é"` and `"e\u{301}"`, would share one entry.
package struct ExactText: Hashable, Comparable, Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package static func == (left: Self, right: Self) -> Bool { left.text.hasSameBytes(as: right.text) }

    package static func < (left: Self, right: Self) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    package func hash(into hasher: inout Hasher) { text.hashBytes(into: &hasher) }
}
