package import Sillok
import SillokCore
package import SillokJSON

/// What an application's events look like, as a file: written by its tests, kept in its repository, compared by
/// `sillok schema`.
///
/// ```json
/// {"format":1,"types":{"deposited":{"version":2,"fields":{"cents":"integer","note":"text?"},
///  "upcasts":{"1":{"deposited":2}}},"moved":{"upcasts":{"1":{"withdrawn":1,"deposited":1}}}}}
/// ```
/// A field is named by its path: `lines[].price`. A question mark says that it may be missing or `null`. A type without
/// a version is no more, and only read.
package struct SchemaSnapshot: Equatable, Sendable {
    /// One type.
    package struct Kind: Equatable, Sendable {
        /// The version that is written; `nil` for a type that is no more.
        package var version: Int?
        /// The fields of that version.
        package var fields: KeyedValues<Field>
        /// For each older version, the types and versions that its upcaster makes.
        package var upcasts: [Int: KeyedValues<Int>]

        package init(version: Int?, fields: KeyedValues<Field> = [:], upcasts: [Int: KeyedValues<Int>] = [:]) {
            self.version = version
            self.fields = fields
            self.upcasts = upcasts
        }

        /// The newest version that can be read.
        package var newest: Int { version ?? upcasts.keys.max() ?? 1 }
    }

    /// A field.
    package struct Field: Hashable, Sendable {
        /// What its value is.
        package enum Value: String, Sendable { case text, integer, number, bool, object, list, null, mixed }

        package var value: Value
        /// Whether it may be missing or null.
        package var isOptional: Bool

        package init(_ value: Value, isOptional: Bool = false) {
            self.value = value
            self.isOptional = isOptional
        }

        package var text: String { value.rawValue + (isOptional ? "?" : "") }
    }

    /// The types by their stored names.
    package var types: KeyedValues<Kind>

    package init(types: KeyedValues<Kind> = [:]) { self.types = types }

    /// The versions and upcasters of a schema, without the fields.
    package init(_ schema: EventSchema, writing types: some Sequence<EventType>) {
        self.types = [:]
        for type in types { self.types[type.text] = Kind(version: schema.newestVersion(of: type)) }
        for (type, upcasters) in schema.steps {
            var kind = self.types[type.text] ?? Kind(version: schema.versions[type])
            for (version, step) in upcasters {
                kind.upcasts[version] = KeyedValues(step.results.map { ($0.key.text, $0.value) })
            }
            self.types[type.text] = kind
        }
    }
}

// As a file.
extension SchemaSnapshot {
    /// Why a text is no snapshot.
    package struct Unreadable: Error, CustomStringConvertible {
        package let description: String
    }

    /// Reads the text of a file.
    package init(text: String) throws {
        guard let root = JSONValue(parsing: text)?.object, let types = root["types"]?.object else {
            throw Unreadable(description: "it is not a schema snapshot: a JSON object with \"types\" is expected")
        }
        guard root["format"]?.integer == 1 else {
            throw Unreadable(description: "its format is not 1: it was written by a newer sillok")
        }
        self.types = [:]
        for member in types.members { self.types[member.name] = try Kind(member.value, of: member.name) }
    }

    /// The text of a file: the same for the same snapshot.
    package var text: String {
        var types = JSONObject()
        for (name, kind) in self.types.sortedByKey() { types[name] = .object(kind.json) }
        return JSONValue.object(["format": 1, "types": .object(types)]).indented() + "\n"
    }
}

extension SchemaSnapshot.Kind {
    fileprivate init(_ value: JSONValue, of type: String) throws {
        func unreadable(_ what: String) -> SchemaSnapshot.Unreadable {
            SchemaSnapshot.Unreadable(description: "\(what) of \"\(type)\" cannot be read")
        }
        guard let object = value.object else { throw unreadable("the entry") }
        self.init(version: object["version"]?.integer.flatMap { Int(exactly: $0) })
        for member in object["fields"]?.object?.members ?? [] {
            guard let text = member.value.string, let field = SchemaSnapshot.Field(text) else {
                throw unreadable("the field \(member.name)")
            }
            fields[member.name] = field
        }
        for member in object["upcasts"]?.object?.members ?? [] {
            guard let version = Int(member.name), let results = member.value.object else {
                throw unreadable("the upcaster from \(member.name)")
            }
            upcasts[version] = KeyedValues(
                results.members.map { ($0.name, Int(clamping: $0.value.integer ?? 0)) })
        }
    }

    fileprivate var json: JSONObject {
        var object = JSONObject()
        if let version { object["version"] = .number(version) }
        if version != nil {
            var all = JSONObject()
            for (path, field) in fields.sortedByKey() { all[path] = .string(field.text) }
            object["fields"] = .object(all)
        }
        if !upcasts.isEmpty {
            var all = JSONObject()
            for (version, results) in upcasts.sorted(by: { $0.key < $1.key }) {
                var made = JSONObject()
                for (type, version) in results.sortedByKey() { made[type] = .number(version) }
                all["\(version)"] = .object(made)
            }
            object["upcasts"] = .object(all)
        }
        return object
    }
}

extension SchemaSnapshot.Field {
    fileprivate init?(_ text: String) {
        let isOptional = text.hasSuffix("?")
        guard let value = Value(rawValue: isOptional ? String(text.dropLast()) : text) else { return nil }
        self.init(value, isOptional: isOptional)
    }
}

extension JSONValue {
    /// The JSON text for people: a member a line.
    package func indented(_ level: Int = 0) -> String {
        let (outer, inner) = (String(repeating: "  ", count: level), String(repeating: "  ", count: level + 1))
        switch self {
        case .array(let values) where values.contains { $0.object != nil }:
            return "[\n" + values.map { inner + $0.indented(level + 1) }.joined(separator: ",\n") + "\n\(outer)]"
        case .object(let object) where !object.members.isEmpty:
            let lines = object.members.map { member in
                "\(inner)\(JSONValue.string(member.name)): \(member.value.indented(level + 1))"
            }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(outer)}"
        default: return description
        }
    }
}
