/// The form of a state, as a text: the names and the types of its properties, and of theirs, as far as they can be had.
///
/// Properties come from a look into the first state; what is empty there (an optional, an array) is looked into by making
/// a value of its type from nothing. Of an enum only its name, its size and, if it is `CaseIterable`, its cases are known.
struct StateShape {
    private var seen: Set<ObjectIdentifier> = []

    static func text(of type: any Any.Type, sample: Any) -> String {
        var shape = StateShape()
        return shape.text(type, sample, depth: 0)
    }

    private mutating func text(_ type: any Any.Type, _ sample: Any?, depth: Int) -> String {
        let name = stableName(type)
        if let type = type as? any Container.Type {
            return name + "<" + type.parts.map { text($0, nil, depth: depth + 1) }.joined(separator: ",") + ">"
        }
        let isForeign = name.hasPrefix("Swift.") || name.hasPrefix("Foundation")
        guard !isForeign, depth < 12, seen.insert(ObjectIdentifier(type)).inserted else { return name }
        if let type = type as? any CaseIterable.Type { return name + cases(of: type) }
        guard let sample = sample ?? value(of: type) else { return name + ":\(size(of: type))" }
        let mirror = Mirror(reflecting: sample)
        guard mirror.displayStyle != .enum else { return name + ":\(size(of: type))" }
        let properties = mirror.children.map { child in
            "\(child.label ?? "_"):" + text(Swift.type(of: child.value), child.value, depth: depth + 1)
        }
        return name + "{" + properties.joined(separator: ",") + "}"
    }

    private func cases<Cases: CaseIterable>(of type: Cases.Type) -> String { "\(type.allCases.map { "\($0)" })" }

    private func size(of type: any Any.Type) -> Int {
        func size<Opened>(_ type: Opened.Type) -> Int { MemoryLayout<Opened>.size }
        return _openExistential(type, do: size)
    }

    private func value(of type: any Any.Type) -> Any? {
        guard let type = type as? any Decodable.Type else { return nil }
        return try? type.init(from: EmptyDecoder())
    }
}

/// A type that holds others, which are not seen while it is empty.
private protocol Container { static var parts: [any Any.Type] { get } }

extension Optional: Container { fileprivate static var parts: [any Any.Type] { [Wrapped.self] } }
extension Array: Container { fileprivate static var parts: [any Any.Type] { [Element.self] } }
extension Set: Container { fileprivate static var parts: [any Any.Type] { [Element.self] } }
extension Dictionary: Container { fileprivate static var parts: [any Any.Type] { [Key.self, Value.self] } }

/// Reads zero, nothing and the empty text wherever something is asked for.
private struct EmptyDecoder: Decoder, SingleValueDecodingContainer, UnkeyedDecodingContainer {
    struct NoSuchValue: Error {}

    var level = 0
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }
    var count: Int? { 0 }
    var isAtEnd: Bool { true }
    var currentIndex: Int { 0 }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(Keyed(decoder: self))
    }
    func unkeyedContainer() -> any UnkeyedDecodingContainer { self }
    func singleValueContainer() -> any SingleValueDecodingContainer { self }
    func superDecoder() throws -> any Decoder { self }
    func decodeNil() -> Bool { true }
    func nestedContainer<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        container(keyedBy: type)
    }
    func nestedUnkeyedContainer() -> any UnkeyedDecodingContainer { self }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if let number = type as? any Numeric.Type, let zero = number.init(exactly: 0) as? Value { return zero }
        if let text = "" as? Value { return text }
        if let truth = false as? Value { return truth }
        guard level < 12 else { throw NoSuchValue() }
        return try Value(from: EmptyDecoder(level: level + 1))
    }

    private struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let decoder: EmptyDecoder
        var codingPath: [any CodingKey] { [] }
        var allKeys: [Key] { [] }

        func contains(_ key: Key) -> Bool { true }
        func decodeNil(forKey key: Key) -> Bool { true }
        func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
            try decoder.decode(type)
        }
        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) -> KeyedDecodingContainer<Nested> { decoder.container(keyedBy: type) }
        func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedDecodingContainer { decoder }
        func superDecoder() -> any Decoder { decoder }
        func superDecoder(forKey key: Key) -> any Decoder { decoder }
    }
}
