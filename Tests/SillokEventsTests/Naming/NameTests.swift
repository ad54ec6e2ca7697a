import Foundation
import SillokEvents
import Testing

@Suite struct NameTests {
    private let composed = "caf\u{E9}", decomposed = "cafe\u{301}"

    @Test func `names are equal only if their bytes are`() {
        #expect(composed == decomposed)
        #expect(StreamID(composed) != StreamID(decomposed))
        #expect(StreamID(composed) == StreamID(composed))
        #expect(Set([EventType(composed), EventType(decomposed), EventType(composed)]).count == 2)
        #expect(composed.hasSameBytes(as: composed) && !composed.hasSameBytes(as: decomposed))
    }

    @Test func `names are ordered by their bytes`() {
        let names = ["b", "a", "B", "\u{10FFFF}", "\u{FFFD}", "é", "aa", "", "a-1", "a-10", "a-2"]
        let sorted = names.map { StreamCategory($0) }.sorted().map(\.text)
        #expect(sorted == names.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
        #expect(sorted.first == "" && sorted.last == "\u{10FFFF}")
        #expect(StreamID(decomposed) < StreamID(composed))
    }

    @Test func `a text that is not contiguous is the same name`() {
        let bridged = String(NSString(string: composed + String(repeating: "x", count: 40)))
        let native = composed + String(repeating: "x", count: 40)
        #expect(StreamID(bridged) == StreamID(native))
        #expect(StreamID(bridged).hashValue == StreamID(native).hashValue)
    }

    @Test(arguments: [
        ("account-42", "account", "42"), ("account-42-b", "account", "42-b"), ("account", "account", ""),
        ("-1", "", "1"),
        ("", "", ""), ("-", "", ""), ("e\u{301}-\u{301}", "e\u{301}", "\u{301}"),
    ])
    func `a stream has a category and a key`(name: String, category: String, key: String) {
        let stream = StreamID(name)
        #expect(stream.category == StreamCategory(category))
        #expect(stream.key.hasSameBytes(as: key))
    }

    @Test func `names are made of parts`() {
        #expect(StreamID("account", "42") == "account-42")
        #expect(EventTag("course", "7").text == "course:7")
        let number = 7
        let interpolated: StreamID = "account-\(number)"
        #expect(interpolated.description == "account-7")
        #expect(ContentType.json.text == "application/json" && ContentType.bytes.text == "application/octet-stream")
        #expect(TrackingSource("feed").text == "feed")
    }

    @Test func `a name is a plain string in JSON`() throws {
        #expect(String(decoding: try JSONEncoder().encode([StreamID("a-1")]), as: UTF8.self) == #"["a-1"]"#)
        #expect(try throughJSON(StreamID(decomposed)) == StreamID(decomposed))
        #expect(try throughJSON(EventTag("course:7")) == "course:7")
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(StreamID.self, from: Data("7".utf8)) }
    }
}
