import NIOCore
import SillokCore
import SillokUmaDB
import SillokWire
import Testing

@Suite struct ProtobufTests {
    /// A message with a field of every kind that ours use.
    struct Sample: ProtobufReadable, Equatable {
        var number: UInt64 = 0
        var signed: Int64 = 0
        var text = ""
        var bytes: [UInt8] = []
        var nested: [[UInt8]] = []

        mutating func read(_ field: ProtobufReader.Field, _ reader: inout ProtobufReader) throws(ProtobufError) {
            switch field.number {
            case 1: number = try reader.number(field)
            case 2: signed = try reader.signed(field)
            case 3: text = try reader.text(field)
            case 4: bytes = try reader.bytes(field)
            case 5: nested.append(try reader.message(field, as: Inner.self).bytes)
            default: try reader.skip(field)
            }
        }

        func written() -> ByteBuffer {
            var writer = ProtobufWriter(framed: false)
            writer.number(1, number)
            writer.signed(2, signed)
            writer.text(3, text)
            writer.bytes(4, bytes)
            for bytes in nested { writer.message(5) { $0.bytes(1, bytes) } }
            return writer.finished()
        }
    }

    struct Inner: ProtobufReadable {
        var bytes: [UInt8] = []

        mutating func read(_ field: ProtobufReader.Field, _ reader: inout ProtobufReader) throws(ProtobufError) {
            if field.number == 1 { bytes = try reader.bytes(field) } else { try reader.skip(field) }
        }
    }

    @Test func `a message with a nested one of any length reads back`() throws {
        for length in [0, 1, 123, 124, 125, 126, 127, 128, 16_378, 16_380, 16_384, 70_000, 2_100_000] {
            let sample = Sample(
                number: .max, signed: -1, text: "é\u{0}실록", bytes: [0, 255],
                nested: [Array(repeating: 7, count: length), [], [1]])
            #expect(try Sample(reading: sample.written()) == sample)
        }
    }

    /// Two bytes of an empty event become more than a hundred in memory: a message of 1 MiB took 60 MB and more.
    @Test func `a list of more elements than any request has is refused before it takes the memory`() throws {
        func empty(_ count: Int) -> ByteBuffer {
            ByteBuffer(bytes: (0..<2 * count).map { UInt8($0 % 2 == 0 ? 0x0A : 0) })
        }
        let most = ProtobufReader.maximumElements
        _ = try Remote.Append(reading: empty(most))
        #expect(throws: ProtobufError.tooMany(field: 1)) { try Remote.Append(reading: empty(most + 1)) }
        #expect(throws: ProtobufError.tooMany(field: 1)) { try Remote.Query(reading: empty(most + 1)) }
        #expect(throws: ProtobufError.tooMany(field: 1)) { try UmaDB.AppendRequest(reading: empty(most + 1)) }
        #expect(throws: ProtobufError.tooMany(field: 1)) { try UmaDB.Query(reading: empty(most + 1)) }
    }

    @Test func `known bytes are written as the format says`() {
        let sample = Sample(number: 150, signed: -2, text: "testing", bytes: [], nested: [[9]])
        let expected: [UInt8] =
            [8, 0x96, 1, 0x10, 0xFE] + Array(repeating: 0xFF, count: 8) + [1, 0x1A, 7] + Array("testing".utf8)
            + [0x22, 0, 0x2A, 3, 0x0A, 1, 9]
        #expect(Array(sample.written().readableBytesView) == expected)
    }

    @Test func `fields that are not known are passed over`() throws {
        var buffer = ByteBuffer(bytes: [
            0xA0, 6, 1, 0xA1, 6, 1, 2, 3, 4, 5, 6, 7, 8, 0xA2, 6, 1, 0, 0xA5, 6, 1, 2, 3, 4,
        ])
        var known = Sample(number: 3).written()
        buffer.writeBuffer(&known)
        #expect(try Sample(reading: buffer).number == 3)
    }

    static let malformed: [([UInt8], ProtobufError)] = [
        ([8], .truncated), ([0x1A, 5, 65], .truncated), ([0], .malformedTag), ([0x0B], .malformedTag),
        (Array(repeating: 0xFF, count: 11), .malformedNumber), ([0x1A, 2, 0xC3, 0x28], .invalidText(field: 3)),
        ([0x0A, 0], .unexpectedWireType(field: 1)),
        ([0x1A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], .truncated),
    ]

    @Test(arguments: malformed)
    func `what is no message is refused`(_ bytes: [UInt8], _ expected: ProtobufError) {
        #expect(throws: expected) { try Sample(reading: ByteBuffer(bytes: bytes)) }
    }

    @Test func `no bytes make a reader trap`() {
        let seed = UInt64.random(in: 1..<1_000_000)
        var random = Seeded(seed)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let buffer = ByteBuffer(bytes: bytes)
            _ = try? Sample(reading: buffer)
            _ = try? UmaDB.AppendRequest(reading: buffer)
            _ = try? UmaDB.ReadRequest(reading: buffer)
            _ = try? UmaDB.SubscribeRequest(reading: buffer)
            _ = try? Remote.Append(reading: buffer).request()
            _ = try? Remote.Read(reading: buffer).request()
            _ = try? Remote.Page(reading: buffer)
            _ = try? Remote.Failure(reading: buffer).error()
            _ = try? Remote.Description(reading: buffer).value()
        }
    }
}

/// A generator that repeats itself from a seed.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
