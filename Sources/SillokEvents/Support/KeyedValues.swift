/// A collection of values by key. It compares keys byte by byte, and keeps the order in which the keys were first set.
///
/// A `Dictionary` with `String` keys treats `"é"` and `"e\u{301}"` as the same key and loses one of two values. A store
/// treats them as two names, and so does this type.
public struct KeyedValues<Value> {
    /// A key and its value.
    public typealias Element = (key: String, value: Value)

    private var elements: [Element] = []
    private var indexes: [ExactText: Int] = [:]

    /// Creates a collection without values.
    public init() {}

    /// The value of a key, or `nil`. A value for a new key is added at the end.
    public subscript(key: String) -> Value? {
        get { indexes[ExactText(key)].map { elements[$0].value } }
        set {
            switch (indexes[ExactText(key)], newValue) {
            case (let index?, let value?): elements[index].value = value
            case (nil, let value?):
                indexes[ExactText(key)] = elements.count
                elements.append((key, value))
            case (let index?, nil):
                elements.remove(at: index)
                indexes = [:]
                for (index, element) in elements.enumerated() { indexes[ExactText(element.key)] = index }
            case (nil, nil): break
            }
        }
    }

    /// The keys, in order.
    public var keys: [String] { elements.map(\.key) }

    /// The values, in the order of their keys.
    public var values: [Value] { elements.map(\.value) }

    /// Returns the same keys with transformed values.
    public func mapValues<Other>(_ transform: (Value) throws -> Other) rethrows -> KeyedValues<Other> {
        var mapped = KeyedValues<Other>()
        for (key, value) in elements { mapped[key] = try transform(value) }
        return mapped
    }

    /// The values of a key; `initial` is set first if there are none.
    package subscript(key: String, default initial: @autoclosure () -> Value) -> Value {
        get { self[key] ?? initial() }
        set { self[key] = newValue }
    }

    /// Keys and values in the order of the keys' bytes.
    package func sortedByKey() -> [Element] { elements.sorted { ExactText($0.key) < ExactText($1.key) } }

    /// Values by the keys of a sequence. The last one of a key counts.
    package init(_ elements: some Sequence<(String, Value)>) {
        for (key, value) in elements { self[key] = value }
    }
}

extension KeyedValues: Sendable where Value: Sendable {}

extension KeyedValues: Equatable where Value: Equatable {
    /// Returns whether both have the same keys with the same values, in any order.
    public static func == (left: Self, right: Self) -> Bool {
        left.count == right.count && left.elements.allSatisfy { right[$0.key] == $0.value }
    }
}

extension KeyedValues: RandomAccessCollection {
    /// The index of the first key.
    public var startIndex: Int { 0 }
    /// The index after the last key.
    public var endIndex: Int { elements.count }
    /// The key and the value at an index.
    public subscript(position: Int) -> Element { elements[position] }
}

extension KeyedValues: ExpressibleByDictionaryLiteral {
    /// Creates the values of a literal. If a key occurs twice, its last value is used.
    public init(dictionaryLiteral elements: (String, Value)...) {
        for (key, value) in elements { self[key] = value }
    }
}
