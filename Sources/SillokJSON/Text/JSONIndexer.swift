/// Checks a JSON text in one pass and notes where its values are.
///
/// The index is flat: a node for each value and each key, in the order of the text, and in each node the place of the
/// node after its whole value. So a reader skips a value in one step and never looks at a byte twice to find another.
struct JSONIndexer {
    /// A value or a key of the text.
    struct Node {
        enum Kind: UInt8 {
            case object, array, string, escapedString, number, `true`, `false`, null
        }

        /// Its first byte and the one after its last; without the quotes for strings.
        var (start, end): (UInt32, UInt32)
        /// The node after the value and all that is in it.
        var next: UInt32
        /// The count of an array; for an object, the node of the key that is likely to be asked for next.
        var extra: UInt32
        var kind: Kind
    }

    /// How many objects and arrays may be open at once.
    static let depthLimit = 128

    /// Objects with more members than this find a repeated key by hash, others by comparison.
    private static let comparedMembers = 16

    private let bytes: [UInt8]
    private(set) var nodes: [Node] = []
    /// Whether no string has an escape or a character beyond ASCII: then texts are the same if their bytes are.
    private(set) var isPlain = true
    private var index = 0
    private var depth = 0

    /// Reads the whole text: one value, with space around it.
    init(_ bytes: [UInt8]) throws(JSONSyntaxError) {
        self.bytes = bytes
        guard bytes.count < Int(UInt32.max) else { throw JSONSyntaxError(reason: .tooLarge, offset: 0) }
        nodes.reserveCapacity(bytes.count / 8 + 4)
        try value()
        skipSpace()
        guard index == bytes.count else { throw failure(.trailingBytes) }
    }

    private func failure(_ reason: JSONSyntaxError.Reason) -> JSONSyntaxError {
        JSONSyntaxError(reason: reason, offset: index)
    }

    /// The byte at the index is not what the grammar asks for there, or there is none.
    private func unexpected() -> JSONSyntaxError {
        failure(index < bytes.count ? .unexpectedByte(bytes[index]) : .unexpectedEnd)
    }

    private mutating func skipSpace() {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x0A, 0x0D, 0x09: index += 1
            default: return
            }
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard index < bytes.count, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    private mutating func add(_ kind: Node.Kind, from start: Int, to end: Int) {
        let next = UInt32(truncatingIfNeeded: nodes.count + 1)
        nodes.append(
            Node(
                start: UInt32(truncatingIfNeeded: start), end: UInt32(truncatingIfNeeded: end), next: next, extra: 0,
                kind: kind))
    }

    private mutating func value() throws(JSONSyntaxError) {
        skipSpace()
        guard index < bytes.count else { throw failure(.unexpectedEnd) }
        switch bytes[index] {
        case UInt8(ascii: "{"): try container(.object)
        case UInt8(ascii: "["): try container(.array)
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
        case UInt8(ascii: "t"): try literal("true", .true)
        case UInt8(ascii: "f"): try literal("false", .false)
        case UInt8(ascii: "n"): try literal("null", .null)
        default: throw unexpected()
        }
    }

    private mutating func literal(_ text: StaticString, _ kind: Node.Kind) throws(JSONSyntaxError) {
        let start = index
        for offset in 0..<text.utf8CodeUnitCount {
            guard take(text.utf8Start[offset]) else { throw unexpected() }
        }
        add(kind, from: start, to: index)
    }
}

// Objects and arrays.
extension JSONIndexer {
    private mutating func container(_ kind: Node.Kind) throws(JSONSyntaxError) {
        guard depth < Self.depthLimit else { throw failure(.tooDeep(limit: Self.depthLimit)) }
        depth += 1
        let node = nodes.count
        add(kind, from: index, to: index)
        index += 1
        let close = kind == .object ? UInt8(ascii: "}") : UInt8(ascii: "]")
        let count = try members(of: kind, until: close)
        if kind == .object { try refuseRepeatedKeys(of: node, count: count) }
        nodes[node].end = UInt32(truncatingIfNeeded: index)
        nodes[node].next = UInt32(truncatingIfNeeded: nodes.count)
        nodes[node].extra = kind == .object ? UInt32(truncatingIfNeeded: node + 1) : UInt32(truncatingIfNeeded: count)
        depth -= 1
    }

    /// Reads up to and with the closing bracket; answers how many members or elements there are.
    private mutating func members(of kind: Node.Kind, until close: UInt8) throws(JSONSyntaxError) -> Int {
        var count = 0
        skipSpace()
        if take(close) { return 0 }
        while true {
            if kind == .object {
                skipSpace()
                guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else { throw unexpected() }
                try string()
                skipSpace()
                guard take(UInt8(ascii: ":")) else { throw unexpected() }
            }
            try value()
            count += 1
            skipSpace()
            if take(close) { return count }
            guard take(UInt8(ascii: ",")) else { throw unexpected() }
        }
    }

