import NIOCore
import SillokCore
import SillokTestSupport
import SillokWire
import Testing

@Suite struct ProtobufTests {
    /// A message with a field of every kind that ours use.
    struct Sample: ProtobufMessage, Equatable {
        static let name = "Sample"
        static let unread = Sample()

        var number: UInt64 = 0
        var signed: Int64 = 0
        var text = ""
        var bytes: [UInt8] = []
        var nested: [Inner] = []
        var flag = false
        var maybe: String?

        mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "number", &number)
            try coder.field(2, "signed", &signed)
            try coder.field(3, "text", &text)
            try coder.bytes(4, "bytes", &bytes)
            try coder.field(5, "nested", &nested)
            try coder.field(6, "flag", &flag)
            try coder.field(7, "maybe", &maybe)
        }
    }

    struct Inner: ProtobufMessage, Equatable {
        static let name = "Inner"
        static let unread = Inner()

        var bytes: [UInt8] = []

        mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.bytes(1, "bytes", &bytes)
        }
    }

    private func read(_ bytes: [UInt8]) throws(ProtobufError) -> Sample {
        try Sample(reading: ByteBuffer(bytes: bytes))
    }

    @Test func `a message with a nested one of any length reads back`() throws {
        for length in [0, 1, 123, 124, 125, 126, 127, 128, 16_378, 16_380, 16_384, 70_000, 2_100_000] {
            let sample = Sample(
                number: .max, signed: -1, text: "é\u{0}실록", bytes: [0, 255],
                nested: [Inner(bytes: Array(repeating: 7, count: length)), Inner(), Inner(bytes: [1])], flag: true,
                maybe: "")
            #expect(try read(sample.unframed()) == sample)
        }
    }

    /// Two bytes of an empty event become more than a hundred in memory: a message of 1 MiB took 60 MB and more.
    @Test func `a list of more elements than any request has is refused before it takes the memory`() throws {
        func list(of element: [UInt8], _ count: Int) -> ByteBuffer {
            ByteBuffer(bytes: Array(repeatElement(element, count: count).joined()))
        }
        let empty: [UInt8] = [0x0A, 0]
        let entry = [0x0A, 20, 0x12, 18] + [0x0A, 16] + Array(repeating: 7, count: 16) as [UInt8]
        let most = ProtobufReader.maximumElements
        _ = try AppendRequest(reading: list(of: entry, most))
        let refusal = ProtobufError.tooMany(field: 1)
        #expect(throws: refusal) { try AppendRequest(reading: list(of: entry, most + 1)) }
        #expect(throws: refusal) { try EventQuery(reading: list(of: empty, most + 1)) }
        #expect(throws: refusal) { try UmaDB.AppendRequest(reading: list(of: empty, most + 1)) }
        #expect(throws: refusal) { try UmaDB.Query(reading: list(of: empty, most + 1)) }
        // A client takes what its server sends.
        _ = try Remote.Answer<Remote.StreamsResponse>(reading: list(of: empty, most + 1))
    }

    @Test func `known bytes are written as the format says`() {
        let sample = Sample(number: 150, signed: -2, text: "testing", bytes: [], nested: [Inner(bytes: [9])])
        let expected: [UInt8] =
            [8, 0x96, 1, 0x10, 0xFE] + Array(repeating: 0xFF, count: 8) + [1, 0x1A, 7] + Array("testing".utf8)
            + [0x2A, 3, 0x0A, 1, 9]
        #expect(sample.unframed() == expected)
    }

    @Test func `fields that are not known are passed over`() throws {
        let unknown: [UInt8] = [0xA0, 6, 1, 0xA1, 6, 1, 2, 3, 4, 5, 6, 7, 8, 0xA2, 6, 1, 0, 0xA5, 6, 1, 2, 3, 4]
        let sample = Sample(number: 3, nested: [Inner(bytes: [1])])
        #expect(try read(unknown + sample.unframed()) == sample)
        #expect(try read(sample.unframed() + unknown) == sample)
    }

    @Test func `fields are read in any order, and the last of several counts`() throws {
        let (text, number, again): ([UInt8], [UInt8], [UInt8]) = ([0x1A, 1, 65], [8, 7], [8, 9])
        let nested: [UInt8] = [0x2A, 3, 0x0A, 1, 1]
        let expected = Sample(number: 9, text: "A", nested: [Inner(bytes: [1]), Inner(bytes: [1])])
        for bytes in [nested + text + number + nested + again, number + nested + again + text + nested] {
            #expect(try read(bytes) == expected)
        }
    }

    @Test func `parts of a nested message that comes twice are merged`() throws {
        let (source, position): ([UInt8], [UInt8]) = ([0x0A, 3, 0x0A, 1, 65], [0x0A, 2, 0x10, 7])
        let conflict = try TrackingConflict(reading: ByteBuffer(bytes: source + position))
        #expect(conflict.given == Tracking(source: "A", position: 7))
    }

    @Test func `an event without its id, and an entry without its event, are refused`() {
        #expect(throws: ProtobufError.missing(field: 1)) { try EventData(reading: ByteBuffer()) }
        #expect(throws: ProtobufError.missing(field: 2)) { try AppendRequest.Entry(reading: ByteBuffer()) }
        #expect(throws: ProtobufError.malformedID(field: 1)) {
            try EventData(reading: ByteBuffer(bytes: [0x0A, 1, 7]))
        }
    }

    static let malformed: [([UInt8], ProtobufError)] = [
        ([8], .truncated), ([0x1A, 5, 65], .truncated), ([0], .malformedTag), ([0x0B], .malformedTag),
        (Array(repeating: 0xFF, count: 11), .malformedNumber), ([0x1A, 2, 0xC3, 0x28], .invalidText(field: 3)),
        ([0x0A, 0], .unexpectedWireType(field: 1)),
        ([0x1A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], .truncated),
    ]

    @Test(arguments: malformed)
    func `what is no message is refused`(_ bytes: [UInt8], _ expected: ProtobufError) {
        #expect(throws: expected) { try read(bytes) }
    }

    @Test func `no bytes make a reader trap`() {
        let seed = UInt64.random(in: 1..<1_000_000)
        var random = SeededNumbers(seed: seed)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let buffer = ByteBuffer(bytes: bytes)
            _ = try? Sample(reading: buffer)
            _ = try? UmaDB.AppendRequest(reading: buffer)
            _ = try? UmaDB.ReadRequest(reading: buffer)
            _ = try? UmaDB.SubscribeRequest(reading: buffer)
            _ = try? AppendRequest(reading: buffer)
            _ = try? ReadRequest(reading: buffer)
            _ = try? Remote.Answer<Remote.ReadResponse>(reading: buffer)
            _ = try? Remote.Failure(reading: buffer).error()
            _ = try? Remote.Answer<Remote.DescribeResponse>(reading: buffer).value()
        }
    }
}
