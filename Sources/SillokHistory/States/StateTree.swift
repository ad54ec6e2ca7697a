import SillokCore
import SillokJSON

/// A state as a list of paths and values, for a person to read and for comparing two states.
///
/// Examples of paths are `balance`, `lines[ink].quantity` and `charges{p1}`. A path consists of property names, of
/// dictionary keys and array indexes in brackets, and of set members in braces. A name that contains a character with a
/// meaning in paths is quoted, so that two places never have the same path: `lines["a.b"].quantity`. The state may have
/// any type; it need not be `Codable`.
public struct StateTree: Hashable, Sendable {
    /// The value at a path.
    public enum Value: Hashable, Sendable, CustomStringConvertible {
        /// A whole number.
        case integer(Int64)
        /// A number with a fraction.
        case real(Double)
        /// Anything else, as text.
        case text(String)
        /// An optional without a value.
        case nothing
        /// A member without a value, such as a member of a set.
        case present

        /// The value in a form for a person.
        public var description: String {
            switch self {
            case .integer(let number): "\(number)"
            case .real(let number): "\(number)"
            case .text(let text): text
            case .nothing: "nothing"
            case .present: "present"
            }
        }

        /// Returns whether both values are equal. Texts are compared byte by byte.
        public static func == (left: Self, right: Self) -> Bool {
            switch (left, right) {
            case (.integer(let left), .integer(let right)): left == right
            case (.real(let left), .real(let right)): left == right
            case (.text(let left), .text(let right)): left.hasSameBytes(as: right)
            case (.nothing, .nothing), (.present, .present): true
            default: false
            }
        }

        /// Hashes the value. A text is hashed by its bytes.
        public func hash(into hasher: inout Hasher) {
            switch self {
            case .integer(let number): hasher.combine(number)
            case .real(let number): hasher.combine(number)
            case .text(let text): text.hashBytes(into: &hasher)
            case .nothing: hasher.combine(0)
            case .present: hasher.combine(1)
            }
        }

        /// The number, if it is one.
        public var number: Double? {
            switch self {
            case .integer(let number): Double(number)
            case .real(let number): number
            default: nil
            }
        }
    }

    /// The paths and their values, in the order of the properties. Members of sets and dictionaries are ordered by
    /// name.
    public private(set) var leaves: [Leaf] = []

    /// A path and its value.
    public struct Leaf: Hashable, Sendable {
        /// The path of the value.
        public let path: String
        /// The value at the path.
        public let value: Value

        /// Returns whether both have the same path, byte for byte, and the same value.
        public static func == (left: Self, right: Self) -> Bool {
            left.path.hasSameBytes(as: right.path) && left.value == right.value
        }

        /// Hashes the bytes of the path, and the value.
        public func hash(into hasher: inout Hasher) {
            path.hashBytes(into: &hasher)
            hasher.combine(value)
        }
    }

    /// Creates a tree without values.
    public init() {}

    /// Creates a tree of the properties of a value of any type, and of their properties.
    public init(reflecting value: Any) { add(value, at: "", depth: 0) }

    /// Returns the paths at which two trees differ, in the order of this tree. Paths that exist only in the other tree
    /// come last.
    public func changes(to other: StateTree) -> [StateChange] {
        if leaves == other.leaves { return [] }
        var after = KeyedValues<Value>()
        for leaf in other.leaves where after[leaf.path] == nil { after[leaf.path] = leaf.value }
        var isTaken = KeyedValues<Bool>()
        var changes: [StateChange] = []
        for leaf in leaves {
            let now = isTaken[leaf.path] == nil ? after[leaf.path] : nil
            isTaken[leaf.path] = true
            if now != leaf.value { changes.append(StateChange(path: leaf.path, before: leaf.value, after: now)) }
        }
        for leaf in other.leaves where isTaken[leaf.path] == nil {
            changes.append(StateChange(path: leaf.path, before: nil, after: leaf.value))
        }
        return changes
    }

    package mutating func add(_ value: Value, at path: String) { leaves.append(Leaf(path: path, value: value)) }

