public import SillokCore

extension HeadSignal {
    /// Wakes the readers that wait for events of a group that was committed.
    ///
    /// - Parameters:
    ///   - appends: the appends of the group that are recorded, by it or before.
    ///   - head: the head after the last of them.
    @usableFromInline
    package func announce(_ appends: [AppendRequest], through head: Position) {
        let last = announced
        guard head > last else { return }
        // Events of an earlier commit of unknown outcome may be among them, whose keys are not known: wake all readers.
        let count = appends.reduce(0) { $0 + $1.entries.count }
        guard head.value - last.value <= UInt64(count) else { return advance(to: head) }
        announce(from: last.next, through: head) {
            appends.reduce(into: Set<WakeUpKey>()) { $0.formUnion(Set($1)) }
        }
    }
}

/// The observer of commits. It is a type of its own because Swift would wrap a plain function in a generic place once
/// more on each access, and each call would pass all wrappers.
@usableFromInline
package struct CommitObserver: Sendable {
    @usableFromInline package var observe: (@Sendable (CommitMeasurement) -> Void)?

    @inlinable
    package init() {}
}
