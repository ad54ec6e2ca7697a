public import Sillok
import SillokCore

/// A decider whose state may be stored, so that a long stream need not be replayed from its beginning.
///
/// ```swift
/// extension Cart: SnapshottedDecider {
///     static let foldVersion = 1
/// }
/// ```
/// A snapshot is used only by a decider of the same name and ``foldVersion``, whose events have the same stored names,
/// versions and upcasters. **Raise ``foldVersion`` with every change of `evolve`, and of the properties of the state.**
/// The library cannot see such a change. If you forget it, old snapshots lead to wrong states: a new optional property,
/// for example, is `nil`. Two comparisons with the replay find this: ``Snapshots/verify(_:in:sample:)``, which you run
/// before a release, and the one of ``SnapshotPolicy/checkedShare``, which runs in the background.
///
/// States are compared with `==`.
public protocol SnapshottedDecider: Decider, Codable, Equatable {
    /// The version of the state and of `evolve`, from 1. Raise it with every change of either.
    static var foldVersion: Int { get }
}

/// The version of the code that a snapshot is of: the number that the decider gives, and how its events are read.
struct SnapshotVersion: Hashable, Sendable, CustomStringConvertible {
    /// The text that is stored: the number, and a sum over the stored names and the schema of the events.
    let description: String

    init<D: SnapshottedDecider>(of decider: D.Type) {
        let coding = EventCoding<D.Event>()
        // A boundary means the types that the enum has: with a new one, events count that did not before.
        let types = D.self is any BoundaryDecider.Type ? (coding.types ?? []).map(\.text).sorted() : []
        let reading = ([coding.fingerprint] + types).joined(separator: "\n")
        description = "\(D.foldVersion)/\(String(reading.fnv1a, radix: 16))"
    }

    /// Says how this version differs from a stored one.
    func changes(since stored: String) -> String {
        let (parts, values) = (description.split(separator: "/"), stored.split(separator: "/"))
        guard parts.count == values.count else { return "another version of Sillok wrote it" }
        let changed = zip(["the fold's version", "the reading of its events"], zip(parts, values))
            .filter { $1.0 != $1.1 }.map(\.0)
        return changed.joined(separator: " and ") + (changed.count == 1 ? " has changed" : " have changed")
    }
}