    private func refuseRepeatedKeys(of object: Int, count: Int) throws(JSONSyntaxError) {
        if count < 2 { return }
        var key = object + 1
        if count > Self.comparedMembers {
            var seen = Set<ArraySlice<UInt8>>(minimumCapacity: count)
            while key < nodes.count {
                guard seen.insert(unescaped(nodes[key])).inserted else { throw repeated(key) }
                key = Int(nodes[key + 1].next)
            }
            return
        }
        while key < nodes.count {
            var earlier = object + 1
            while earlier < key {
                if isSameKey(nodes[earlier], nodes[key]) { throw repeated(key) }
                earlier = Int(nodes[earlier + 1].next)
            }
            key = Int(nodes[key + 1].next)
        }
    }

    private func repeated(_ key: Int) -> JSONSyntaxError {
        JSONSyntaxError(reason: .repeatedKey, offset: Int(nodes[key].start) - 1)
    }

    private func isSameKey(_ left: Node, _ right: Node) -> Bool {
        if left.kind == .string && right.kind == .string && left.end - left.start != right.end - right.start {
            return false
        }
        return unescaped(left).elementsEqual(unescaped(right))
    }

    private func unescaped(_ node: Node) -> ArraySlice<UInt8> {
        let raw = bytes[Int(node.start)..<Int(node.end)]
        return node.kind == .escapedString ? JSONReader.unescaped(raw)[...] : raw
    }
}

// Numbers and strings.
extension JSONIndexer {
    private mutating func number() throws(JSONSyntaxError) {
        let start = index
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        add(.number, from: start, to: index)
    }

    /// At least one digit.
    private mutating func digits() throws(JSONSyntaxError) {
        let start = index
        while index < bytes.count, bytes[index] &- UInt8(ascii: "0") < 10 { index += 1 }
        if index == start { throw index < bytes.count ? failure(.badNumber) : failure(.unexpectedEnd) }
    }

    private mutating func string() throws(JSONSyntaxError) {
        index += 1
        let start = index
        var kind = Node.Kind.string
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                add(kind, from: start, to: index)
                index += 1
                return
            }
            if byte == UInt8(ascii: "\\") {
                kind = .escapedString
                isPlain = false
                try escape()
            } else if byte >= 0x80 {
                isPlain = false
                try multibyteCharacter(byte)
            } else if byte < 0x20 {
                throw failure(.controlCharacter)
            } else {
                index += 1
            }
        }
        throw failure(.unexpectedEnd)
    }

    private mutating func escape() throws(JSONSyntaxError) {
        index += 1
        guard index < bytes.count else { throw failure(.unexpectedEnd) }
        guard bytes[index] == UInt8(ascii: "u") else {
            guard JSONReader.simpleEscape(bytes[index]) != nil else { throw failure(.badEscape) }
            index += 1
            return
        }
        let unit = try hexadecimalUnit()
        if unit & 0xFC00 == 0xDC00 { throw failure(.loneSurrogate) }
        guard unit & 0xFC00 == 0xD800 else { return }
        guard take(UInt8(ascii: "\\")), index < bytes.count, bytes[index] == UInt8(ascii: "u"),
            try hexadecimalUnit() & 0xFC00 == 0xDC00
        else { throw failure(.loneSurrogate) }
    }

    /// Reads `u` and four digits.
    private mutating func hexadecimalUnit() throws(JSONSyntaxError) -> UInt16 {
        guard index + 5 <= bytes.count else { throw failure(.unexpectedEnd) }
        guard let unit = JSONReader.hexadecimalUnit(bytes[(index + 1)..<(index + 5)]) else {
            throw failure(.badEscape)
        }
        index += 5
        return unit
    }

    /// A character of two to four bytes, by the table of RFC 3629: no overlong form, no surrogate, none past U+10FFFF.
    private mutating func multibyteCharacter(_ first: UInt8) throws(JSONSyntaxError) {
        let (rest, second): (Int, ClosedRange<UInt8>)
        switch first {
        case 0xC2...0xDF: (rest, second) = (1, 0x80...0xBF)
        case 0xE0: (rest, second) = (2, 0xA0...0xBF)
        case 0xED: (rest, second) = (2, 0x80...0x9F)
        case 0xE1...0xEF: (rest, second) = (2, 0x80...0xBF)
        case 0xF0: (rest, second) = (3, 0x90...0xBF)
        case 0xF1...0xF3: (rest, second) = (3, 0x80...0xBF)
        case 0xF4: (rest, second) = (3, 0x80...0x8F)
        default: throw failure(.badUTF8)
        }
        guard index + rest < bytes.count else { throw failure(.unexpectedEnd) }
        guard second.contains(bytes[index + 1]),
            rest < 2 || bytes[index + 2] & 0xC0 == 0x80, rest < 3 || bytes[index + 3] & 0xC0 == 0x80
        else { throw failure(.badUTF8) }
        index += rest + 1
    }
}
