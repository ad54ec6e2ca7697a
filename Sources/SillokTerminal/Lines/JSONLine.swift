package import SillokJSON

/// Members of a JSON object, in order. One without a value is left out.
package struct JSONLine: Encodable, ExpressibleByDictionaryLiteral {
    private var members: [(name: String, value: (any Encodable)?)]

    package init(dictionaryLiteral elements: (String, (any Encodable)?)...) { self.init(elements) }

    /// A line with these members.
    package init(_ members: [(String, (any Encodable)?)]) { self.members = members.map { ($0, $1) } }

    /// Adds the members of another line.
    package static func + (left: JSONLine, right: JSONLine) -> JSONLine {
        var sum = left
        sum.members += right.members
        return sum
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: JSONPathKey.self)
        for case (let name, let value?) in members { try container.encode(value, forKey: .named(name)) }
    }
}

extension Console {
    /// Prints members as a line of JSON.
    package func print(json line: JSONLine) throws { try print(jsonOf: line) }

    /// Prints a value as a line of JSON.
    package func print(jsonOf value: some Encodable) throws {
        try output.write(try PlainCoding.bytes(of: value) + [0x0A])
    }
}

extension JSONText {
    /// A number with some digits after the point.
    package init(_ value: Double, digits: Int) { self.init(Array(value.rounded(digits: digits).utf8)) }
}
