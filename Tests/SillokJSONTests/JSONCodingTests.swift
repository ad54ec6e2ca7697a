import Foundation
import SillokTestSupport
import Testing

@testable import SillokJSON

/// Writes and reads any Codable value through the product's coder.
enum JSON {
    static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoding = JSONEncoding()
        try value.encode(to: JSONValueEncoder(encoding: encoding, level: 0))
        return try encoding.finish()
    }

    static func decode<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) throws -> Value {
        try Value(from: JSONValueDecoder(decoding: JSONDecoding(JSONReader(bytes)), node: 0))
    }
}

/// A value with everything in it that Codable can hold.
struct Everything: Codable, Equatable {
    enum Kind: Codable, Equatable {
        case plain
        case pair(Int, String)
        case labelled(amount: Double, note: String?)
        indirect case nested(Everything)
    }

    var int: Int, small: Int8, short: UInt16, word: Int32, long: UInt64, unsigned: UInt, half: Int16, byte: UInt8
    var wide: Int64, quad: UInt32
    var double: Double, float: Float, bool: Bool, text: String
    var none: Int?, some: String?
    var list: [Int], texts: [String], optionals: [Double?], matrix: [[Bool]]
    var byName: [String: Int], byNumber: [Int: String]
    var id: UUID, link: URL, price: Decimal
    var kinds: [Kind]

    static func random(_ random: inout SeededNumbers, depth: Int = 0) -> Everything {
        func many<Element>(_ make: (inout SeededNumbers) -> Element) -> [Element] {
            (0..<Int.random(in: 0...3, using: &random)).map { _ in make(&random) }
        }
        return Everything(
            int: .random(in: .min ... .max, using: &random), small: .random(in: .min ... .max, using: &random),
            short: .random(in: .min ... .max, using: &random), word: .random(in: .min ... .max, using: &random),
            long: .random(in: .min ... .max, using: &random), unsigned: .random(in: .min ... .max, using: &random),
            half: .random(in: .min ... .max, using: &random), byte: .random(in: .min ... .max, using: &random),
            wide: .random(in: .min ... .max, using: &random), quad: .random(in: .min ... .max, using: &random),
            double: number(&random), float: Float(number(&random)).isFinite ? Float(number(&random)).clamped : 0,
            bool: .random(using: &random), text: text(&random), none: nil,
            some: Bool.random(using: &random) ? text(&random) : nil,
            list: many { .random(in: -9...9, using: &$0) }, texts: many(text),
            optionals: many { Bool.random(using: &$0) ? number(&$0) : nil },
            matrix: many { [Bool.random(using: &$0)] },
            byName: Dictionary(many { (text(&$0), .random(in: 0...9, using: &$0)) }) { $1 },
            byNumber: Dictionary(many { (.random(in: -5...5, using: &$0), text(&$0)) }) { $1 },
            id: UUID(), link: URL(string: "https://example.org/a%20b?c=d") ?? URL(fileURLWithPath: "/"),
            price: Decimal(Int.random(in: -1_000_000...1_000_000, using: &random)) / 100,
            kinds: depth < 3 ? many { kind(&$0, depth: depth) } : [])
    }

    private static func kind(_ random: inout SeededNumbers, depth: Int) -> Kind {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: .plain
        case 1: .pair(7, text(&random))
        case 2: .labelled(amount: number(&random), note: nil)
        default: .nested(.random(&random, depth: depth + 1))
        }
    }

    private static func number(_ random: inout SeededNumbers) -> Double {
        let value = Double(bitPattern: random.next())
        return value.isFinite && value.magnitude < 1e300 ? value : 0.1
    }

    private static func text(_ random: inout SeededNumbers) -> String {
        let scalars: [Unicode.Scalar] = [
            "a", "\"", "\\", "/", "\n", "\u{0}", "\u{7f}", "é", "\u{301}", "\u{2028}", "😀", "\u{10FFFF}",
        ]
        return String(
            String.UnicodeScalarView(
                (0..<Int.random(in: 0...20, using: &random)).map { _ in
                    scalars[Int.random(in: 0..<scalars.count, using: &random)]
                }))
    }
}

extension Float {
    fileprivate var clamped: Float { isFinite && magnitude < 1e37 ? self : 1.5 }
}

