// Integers of 128 bits: JSON numbers with all of their digits, where the system has the types.

@available(macOS 15.0, iOS 18.0, tvOS 18.0, watchOS 11.0, visionOS 2.0, *)
extension JSONKeyedEncoder {
    func encode(_ value: Int128, forKey key: Key) throws {
        try encoding.member(key.stringValue, at: level) { $0.integer(value) }
    }

    func encode(_ value: UInt128, forKey key: Key) throws {
        try encoding.member(key.stringValue, at: level) { $0.integer(value) }
    }
}

@available(macOS 15.0, iOS 18.0, tvOS 18.0, watchOS 11.0, visionOS 2.0, *)
extension JSONUnkeyedEncoder {
    func encode(_ value: Int128) throws { try encoding.write(nil, at: level) { encoding.writer.integer(value) } }

    func encode(_ value: UInt128) throws { try encoding.write(nil, at: level) { encoding.writer.integer(value) } }
}

@available(macOS 15.0, iOS 18.0, tvOS 18.0, watchOS 11.0, visionOS 2.0, *)
extension JSONSingleValueEncoder {
    func encode(_ value: Int128) throws {
        encoding.open(.scalar, at: level)
        try encoding.write(nil, at: level) { encoding.writer.integer(value) }
    }

    func encode(_ value: UInt128) throws {
        encoding.open(.scalar, at: level)
        try encoding.write(nil, at: level) { encoding.writer.integer(value) }
    }
}

@available(macOS 15.0, iOS 18.0, tvOS 18.0, watchOS 11.0, visionOS 2.0, *)
extension JSONKeyedDecoder {
    func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 { try integer(type, forKey: key) }

    func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 { try integer(type, forKey: key) }

    private func integer<Integer: FixedWidthInteger>(_ type: Integer.Type, forKey key: Key) throws -> Integer {
        guard let value = decoding.value(of: key.stringValue, in: node) else { throw decoding.missing(key) }
        guard let result: Integer = decoding.nodes[value].integer(in: decoding.bytes) else {
            throw decoding.mismatch(type, at: value, under: key)
        }
        return result
    }
}

@available(macOS 15.0, iOS 18.0, tvOS 18.0, watchOS 11.0, visionOS 2.0, *)
extension JSONUnkeyedDecoder {
    mutating func decode(_ type: Int128.Type) throws -> Int128 { try decodeInteger(type) }

    mutating func decode(_ type: UInt128.Type) throws -> UInt128 { try decodeInteger(type) }
}

@available(macOS 15.0, iOS 18.0, tvOS 18.0, watchOS 11.0, visionOS 2.0, *)
extension JSONSingleValueDecoder {
    func decode(_ type: Int128.Type) throws -> Int128 { try integer(type) }

    func decode(_ type: UInt128.Type) throws -> UInt128 { try integer(type) }

    private func integer<Integer: FixedWidthInteger>(_ type: Integer.Type) throws -> Integer {
        guard let result: Integer = decoding.nodes[node].integer(in: decoding.bytes) else {
            throw decoding.mismatch(type, at: node)
        }
        return result
    }
}
