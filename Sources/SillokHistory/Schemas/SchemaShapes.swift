package import SillokCore
package import SillokJSON

extension SchemaSnapshot.Field.Value {
    /// What a value is.
    package init(_ value: JSONValue) {
        switch value {
        case .null: self = .null
        case .bool: self = .bool
        case .string: self = .text
        case .array: self = .list
        case .object: self = .object
        case .number(let text): self = text.utf8.allSatisfy { $0 != 0x2E && $0 | 0x20 != 0x65 } ? .integer : .number
        }
    }

    /// What holds values of both.
    package func joined(with other: Self) -> Self {
        if self == other || other == .null { return self }
        if self == .null { return other }
        return Set([self, other]) == [.integer, .number] ? .number : .mixed
    }

    /// Whether code that reads this also reads the other.
    package func accepts(_ other: Self) -> Bool {
        self == other || self == .mixed || other == .null || self == .null || (self == .number && other == .integer)
    }
}

/// Learns the fields of payloads from payloads.
package struct PayloadShape: Sendable {
    private struct Seen {
        var value: SchemaSnapshot.Field.Value
        var count = 0
        var isNull = false
    }

    private var seen: KeyedValues<Seen> = [:]
    /// For each path of an object, how many of them there were.
    private var objects: KeyedValues<Int> = [:]

    package init() {}

    /// Takes a payload into account.
    package mutating func learn(_ payload: JSONObject) { learn(payload, at: "") }

    /// What has been seen; a field that was not in all of its objects, or `null`, may be missing.
    package var fields: KeyedValues<SchemaSnapshot.Field> {
        seen.reduce(into: [:]) { fields, entry in
            let parent = Self.parent(of: entry.key)
            let isOptional = entry.value.isNull || entry.value.count < objects[parent, default: 0]
            fields[entry.key] = SchemaSnapshot.Field(entry.value.value, isOptional: isOptional)
        }
    }

    private mutating func learn(_ object: JSONObject, at path: String) {
        objects[path, default: 0] += 1
        for member in object.members {
            learn(member.value, at: path.isEmpty ? member.name : "\(path).\(member.name)", counts: true)
        }
    }

    private mutating func learn(_ value: JSONValue, at path: String, counts: Bool) {
        let kind = SchemaSnapshot.Field.Value(value)
        var entry = seen[path] ?? Seen(value: kind)
        entry.value = entry.value.joined(with: kind)
        entry.count += 1
        entry.isNull = entry.isNull || kind == .null
        seen[path] = entry
        if case .object(let object) = value { learn(object, at: path) }
        if case .array(let values) = value {
            objects["\(path)[]", default: 0] += 0
            for value in values { learn(value, at: "\(path)[]", counts: false) }
        }
    }

    private static func parent(of path: String) -> String {
        if path.hasSuffix("[]") { return path + "." }
        guard let dot = path.utf8.lastIndex(of: UInt8(ascii: ".")) else { return "" }
        return String(path[..<dot])
    }
}

extension JSONObject {
    /// Every path of the object down to the members of its inner objects, and the object without it.
    package var withoutEach: [(path: String, rest: JSONObject)] {
        members.flatMap { member -> [(path: String, rest: JSONObject)] in
            var rest = self
            rest[member.name] = nil
            let inner = (member.value.object?.withoutEach ?? []).map {
                path, inner -> (path: String, rest: JSONObject) in
                var changed = self
                changed[member.name] = .object(inner)
                return ("\(member.name).\(path)", changed)
            }
            return [(member.name, rest)] + inner
        }
    }
}