@Suite("The JSON coder")
struct JSONCodingTests {
    @Test("writes what Foundation reads, and reads what Foundation writes, for random values")
    func agreesWithFoundation() throws {
        var random = SeededNumbers()
        for _ in 0..<500 {
            let value = Everything.random(&random)
            let bytes = try JSON.encode(value)
            #expect(try JSON.decode(Everything.self, bytes) == value)
            #expect(try JSONDecoder().decode(Everything.self, from: Data(bytes)) == value)
            #expect(try JSON.decode(Everything.self, Array(JSONEncoder().encode(value))) == value)
            let pretty = JSONEncoder()
            pretty.outputFormatting = [.prettyPrinted, .sortedKeys]
            #expect(try JSON.decode(Everything.self, Array(pretty.encode(value))) == value)
        }
    }

    @Test("answers damaged bytes with a typed error or a value, never with a crash")
    func survivesDamage() throws {
        var random = SeededNumbers()
        var refused = 0
        for round in 0..<300 {
            let bytes = try JSON.encode(Everything.random(&random))
            for _ in 0..<40 {
                var damaged = bytes
                if round.isMultiple(of: 3) {
                    damaged.removeLast(Int.random(in: 1...bytes.count, using: &random))
                } else {
                    for _ in 0..<Int.random(in: 1...4, using: &random) {
                        damaged[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
                    }
                }
                do {
                    _ = try JSON.decode(Everything.self, damaged)
                } catch is JSONSyntaxError {
                    refused += 1
                } catch is DecodingError {
                    refused += 1
                }
                if JSONReader.isValue(damaged) { try expectFoundationAgrees(damaged) }
            }
        }
        #expect(refused > 4000)
    }

    /// Foundation takes every text that the reader takes, but for numbers that are too large for it.
    private func expectFoundationAgrees(_ bytes: [UInt8]) throws {
        do {
            _ = try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
        } catch  where "\(error)".contains("not representable") {}
    }

    @Test("keeps dates to the microsecond as RFC 3339 texts, data as base 64, decimals with their digits")
    func keepsSpecialValues() throws {
        struct Special: Codable, Equatable {
            var at: Date
            var data: Data
            var price: Decimal
            var dates: [Date]
        }
        let value = Special(
            at: Date(timeIntervalSince1970: 1_795_425_300.000_25), data: Data([0, 1, 255]),
            price: Decimal(string: "12345678901234567890.123456789") ?? 0, dates: [Date(timeIntervalSince1970: -1)])
        let bytes = try JSON.encode(value)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"{"at":"2026-11-23T09:15:00.000250Z","data":"AAH/","price":12345678901234567890.123456789,"#
                + #""dates":["1969-12-31T23:59:59.000000Z"]}"#)
        #expect(try JSON.decode(Special.self, bytes) == value)
    }

    @Test("a name in two forms of one meaning is refused where values are decoded, and kept where bytes are")
    func namesOfOneMeaning() throws {
        for text in ["{\"\u{E9}\":1,\"e\u{301}\":2}", "{\"\u{E9}\":1,\"e\\u0301\":2}", "{\"\u{212B}\":1,\"\u{C5}\":2}"]
        {
            let bytes = Array(text.utf8)
            #expect(try JSONReader(bytes).root.members?.count == 2)
            #expect(throws: DecodingError.self) { try JSON.decode([String: Int].self, bytes) }
        }
        #expect(try JSON.decode([String: Int].self, Array("{\"\u{E9}\":1,\"\u{E8}\":2}".utf8)).count == 2)
    }

    @Test("refuses numbers and dates that JSON cannot contain, and names the place")
    func refusesUnstorable() throws {
        struct Numbers: Codable { var inner: [[String: Double]] }
        for bad in [Double.nan, .infinity, -.infinity] {
            let error = #expect(throws: EncodingError.self) { try JSON.encode(Numbers(inner: [[:], ["x": bad]])) }
            guard case .invalidValue(_, let context)? = error else { continue }
            #expect(context.codingPath.map(\.stringValue) == ["inner", "1", "x"])
        }
        #expect(throws: EncodingError.self) { try JSON.encode(["a": Float.nan]) }
        #expect(throws: EncodingError.self) { try JSON.encode([Date(timeIntervalSince1970: 1e15)]) }
        #expect(throws: EncodingError.self) { try JSON.encode([Date(timeIntervalSince1970: .nan)]) }
        #expect(throws: EncodingError.self) { try JSON.encode([Decimal.nan]) }
    }

    @Test("holds integers exactly, to the ends of their ranges and not beyond")
    func holdsIntegersExactly() throws {
        #expect(
            try JSON.decode([Int64].self, Array("[9223372036854775807,-9223372036854775808]".utf8)) == [.max, .min])
        #expect(try JSON.decode([UInt64].self, Array("[18446744073709551615]".utf8)) == [.max])
        #expect(try JSON.decode([Int].self, Array("[1.0,1e2,-0]".utf8)) == [1, 100, 0])
        for text in ["9223372036854775808", "-9223372036854775809", "1.5", "1e400", "1e30", "true", "\"1\"", "null"] {
            #expect(throws: DecodingError.self) { try JSON.decode([Int64].self, Array("[\(text)]".utf8)) }
        }
        #expect(throws: DecodingError.self) { try JSON.decode([UInt8].self, Array("[256]".utf8)) }
        #expect(throws: DecodingError.self) { try JSON.decode([UInt].self, Array("[-1]".utf8)) }
        #expect(throws: DecodingError.self) { try JSON.decode([Double].self, Array("[1e999]".utf8)) }
    }

