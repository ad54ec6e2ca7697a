import Foundation

/// A value with what events have in them.
struct FuzzValue: Codable, Equatable {
    enum Kind: Codable, Equatable {
        case plain
        case pair(Int, String)
        case labelled(amount: Double, note: String?)
        indirect case nested(FuzzValue)
    }

    var a: Int?
    var b: String?
    var c: [Int16]?
    var d: Double?
    var e: [String: Bool]?
    var f: UInt64?
    var g: Float?
    var h: [Double?]?
    var i: Kind?
    var j: Bool?

    static func random(_ random: inout FuzzRandom, depth: Int = 0) -> FuzzValue {
        func maybe<Value>(_ make: (inout FuzzRandom) -> Value) -> Value? { random.below(3) == 0 ? nil : make(&random) }
        var value = FuzzValue()
        value.a = maybe { Int(truncatingIfNeeded: $0.next()) >> $0.below(64) }
        value.b = maybe { FuzzText.characters(&$0) }
        value.c = maybe { random in (0..<random.below(4)).map { _ in Int16(truncatingIfNeeded: random.next()) } }
        value.d = maybe { FuzzText.double(&$0) }
        value.e = maybe { [FuzzText.characters(&$0): $0.below(2) == 0] }
        value.f = maybe { $0.next() >> UInt64($0.below(64)) }
        value.g = maybe { Float($0.below(1000)) / 8 }
        value.h = maybe { random in
            (0..<random.below(3)).map { _ in random.below(2) == 0 ? nil : FuzzText.double(&random) }
        }
        value.i = depth < 2 ? maybe { kind(&$0, depth) } : nil
        value.j = maybe { $0.below(2) == 0 }
        return value
    }

    private static func kind(_ random: inout FuzzRandom, _ depth: Int) -> Kind {
        switch random.below(4) {
        case 0: .plain
        case 1: .pair(random.below(100), FuzzText.characters(&random))
        case 2: .labelled(amount: FuzzText.double(&random), note: random.below(2) == 0 ? nil : "n")
        default: .nested(.random(&random, depth: depth + 1))
        }
    }
}

/// Random texts that are JSON, or nearly.
enum FuzzText {
    static func text(_ random: inout FuzzRandom) -> [UInt8] {
        var text: [UInt8] = []
        value(&random, 0, &text)
        return text
    }

    /// An object with the names of ``FuzzValue`` and any values.
    static func object(_ random: inout FuzzRandom) -> [UInt8] {
        var text = Array("{".utf8)
        for index in 0..<random.below(5) {
            if index > 0 { text.append(0x2C) }
            text += #""\#(random.one(of: ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "x"]))":"#.utf8
            value(&random, 1, &text)
        }
        return text + "}".utf8
    }

    /// A text that is not, or no longer, what it was.
    static func damaged(_ random: inout FuzzRandom) -> [UInt8] {
        var text = random.below(2) == 0 ? text(&random) : object(&random)
        for _ in 0...random.below(3) {
            let place = random.below(text.count + 1)
            switch random.below(5) {
            case 0 where place < text.count: text.remove(at: place)
            case 1 where place < text.count: text[place] = UInt8(truncatingIfNeeded: random.next())
            case 2: text.insert(random.one(of: Array("{}[]\",:\\0123456789eE+-. \n\tntu/\u{1}".utf8)), at: place)
            case 3: text.removeSubrange(place...)
            default: text.insert(contentsOf: text.prefix(random.below(4)), at: place)
            }
            if text.isEmpty { return text }
        }
        return text
    }

    private static func value(_ random: inout FuzzRandom, _ depth: Int, _ text: inout [UInt8]) {
        if random.below(8) == 0 { text += random.one(of: [" ", "\n", "\t", "\r\n"]).utf8 }
        switch random.below(depth > 3 ? 6 : 9) {
        case 0: text += random.one(of: ["null", "true", "false"]).utf8
        case 1, 2: text += number(&random).utf8
        case 3, 4, 5: string(&random, &text)
        case 6:
            text.append(0x5B)
            for index in 0..<random.below(4) {
                if index > 0 { text.append(0x2C) }
                value(&random, depth + 1, &text)
            }
            text.append(0x5D)
        case 7 where random.below(200) == 0:
            let levels = random.below(300)
            text += [UInt8](repeating: 0x5B, count: levels) + [UInt8](repeating: 0x5D, count: levels)
            if levels == 0 { text.append(0x30) }
        default:
            text.append(0x7B)
            for index in 0..<random.below(4) {
                if index > 0 { text.append(0x2C) }
                string(&random, &text)
                text.append(0x3A)
                value(&random, depth + 1, &text)
            }
            text.append(0x7D)
        }
        if random.below(8) == 0 { text.append(0x20) }
    }

    /// A number in every form that the grammar has, and some that it has not.
    private static func number(_ random: inout FuzzRandom) -> String {
        switch random.below(8) {
        case 0: "\(Int64(truncatingIfNeeded: random.next()) >> random.below(64))"
        case 1: "\(random.next())"
        case 2: "\(double(&random))"
        case 3:
            random.one(of: [
                "0", "-0", "1.0", "1e2", "-1E+2", "1e-2", "0.0", "9007199254740993", "1e19", "1e400", "-1e-400",
            ])
        case 4: random.one(of: ["01", "-", "1.", ".5", "1e", "+1", "0x1", "1e+", "-01", "NaN", "Infinity", "1_0"])
        case 5: "\(random.below(100)).\(random.below(1000))e\(random.below(40) - 20)"
        case 6: String((0..<(1 + random.below(40))).map { _ in random.one(of: Array("0123456789")) })
        default: "\(random.below(10))"
        }
    }

    private static func string(_ random: inout FuzzRandom, _ text: inout [UInt8]) {
        text.append(0x22)
        for _ in 0..<random.below(6) {
            switch random.below(6) {
            case 0:
                text +=
                    random.one(of: [
                        "\\n", "\\\"", "\\\\", "\\/", "\\u0041", "\\u00e9", "\\ud83d\\ude00", "\\ud800", "\\udc00",
                        "\\u0000",
                        "\\x", "\\u12", "\\uD83D\\u0041",
                    ]).utf8
            case 1: text += random.one(of: ["é", "e\u{301}", "😀", "\u{2028}", "\u{FFFF}", "\u{10FFFF}"]).utf8
            default: text.append(UInt8(0x61 + random.below(5)))
            }
        }
        text.append(0x22)
    }

    static func characters(_ random: inout FuzzRandom) -> String {
        let scalars: [Unicode.Scalar] = [
            "a", "b", "\"", "\\", "/", "\n", "\u{0}", "\u{7f}", "é", "\u{301}", "😀", "\u{10FFFF}",
        ]
        return String(String.UnicodeScalarView((0..<random.below(12)).map { _ in random.one(of: scalars) }))
    }

    static func double(_ random: inout FuzzRandom) -> Double {
        let value = Double(bitPattern: random.next())
        return value.isFinite && value.magnitude < 1e300 && value.magnitude > 1e-300
            ? value : Double(random.below(1000)) / 7
    }
}
