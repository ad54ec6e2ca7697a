import NIOCore
import SillokGRPC
import SillokTestSupport
import SillokWire
import Testing

@Suite struct CallTests {
    @Test func `messages are put together from any pieces`() throws {
        let seed = UInt64.random(in: 1..<1_000_000)
        var random = SeededNumbers(seed: seed)
        for _ in 0..<200 {
            let messages = (0..<3).map { _ in
                (0..<Int.random(in: 0...50, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            }
            var bytes = ByteBuffer()
            for message in messages {
                bytes.writeInteger(UInt8(0))
                bytes.writeInteger(UInt32(message.count))
                bytes.writeBytes(message)
            }
            var assembly = MessageAssembly(limit: 50)
            var found: [[UInt8]] = []
            while let piece = bytes.readSlice(
                length: min(max(1, bytes.readableBytes), Int.random(in: 1...9, using: &random)))
            {
                assembly.append(piece)
                while let message = try assembly.next() { found.append(Array(message.readableBytesView)) }
            }
            #expect(found == messages, "seed \(seed)")
            #expect(assembly.isEmpty)
        }
    }

    @Test func `what is too large or compressed is refused before it has come`() {
        var assembly = MessageAssembly(limit: 3)
        assembly.append(ByteBuffer(bytes: [0, 0, 0, 0, 4]))
        #expect(throws: MessageAssembly.Failure.tooLarge(bytes: 4, limit: 3)) { try assembly.next() }
        var compressed = MessageAssembly(limit: 3)
        compressed.append(ByteBuffer(bytes: [1, 0, 0, 0, 0]))
        #expect(throws: MessageAssembly.Failure.compressed) { try compressed.next() }
    }

    @Test(arguments: ["plain", "100 % of\nit", "실록", "%zz%", ""])
    func `a message of a status survives its header`(_ text: String) {
        #expect(text.percentEncoded.percentDecoded == text)
        #expect(text.percentEncoded.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
    }

    @Test(arguments: ["%+1", "%-a", "%0x", "% 1", "%1"])
    func `a percent sign without two hexadecimal digits stays as it is`(_ text: String) {
        #expect(text.percentDecoded == text)
    }

    @Test func `a status keeps its message short`() {
        #expect(GRPCStatus(.internal, String(repeating: "실", count: 5000)).message.utf8.count <= 1024)
    }

    static let timeouts: [(String, Int64)] = [
        ("10S", 10_000_000_000), ("2M", 120_000_000_000), ("1H", 3_600_000_000_000), ("250m", 250_000_000),
    ]

    @Test(arguments: timeouts)
    func `timeouts are read`(_ text: String, _ nanoseconds: Int64) {
        #expect(TimeAmount(grpcTimeout: text)?.nanoseconds == nanoseconds)
    }

    @Test(arguments: ["", "S", "10", "-1S", "123456789S", "1x"])
    func `what is no timeout is not read`(_ text: String) { #expect(TimeAmount(grpcTimeout: text) == nil) }
}
