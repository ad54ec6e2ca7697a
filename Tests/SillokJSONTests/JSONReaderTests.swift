import Foundation
import Testing

@testable import SillokJSON

@Suite("The JSON reader")
struct JSONReaderTests {
    @Test(
        "takes exactly one value",
        arguments: [
            "{}", "[]", " [1, -0.5e+3 ,true,false,null,\"\\u00e9\\ud83d\\ude00\\n\"] ", "0", "-0", "1e9",
            "{\"a\":{\"b\":[]}}", "\"é😀\"", "{\"\":1}",
        ])
    func accepts(text: String) throws {
        #expect(JSONReader.isValue(text.utf8))
        _ = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
    }

    @Test(
        "refuses a text that is not exactly one value, and names the place",
        arguments: [
            ("", .unexpectedEnd, 0), ("  ", .unexpectedEnd, 2), ("{", .unexpectedEnd, 1),
            ("[1,]", .unexpectedByte(93), 3),
            ("[1 2]", .unexpectedByte(50), 3), ("{\"a\"}", .unexpectedByte(125), 4), ("{a:1}", .unexpectedByte(97), 1),
            ("{\"a\":1,}", .unexpectedByte(125), 7), ("tru", .unexpectedEnd, 3), ("trux", .unexpectedByte(120), 3),
            ("1 1", .trailingBytes, 2), ("01", .trailingBytes, 1), ("1.", .unexpectedEnd, 2), ("1.x", .badNumber, 2),
            ("-", .unexpectedEnd, 1), ("+1", .unexpectedByte(43), 0), ("1e", .unexpectedEnd, 2),
            ("\"a", .unexpectedEnd, 2), ("\"\\x\"", .badEscape, 2), ("\"\\", .unexpectedEnd, 2),
            ("\"\\u12\"", .unexpectedEnd, 2), ("\"\\u12g4\"", .badEscape, 2), ("\"\u{1}\"", .controlCharacter, 1),
            ("\"\\ud800\"", .loneSurrogate, 7), ("\"\\udc00\"", .loneSurrogate, 7),
            ("\"\\ud800\\u0041\"", .loneSurrogate, 13), ("{\"a\":1,\"b\":2,\"a\":3}", .repeatedKey, 13),
            ("{\"a\":1,\"\\u0061\":3}", .repeatedKey, 7), ("NaN", .unexpectedByte(78), 0),
        ] as [(String, JSONSyntaxError.Reason, Int)])
    func refuses(text: String, reason: JSONSyntaxError.Reason, offset: Int) {
        #expect(throws: JSONSyntaxError(reason: reason, offset: offset)) { try JSONReader(Array(text.utf8)) }
    }

    @Test(
        "refuses bytes that are not UTF-8",
        arguments: [
            [0x80], [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF0, 0x80, 0x80, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xC3, 0x28], [0xE2, 0x82, 0x28],
            [0xF0, 0x9F, 0x98, 0x28],
            [0xFF], [0xFE],
        ] as [[UInt8]])
    func refusesBadUTF8(bytes: [UInt8]) {
        #expect(throws: JSONSyntaxError(reason: .badUTF8, offset: 1)) { try JSONReader([0x22] + bytes + [0x22]) }
    }

    @Test("finds a repeated key among many")
    func refusesRepeatedKeyAmongMany() {
        let members = (0..<100).map { "\"k\($0)\":\($0)" }
        #expect(JSONReader.isValue("{\(members.joined(separator: ","))}".utf8))
        #expect(!JSONReader.isValue("{\((members + ["\"k\\u0037\":0"]).joined(separator: ","))}".utf8))
    }

    @Test("goes 128 levels deep and no deeper, also not a million")
    func isBoundedInDepth() {
        func nested(_ depth: Int) -> [UInt8] {
            Array(repeating: UInt8(ascii: "["), count: depth) + Array(repeating: UInt8(ascii: "]"), count: depth)
        }
        #expect(JSONReader.isValue(nested(128)))
        #expect(throws: JSONSyntaxError(reason: .tooDeep(limit: 128), offset: 128)) { try JSONReader(nested(129)) }
        #expect(throws: JSONSyntaxError(reason: .tooDeep(limit: 128), offset: 128)) {
            try JSONReader(nested(1_000_000))
        }
    }

    @Test("returns the members of an object and the unchanged bytes of their values")
    func givesMembers() throws {
        let text = "{ \"id\" : \"a\\\"b\", \"n\":-12 , \"data\": {\"x\": [1,  2]}, \"t\":[\"p\",\"q\"], \"z\": null }"
        let members = try #require(try JSONReader(Array(text.utf8)).root.members)
        #expect(members.map(\.key) == ["id", "n", "data", "t", "z"])
        #expect(
            members.map { String(decoding: $0.value.raw, as: UTF8.self) }
                == ["\"a\\\"b\"", "-12", "{\"x\": [1,  2]}", "[\"p\",\"q\"]", "null"])
        #expect(members[0].value.string == "a\"b")
        #expect(members[1].value.integer() == -12)
        #expect(members[1].value.integer(as: UInt64.self) == nil)
        #expect(members[3].value.elements?.map(\.string) == ["p", "q"])
        #expect(members[4].value.isNull)
        #expect(members[4].value.members == nil)
        #expect(members[4].value.elements == nil)
        #expect(members[4].value.string == nil)
    }

    @Test("describes faults in words")
    func explains() {
        let reasons: [JSONSyntaxError.Reason] = [
            .unexpectedEnd, .unexpectedByte(7), .trailingBytes, .badNumber, .badEscape, .loneSurrogate,
            .controlCharacter, .badUTF8, .tooDeep(limit: 128), .repeatedKey, .tooLarge,
        ]
        let texts = reasons.map { JSONSyntaxError(reason: $0, offset: 42).description }
        #expect(Set(texts).count == reasons.count)
        #expect(texts.allSatisfy { $0.hasSuffix("at byte 42") })
    }
}

@Suite("The JSON writer")
struct JSONWriterTests {
    @Test("writes the commas between values, members and lines")
    func setsCommas() {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("a")
        writer.beginArray()
        writer.integer(Int64.min)
        writer.integer(UInt64.max)
        writer.integer(0)
        writer.null()
        writer.bool(true)
        writer.endArray()
        writer.key("b")
        writer.raw("{}".utf8)
        writer.key("c")
        let written = (writer.floatingPoint(0.1), writer.floatingPoint(Double.nan))
        #expect(written == (true, false))
        writer.endObject()
        writer.endLine()
        writer.string("next")
        #expect(
            String(decoding: writer.bytes, as: UTF8.self)
                == "{\"a\":[-9223372036854775808,18446744073709551615,0,null,true],\"b\":{},\"c\":0.1}\n\"next\"")
    }

    @Test("escapes what JSON asks to be escaped and nothing else")
    func escapes() {
        let text = "\"\\/\u{8}\t\n\u{c}\r\u{1}\u{1f}\u{7f}é😀\u{2028}"
        #expect(
            String(decoding: JSONWriter.escaped(text), as: UTF8.self)
                == "\"\\\"\\\\/\\b\\t\\n\\f\\r\\u0001\\u001f\u{7f}é😀\u{2028}\"")
    }
}