    private mutating func add(_ value: Any, at path: String, depth: Int) {
        if let leaf = Self.leaf(value) { return add(leaf, at: path) }
        let mirror = Mirror(reflecting: value)
        guard depth < 64, !mirror.children.isEmpty else {
            return add(mirror.displayStyle == .optional ? .nothing : .text(Self.plain(value, mirror)), at: path)
        }
        switch mirror.displayStyle {
        case .optional: if let some = mirror.children.first { add(some.value, at: path, depth: depth + 1) }
        case .collection:
            for (index, child) in mirror.children.enumerated() {
                add(child.value, at: "\(path)[\(index)]", depth: depth + 1)
            }
        case .set:
            for name in mirror.children.map({ Self.quoted(Self.name($0.value)) }).sorted(by: Self.precedes) {
                add(.present, at: "\(path){\(name)}")
            }
        case .dictionary:
            let members = mirror.children.map { child -> (String, Any) in
                let pair = Array(Mirror(reflecting: child.value).children)
                return (Self.name(pair[0].value), pair[1].value)
            }
            for (name, member) in members.sorted(by: { Self.precedes($0.0, $1.0) }) {
                add(member, at: "\(path)[\(Self.quoted(name))]", depth: depth + 1)
            }
        case .enum:
            for child in mirror.children {
                add(.text(child.label ?? ""), at: path)
                add(child.value, at: join(path, child.label), depth: depth + 1)
            }
        default:
            for child in mirror.children { add(child.value, at: join(path, child.label), depth: depth + 1) }
        }
    }

    private static func precedes(_ left: String, _ right: String) -> Bool { ExactText(left) < ExactText(right) }

    private func join(_ path: String, _ label: String?) -> String {
        path.isEmpty ? label ?? "" : "\(path).\(label ?? "")"
    }

    /// Returns a name as a part of a path, quoted if it is empty or has a character with a meaning there.
    package static func quoted(_ name: String) -> String {
        let isPlain = !name.isEmpty && !name.utf8.contains { ".[]{}\"".utf8.contains($0) }
        return isPlain ? name : String(decoding: JSONWriter.escaped(name), as: UTF8.self)
    }

    private static func plain(_ value: Any, _ mirror: Mirror) -> String {
        switch mirror.displayStyle {
        case .collection, .set, .dictionary: "empty"
        default: String(describing: value)
        }
    }

    /// Returns the value of a leaf, or `nil` for a value that has members.
    private static func leaf(_ value: Any) -> Value? {
        switch value {
        case let text as String: .text(text)
        case let truth as Bool: .text(truth ? "true" : "false")
        case let number as any BinaryInteger: Int64(exactly: number).map { .integer($0) } ?? .text("\(number)")
        case let number as Double: .real(number)
        case let number as Float: .real(Double(number))
        case let number as any Numeric: .text("\(number)")
        case let name as any Name: .text(name.text)
        case let text as any LosslessStringConvertible: .text(text.description)
        case let position as Position: Int64(exactly: position.value).map { .integer($0) }
        case let revision as Revision: Int64(exactly: revision.value).map { .integer($0) }
        default: nil
        }
    }

    /// Returns a value as the name of a member.
    private static func name(_ value: Any) -> String {
        if let leaf = leaf(value) { return "\(leaf)" }
        return StateTree(reflecting: value).leaves.map { $0.path.isEmpty ? "\($0.value)" : "\($0.path) \($0.value)" }
            .joined(separator: ", ")
    }
}

/// A change at one path of a state.
public struct StateChange: Hashable, Sendable, CustomStringConvertible {
    /// The path of the change, see ``StateTree``.
    public let path: String
    /// The old value; `nil` if the path did not exist.
    public let before: StateTree.Value?
    /// The new value; `nil` if the path no longer exists.
    public let after: StateTree.Value?

    /// Returns whether both are the same change of the same path. Texts are compared byte by byte.
    public static func == (left: Self, right: Self) -> Bool {
        left.path.hasSameBytes(as: right.path) && left.before == right.before && left.after == right.after
    }

    /// Hashes the bytes of the path, and the values.
    public func hash(into hasher: inout Hasher) {
        path.hashBytes(into: &hasher)
        hasher.combine(before)
        hasher.combine(after)
    }

    /// The change in a line: `balance: 100 → 70`.
    public var description: String {
        let place = path.isEmpty ? "" : "\(path): "
        return switch (before, after) {
        case (nil, .present?): "+ \(path)"
        case (.present?, nil): "- \(path)"
        case (nil, let after?): "+ \(place)\(after)"
        case (let before?, nil): "- \(place)\(before)"
        case (let before?, let after?): "\(place)\(before) → \(after)"
        case (nil, nil): path
        }
    }
}
