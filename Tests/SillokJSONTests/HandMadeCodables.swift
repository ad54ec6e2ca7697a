/// Opens several containers and fills them alternately.
struct Interleaved: Encodable {
    enum Key: String, CodingKey { case first, second, fourth, last, x, y, deep }

    func encode(to encoder: any Encoder) throws {
        var outer = encoder.container(keyedBy: Key.self)
        var first = outer.nestedContainer(keyedBy: Key.self, forKey: .first)
        var second = outer.nestedUnkeyedContainer(forKey: .second)
        let third = outer.superEncoder()
        _ = outer.superEncoder(forKey: .fourth)
        try outer.encode(true, forKey: .last)
        try second.encodeNil()
        try first.encode(1, forKey: .x)
        var deep = first.nestedUnkeyedContainer(forKey: .deep)
        try deep.encode(2)
        _ = deep.nestedUnkeyedContainer()
        var inner = deep.nestedContainer(keyedBy: Key.self)
        _ = second.superEncoder()
        try inner.encode(3, forKey: .y)
        var single = third.singleValueContainer()
        try single.encode(7)
    }
}

class Animal: Codable {
    let name: String
    init(name: String) { self.name = name }
}

final class Dog: Animal {
    enum Key: CodingKey { case breed }
    let breed: String

    init(name: String, breed: String) {
        self.breed = breed
        super.init(name: name)
    }

    required init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        breed = try container.decode(String.self, forKey: .breed)
        try super.init(from: container.superDecoder())
    }

    override func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try super.encode(to: container.superEncoder())
        try container.encode(breed, forKey: .breed)
    }
}

/// Reads a list of mixed elements step by step.
struct ByHand: Decodable {
    enum Key: String, CodingKey { case list, object, a, b }
    var seen: [String] = []

    init(from decoder: any Decoder) throws {
        let outer = try decoder.container(keyedBy: Key.self)
        var list = try outer.nestedUnkeyedContainer(forKey: .list)
        seen.append("\(try list.decode(Int.self))")
        if try list.decodeNil() { seen.append("null") }
        var nested = try list.nestedUnkeyedContainer()
        seen.append("\(try nested.decode(Int.self))")
        seen.append("\(try list.nestedContainer(keyedBy: Key.self).decode(Int.self, forKey: .a))")
        seen.append("\(try list.superDecoder().singleValueContainer().decode(Int.self))")
        if list.isAtEnd && list.count == list.currentIndex { seen.append("end") }
        let object = try outer.nestedContainer(keyedBy: Key.self, forKey: .object)
        seen.append("\(try object.decode(Int.self, forKey: .a))")
        seen.append("keys \(outer.allKeys.map(\.stringValue).joined(separator: " "))")
        if !object.contains(.b) { seen.append("no b") }
    }
}

/// Continues when one of its members cannot be written.
struct Forgiving: Encodable {
    enum Key: String, CodingKey { case before, bad, after, value }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(1, forKey: .before)
        try? container.encode(["deep": [Double.nan]], forKey: .bad)
        try? container.encode(Double.infinity, forKey: .bad)
        try container.encode(2, forKey: .after)
        var list = container.nestedUnkeyedContainer(forKey: .value)
        try? list.encode(Float.nan)
        try list.encode(0)
    }
}

struct Misuse: Encodable {
    enum Kind: CaseIterable { case twoKinds, twoValues, keptContainer }
    enum Key: CodingKey { case a }

    let kind: Kind

    func encode(to encoder: any Encoder) throws {
        switch kind {
        case .twoKinds:
            _ = encoder.unkeyedContainer()
            _ = encoder.container(keyedBy: Key.self)
        case .twoValues:
            var container = encoder.singleValueContainer()
            try container.encode(1)
            try container.encode(2)
        case .keptContainer:
            let outer = encoder.unkeyedContainer()
            var writable = outer
            try writable.encode(Thief(container: outer))
        }
    }

    /// Writes to the container around it.
    private struct Thief: Encodable {
        let container: any UnkeyedEncodingContainer

        func encode(to encoder: any Encoder) throws {
            _ = encoder.unkeyedContainer()
            var container = container
            try container.encode(1)
        }
    }
}
