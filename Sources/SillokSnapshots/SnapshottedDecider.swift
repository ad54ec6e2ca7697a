public import Sillok
import SillokCore

/// A decider whose state may be kept, so that a long stream need not be replayed from its beginning.
///
/// ```swift
/// extension Cart: SnapshottedDecider {
///     static let foldVersion = 1
/// }
/// ```
/// A kept state is used only by the code that made it: by a decider of the same name and ``foldVersion``, whose state
/// has the same properties of the same types, and whose events have the same stored names and upcasters. What the
/// library cannot see is a change inside `evolve`: that is what ``foldVersion`` is for, and what ``Snapshots`` look for
/// when they compare a sample with the replay.
public protocol SnapshottedDecider: Decider, Codable {
    /// The version of `evolve`, from 1. Raise it with every change after which old events lead to another state.
    static var foldVersion: Int { get }
}

/// Identifies everything except the events on which a snapshot depends. A snapshot with another fingerprint is not
/// used.
struct Fingerprint: Hashable, Sendable, CustomStringConvertible {
    /// What is compared, part by part: the version of the fold, the form of the state, the reading of the events.
    private let parts: [(name: String, value: String)]

    init<D: SnapshottedDecider>(of decider: D.Type) {
        let coding = EventCoding<D.Event>()
        // A boundary means the types that the enum has: with a new one, events count that did not before.
        let isBoundary = D.self is any BoundaryDecider.Type
        let types = isBoundary ? (coding.types ?? []).map { "\n\($0)" }.sorted().joined() : ""
        parts = [
            ("the fold's version", "\(D.foldVersion)"),
            ("the form of the state", Digest(StateShape.text(of: D.self, sample: D())).text),
            ("the reading of its events", Digest(stableName(D.Event.self) + " " + coding.fingerprint + types).text),
        ]
    }

    /// The text that is stored.
    var description: String { parts.map(\.value).joined(separator: "/") }

    /// Which parts are not as in a stored text.
    func changes(since stored: String) -> String {
        let values = stored.split(separator: "/", omittingEmptySubsequences: false)
        guard values.count == parts.count else { return "it is of another version of Sillok" }
        let changed = zip(parts, values).filter { $0.value != $1 }.map(\.0.name)
        return changed.joined(separator: " and ") + (changed.count == 1 ? " has changed" : " have changed")
    }

    static func == (left: Fingerprint, right: Fingerprint) -> Bool { left.description == right.description }
    func hash(into hasher: inout Hasher) { hasher.combine(description) }
}

/// The name of a type with its module, the same in every run.
///
/// For a private type Swift prints the address of where it was declared, which differs from run to run.
func stableName(_ type: any Any.Type) -> String {
    var name = ""
    var rest = Substring(String(reflecting: type))
    let mark = "(unknown context at "
    while let start = rest.range(of: mark) {
        name += rest[..<start.lowerBound] + "(private)"
        rest = rest[start.upperBound...].drop { $0 != ")" }.dropFirst()
    }
    return name + rest
}

extension Substring {
    /// The first place of a text.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            formIndex(after: &start)
        }
        return nil
    }
}

/// A sum of 64 bits over bytes: detects accidental changes, not forgery.
struct Digest: Hashable, Sendable {
    private(set) var value = UInt64.fnv1aStart

    init() {}

    init(_ text: String) { add(text) }

    mutating func add(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var index = 0
            while index + 8 <= bytes.count {
                add(UnsafeRawBufferPointer(bytes).loadUnaligned(fromByteOffset: index, as: UInt64.self).littleEndian)
                index += 8
            }
            for byte in bytes[index...] { add(UInt64(byte)) }
            add(UInt64(bytes.count))
        }
    }

    mutating func add(_ number: UInt64) {
        value = value.mixed(with: number)
    }

    /// In hexadecimal digits.
    var text: String { String(value, radix: 16) }
}
