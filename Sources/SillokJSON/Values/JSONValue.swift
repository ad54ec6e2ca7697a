import SillokCore

/// A JSON value that upcasters read and change.
///
/// A number keeps its text, so that no digit is lost on the way through.
public enum JSONValue: Hashable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number, as written in the text.
    case number(String)
    /// A text.
    case string(String)
    /// Values in order.
    case array([JSONValue])
    /// Values by name.
    case object(JSONObject)

    /// The text, if it is one.
    public var string: String? { if case .string(let text) = self { text } else { nil } }

    /// The truth value, if it is one.
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// The whole number as an `Int64`; `nil` if the value is not a whole number or does not fit.
    public var integer: Int64? {
        guard case .number = self, let text = try? JSONReader(bytes) else { return nil }
        return text.root.integer()
    }

    /// The number as a `Double`, rounded to the nearest; `nil` if the value is not a number.
    public var number: Double? { if case .number(let text) = self { Double(text) } else { nil } }

    /// The values in order, if it is an array.
    public var array: [JSONValue]? { if case .array(let values) = self { values } else { nil } }

    /// The values by name, if it is an object.
    public var object: JSONObject? { if case .object(let object) = self { object } else { nil } }

    /// Returns whether both are the same value. Texts are compared by their bytes, numbers by their text.
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.number(let left), .number(let right)): left.hasSameBytes(as: right)
        case (.string(let left), .string(let right)): left.hasSameBytes(as: right)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }

    /// Hashes the value. A text is hashed by its bytes.
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let value): hasher.combine(value)
        case .number(let text), .string(let text): text.hashBytes(into: &hasher)
        case .array(let values): hasher.combine(values)
        case .object(let object): hasher.combine(object)
        }
    }

    /// A whole number.
    public static func number(_ value: some FixedWidthInteger) -> JSONValue { .number("\(value)") }
}

/// The members of a JSON object, in the order in which they are written. Equal if they have the same names and values,
/// in any order.
public struct JSONObject: Hashable, Sendable {
    /// A name and its value.
    public struct Member: Sendable {
        /// The name; names are compared by their bytes.
        public var name: String
        /// The value.
        public var value: JSONValue
    }

    /// All members, in order.
    public private(set) var members: [Member]

    /// Creates an object without members.
    public init() { members = [] }

    package init(members: [Member]) { self.members = members }

    /// The value of a name; `nil` if there is none. Setting `nil` removes the member; a new member is added at the end.
    public subscript(name: String) -> JSONValue? {
        get { index(of: name).map { members[$0].value } }
        set {
            switch (index(of: name), newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append(Member(name: name, value: value))
            case (nil, nil): break
            }
        }
    }

    /// Gives a member another name; nothing happens if there is no such member. A member of the new name is replaced.
    public mutating func rename(_ name: String, to newName: String) {
        guard let value = self[name], !name.hasSameBytes(as: newName) else { return }
        self[newName] = nil
        guard let index = index(of: name) else { return }
        members[index] = Member(name: newName, value: value)
    }

    private func index(of name: String) -> Int? { members.firstIndex { $0.name.hasSameBytes(as: name) } }

    /// Returns whether both have the same names with the same values.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.members.count == right.members.count && left.members.allSatisfy { right[$0.name] == $0.value }
    }

    /// Hashes the members without regard to their order.
    public func hash(into hasher: inout Hasher) {
        var sum = 0
        for member in members {
            var inner = Hasher()
            member.name.hashBytes(into: &inner)
            inner.combine(member.value)
            sum &+= inner.finalize()
        }
        hasher.combine(sum)
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    /// A text.
    public init(stringLiteral value: String) { self = .string(value) }
    /// `true` or `false`.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A whole number.
    public init(integerLiteral value: Int64) { self = .number("\(value)") }
    /// A number.
    public init(floatLiteral value: Double) { self = .number("\(value)") }
    /// Values in order.
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// Creates an object from a literal. If a name occurs twice, its last value is used.
    public init(dictionaryLiteral elements: (String, JSONValue?)...) { self = .object(JSONObject(elements)) }
    /// `null`.
    public init(nilLiteral: ()) { self = .null }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// Creates an object from a literal. A member whose value is `nil` is left out. If a name occurs twice, its last
    /// value is used.
    public init(dictionaryLiteral elements: (String, JSONValue?)...) { self.init(elements) }

    package init(_ elements: [(String, JSONValue?)]) {
        members = []
        for (name, value) in elements { self[name] = value }
    }
}

// As text.
extension JSONValue: CustomStringConvertible {
    /// Parses a JSON text; returns `nil` if the text is not valid JSON.
    public init?(parsing text: String) {
        guard let reader = try? JSONReader(Array(text.utf8)) else { return nil }
        self.init(reader.root)
    }

    /// The JSON text, without spaces.
    public var description: String { String(decoding: bytes, as: UTF8.self) }

    package init(_ value: JSONReader.Value) {
        if let members = value.members {
            self = .object(JSONObject(members: members.map { .init(name: $0.key, value: JSONValue($0.value)) }))
        } else if let elements = value.elements {
            self = .array(elements.map { JSONValue($0) })
        } else if let text = value.string {
            self = .string(text)
        } else {
            switch String(decoding: value.raw, as: UTF8.self) {
            case "null": self = .null
            case "true": self = .bool(true)
            case "false": self = .bool(false)
            case let number: self = .number(number)
            }
        }
    }

    package var bytes: [UInt8] {
        var writer = JSONWriter()
        writer.write(self)
        return writer.bytes
    }
}

extension JSONWriter {
    /// Writes a value of any kind. A number that is none is written as `null`.
    package mutating func write(_ value: JSONValue) {
        switch value {
        case .null: null()
        case .bool(let value): bool(value)
        case .number(let text): if JSONReader.isValue(text.utf8) { raw(text.utf8) } else { null() }
        case .string(let text): string(text)
        case .array(let values):
            beginArray()
            for value in values { write(value) }
            endArray()
        case .object(let object):
            beginObject()
            for member in object.members {
                key(member.name)
                write(member.value)
            }
            endObject()
        }
    }
}
