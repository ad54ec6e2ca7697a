import Foundation
import SillokForeignReaders
import Testing

/// The inputs that the fuzzer has kept, read again: see `scripts/torture --full fuzz`.
@Suite("the corpus of the fuzzer")
struct CorpusTests {
    @Test("INP-1: every kept input is read or refused, and never breaks a promise", arguments: ForeignReader.allCases)
    func replay(_ reader: ForeignReader) throws {
        let inputs = try Self.inputs(of: reader)
        #expect(inputs.count >= 20)
        let broken = Self.broken(inputs) { try reader.read($0) }
        #expect(broken.isEmpty, "\(broken.joined(separator: "\n"))")
    }

    @Test("INP-1: the replay names the input with which a reader breaks a promise")
    func plant() throws {
        struct Planted: Error {}
        let inputs = try Self.inputs(of: .json)
        let chosen = inputs[inputs.count / 2]
        let broken = Self.broken(inputs) { if $0 == chosen { throw Planted() } }
        #expect(broken == ["\(Data(chosen).base64EncodedString()): Planted()"])
    }

    private static func inputs(of reader: ForeignReader) throws -> [[UInt8]] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Corpus/\(reader.rawValue).txt")
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map { line in
            [UInt8](try #require(Data(base64Encoded: String(line)), "\(line) is not Base64"))
        }
    }

    /// The inputs with which a reader fails, and how.
    private static func broken(_ inputs: [[UInt8]], _ read: ([UInt8]) throws -> Void) -> [String] {
        inputs.compactMap { input in
            do {
                try read(input)
                return nil
            } catch {
                return "\(Data(input).base64EncodedString()): \(error)"
            }
        }
    }
}
