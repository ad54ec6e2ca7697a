import SillokCore

/// Lists the names under which an enum with synthesized `Codable` writes its cases.
///
/// Swift cannot list the cases of an enum whose cases have values. But its `CodingKeys` have none, and the descriptor
/// of their type has their number (docs/ABI/TypeMetadata.rst of the Swift project). `nil` if the keys are anything else
/// than an enum of at most 256 cases without values, as those of a `Codable` that is written by hand may be.
package enum CaseKeys {
    package static func names<Event: Decodable>(of event: Event.Type) -> [String]? {
        let probe = KeyProbe()
        _ = try? Event(from: probe)
        return probe.containers == 1 ? probe.names : nil
    }

    fileprivate static func names<Key: CodingKey>(ofKeys type: Key.Type) -> [String]? {
        guard let count = caseCount(of: type), MemoryLayout<Key>.size == (count == 1 ? 0 : 1) else { return nil }
        var names: [String] = []
        for index in 0..<count {
            let name = withUnsafeBytes(of: UInt8(index)) { $0.load(as: Key.self).stringValue }
            guard Key(stringValue: name)?.stringValue.hasSameBytes(as: name) == true else { return nil }
            names.append(name)
        }
        return names
    }

    /// The number of cases of an enum whose cases have no values, from 1 to 256; `nil` for any other type.
    private static func caseCount(of type: Any.Type) -> Int? {
        let enumKind: UInt = 0x201
        let metadata = unsafeBitCast(type, to: UnsafeRawPointer.self)
        guard metadata.load(as: UInt.self) == enumKind else { return nil }
        let descriptor = metadata.load(fromByteOffset: MemoryLayout<UInt>.size, as: UnsafeRawPointer.self)
        // After flags, parent, name, access function and fields, four bytes each.
        let withValues = descriptor.load(fromByteOffset: 20, as: UInt32.self) & 0xFF_FFFF
        let withoutValues = descriptor.load(fromByteOffset: 24, as: UInt32.self)
        guard withValues == 0, (1...256).contains(withoutValues) else { return nil }
        return Int(withoutValues)
    }
}

/// A decoder that learns by which keys it is asked, and decodes nothing.
private final class KeyProbe: Decoder {
    struct Probed: Error {}

    private(set) var names: [String]?
    private(set) var containers = 0

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        containers += 1
        names = CaseKeys.names(ofKeys: type)
        throw Probed()
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw Probed() }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { throw Probed() }
}
