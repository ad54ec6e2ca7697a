import SillokEvents
import SillokTestSupport
import Testing

@Suite struct MetadataTests {
    @Test func `keys keep the order in which they were set`() {
        var metadata = Metadata()
        for key in ["z", "a", "m"] { metadata[key] = key }
        metadata["a"] = "changed"
        #expect(metadata.entries.map(\.key) == ["z", "a", "m"])
        metadata["z"] = nil
        metadata["none"] = nil
        metadata["z"] = "again"
        #expect(metadata.entries.map(\.value) == ["changed", "m", "again"])
        #expect(metadata["none"] == nil)
    }

    @Test func `the known keys have properties`() {
        let id = CommandID(high: 1, low: 2)
        var metadata = Metadata(actor: "ada", correlationID: "c", causationID: "b", commandID: id, traceparent: "t")
        #expect(metadata.actor == "ada" && metadata.correlationID == "c" && metadata.causationID == "b")
        #expect(metadata.commandID == id && metadata.traceparent == "t")
        #expect(metadata.entries.map(\.key) == ["actor", "correlationid", "causationid", "commandid", "traceparent"])
        (metadata.commandID, metadata.actor, metadata.correlationID) = (nil, nil, nil)
        (metadata.causationID, metadata.traceparent) = (nil, nil)
        #expect(metadata.isEmpty && metadata == Metadata())
        metadata[Metadata.Key.commandID] = "no UUID"
        #expect(metadata.commandID == nil && !metadata.isEmpty)
    }

    @Test func `keys that only look the same are different keys`() {
        var metadata = Metadata()
        metadata["caf\u{E9}"] = "one"
        metadata["cafe\u{301}"] = "two"
        #expect(metadata.entries.count == 2)
        #expect(metadata["caf\u{E9}"] == "one" && metadata["cafe\u{301}"] == "two")
    }

    @Test func `empty and long values are kept`() {
        var metadata = Metadata()
        for count in [0, 1, 127, 128, 16_383, 16_384, 70_000] {
            metadata["k\(count)"] = String(repeating: "v", count: count)
        }
        #expect(metadata.entries.map(\.value.utf8.count) == [0, 1, 127, 128, 16_383, 16_384, 70_000])
        #expect(Metadata(bytes: metadata.bytes) == metadata)
        #expect(Metadata(trusted: metadata.bytes) == metadata)
    }

    @Test func `missing keys are filled from other metadata`() {
        let mine = Metadata(actor: "ada"), theirs = Metadata(actor: "bob", correlationID: "c")
        #expect(mine.filled(from: theirs) == Metadata(actor: "ada", correlationID: "c"))
        #expect(mine.filled(from: Metadata()) == mine)
        #expect(Metadata().filled(from: theirs) == theirs)
    }

    @Test(
        arguments: [
            [1], [1, 97], [1, 97, 1], [1, 97, 2, 98], [0x80],
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1],
            [1, 97, 0x81],
        ] as [[UInt8]])
    func `bytes that are not well-formed are no metadata`(bytes: [UInt8]) {
        #expect(Metadata(bytes: bytes) == nil)
    }

    @Test func `random bytes never crash`() {
        var random = SeededNumbers()
        for _ in 0..<5000 {
            let bytes = (0..<Int.random(in: 0...20, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random) % 8
            }
            if let metadata = Metadata(bytes: bytes) { #expect(metadata.bytes == bytes, "seed \(random.seed)") }
            _ = Metadata(trusted: bytes).entries
        }
    }
}
