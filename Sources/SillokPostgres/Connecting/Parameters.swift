#if Postgres
import CLibPQ
import SillokCore

/// The object ids of the types of values that we send.
enum TypeNumber: UInt32 {
    case unknown = 0
    case bool = 16
    case bytes = 17
    case int8 = 20
    case int4 = 23
    case text = 25
    case float8 = 701
    case uuid = 2950

    /// The object id of the array type.
    var array: UInt32 {
        switch self {
        case .unknown, .text: 1009
        case .bool: 1000
        case .bytes: 1001
        case .int8: 1016
        case .int4: 1007
        case .float8: 1022
        case .uuid: 2951
        }
    }
}

/// The parameter values of a statement in the server's binary form, all in one buffer.
struct Parameters: Sendable {
    private(set) var types: [Oid] = []
    private(set) var ranges: [Range<Int>?] = []
    private(set) var formats: [Int32] = []
    private(set) var bytes: [UInt8] = []

    /// The indexes of the values that the server converts, and the types.
    private var conversions: [Int: String] = [:]

    /// The placeholder of the last value.
    var placeholder: String { "$\(types.count)" }

    /// The placeholders of all values, in the form of function arguments.
    var placeholders: String {
        types.indices.map { "$\($0 + 1)\(conversions[$0 + 1] ?? "")" }.joined(separator: ", ")
    }

    /// Adds an array of numbers of any size, sent as texts.
    mutating func add(numerics texts: [String?]) {
        add(texts)
        conversions[types.count] = "::text[]::numeric[]"
    }

    mutating func add(_ value: Int64) {
        begin(.int8)
        bytes.append(bigEndian: value)
        end()
    }

    mutating func add(_ value: Double) {
        begin(.float8)
        bytes.append(bigEndian: Int64(bitPattern: value.bitPattern))
        end()
    }

    mutating func add(_ text: String) {
        begin(.text)
        bytes.append(contentsOf: text.utf8)
        end()
    }

    mutating func add(_ value: [UInt8]) {
        begin(.bytes)
        bytes.append(contentsOf: value)
        end()
    }

    mutating func add(_ id: some UniqueID) {
        begin(.uuid)
        bytes.append(id)
        end()
    }

    /// Adds a text whose type the server infers from its context. The text must not contain NUL.
    mutating func addUntyped(_ text: String) {
        begin(.unknown)
        bytes.append(contentsOf: text.utf8)
        bytes.append(0)
        end()
        formats[formats.count - 1] = 0
    }

    mutating func addNull(_ type: TypeNumber = .unknown) { addNull(type.rawValue) }

    mutating func addNull(arrayOf type: TypeNumber) { addNull(type.array) }

    private mutating func addNull(_ type: Oid) {
        types.append(type)
        ranges.append(nil)
        formats.append(1)
    }

    /// Adds an array. `element` writes each element; it returns `false` for NULL.
    mutating func add<Elements: Collection>(
        _ type: TypeNumber, _ elements: Elements, _ element: (Elements.Element, inout [UInt8]) -> Bool
    ) {
        types.append(type.array)
        formats.append(1)
        let start = bytes.count
        bytes.append(bigEndian: Int32(elements.isEmpty ? 0 : 1))
        bytes.append(bigEndian: Int32(1))
        bytes.append(bigEndian: Int32(bitPattern: type.rawValue))
        if !elements.isEmpty {
            bytes.append(bigEndian: Int32(elements.count))
            bytes.append(bigEndian: Int32(1))
        }
        for value in elements {
            let place = bytes.count
            bytes.append(bigEndian: Int32(-1))
            guard element(value, &bytes) else { continue }
            let size = UInt32(bytes.count - place - 4).bigEndian
            bytes.withUnsafeMutableBytes { $0.storeBytes(of: size, toByteOffset: place, as: UInt32.self) }
        }
        ranges.append(start..<bytes.count)
    }

    mutating func add(_ numbers: [Int64]) {
        add(.int8, numbers) {
            $1.append(bigEndian: $0); return true
        }
    }

    mutating func add(_ numbers: [Int32]) {
        add(.int4, numbers) {
            $1.append(bigEndian: $0); return true
        }
    }

    mutating func add(_ texts: [String?]) {
        add(.text, texts) { text, bytes in
            guard let text else { return false }
            bytes.append(contentsOf: text.utf8)
            return true
        }
    }

    mutating func add(_ ids: [some UniqueID]) {
        add(.uuid, ids) {
            $1.append($0); return true
        }
    }

    private mutating func begin(_ type: TypeNumber) {
        types.append(type.rawValue)
        formats.append(1)
        ranges.append(bytes.count..<bytes.count)
    }

    private mutating func end() {
        guard let start = ranges[ranges.count - 1]?.lowerBound else { return }
        ranges[ranges.count - 1] = start..<bytes.count
    }
}

extension [UInt8] {
    mutating func append(bigEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    mutating func append(_ id: some UniqueID) {
        append(bigEndian: id.high)
        append(bigEndian: id.low)
    }
}
#endif