    @Test("names the path of what does not fit")
    func namesThePath() throws {
        struct Order: Decodable { struct Line: Decodable { var price: Double }; var lines: [Line] }
        func path(_ text: String) -> String? {
            let error = #expect(throws: DecodingError.self) { try JSON.decode(Order.self, Array(text.utf8)) }
            switch error {
            case .typeMismatch(_, let context)?, .keyNotFound(_, let context)?, .valueNotFound(_, let context)?:
                return context.codingPath.map(\.stringValue).joined(separator: ".")
            default: return nil
            }
        }
        #expect(path(#"{"lines":[{"price":1},{"price":"x"}]}"#) == "lines.1.price")
        #expect(path(#"{"lines":[{"price":1},{}]}"#) == "lines.1")
        #expect(path(#"{"lines":{}}"#) == "lines")
        #expect(path(#"{"lines":[null]}"#) == "lines.0")
        #expect(path("[]") == "")
        #expect(path("{}") == "")
    }

    @Test("takes members in any order, with unknown ones between and escaped names")
    func takesAnyOrder() throws {
        struct Three: Decodable, Equatable { var a: Int; var b: Int?; var c: Int }
        #expect(try JSON.decode(Three.self, Array(#"{"c":3,"x":[{}],"\u0061":1}"#.utf8)) == Three(a: 1, b: nil, c: 3))
        #expect(try JSON.decode(Three.self, Array(#"{"b":null,"a":1,"c":3}"#.utf8)) == Three(a: 1, b: nil, c: 3))
    }

    @Test("lets containers be filled in any order, superclasses and nested containers included")
    func fillsInAnyOrder() throws {
        let bytes = try JSON.encode(Interleaved())
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"{"first":{"x":1,"deep":[2,[],{"y":3}]},"second":[null,{}],"super":7,"fourth":{},"last":true}"#)
        let dog = Dog(name: "Rex", breed: "Collie")
        let decoded = try JSON.decode(Dog.self, try JSON.encode(dog))
        #expect(decoded.name == "Rex" && decoded.breed == "Collie")
        let foundation = try JSONDecoder().decode(Dog.self, from: Data(try JSON.encode(dog)))
        #expect(foundation.name == "Rex" && foundation.breed == "Collie")
    }

    @Test("reads nested and unkeyed containers by hand")
    func readsByHand() throws {
        let read = try JSON.decode(ByHand.self, Array(#"{"list":[1,null,[2],{"a":3},4],"object":{"a":5}}"#.utf8))
        #expect(read.seen == ["1", "null", "2", "3", "4", "end", "5", "keys list object", "no b"])
        #expect(throws: DecodingError.self) { try JSON.decode(ByHand.self, Array(#"{"list":[1],"object":{}}"#.utf8)) }
        #expect(throws: DecodingError.self) { try JSON.decode(ByHand.self, Array(#"{"object":{}}"#.utf8)) }
    }

    @Test("drops a member that failed when its type carries on without it")
    func dropsFailedMember() throws {
        #expect(String(decoding: try JSON.encode(Forgiving()), as: UTF8.self) == #"{"before":1,"after":2,"value":[0]}"#)
    }

    @Test("refuses types that use their encoder in a way that has no meaning", arguments: Misuse.Kind.allCases)
    func refusesMisuse(kind: Misuse.Kind) {
        #expect(throws: EncodingError.self) { try JSON.encode([Misuse(kind: kind)]) }
    }

    @Test("refuses to write deeper than it reads")
    func refusesDepth() throws {
        indirect enum List: Codable { case end, item(List) }
        func list(_ depth: Int) -> List { (0..<depth).reduce(.end) { list, _ in .item(list) } }
        _ = try JSON.decode(List.self, try JSON.encode(list(20)))
        #expect(throws: EncodingError.self) { try JSON.encode(list(200)) }
    }
}
