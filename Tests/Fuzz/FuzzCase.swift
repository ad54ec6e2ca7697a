import Foundation
import SillokCore
import SillokJSON

/// One case: a value or a text, made of its seed alone.
struct FuzzCase {
    let seed: UInt64

    func verdict() -> FuzzVerdict {
        var random = FuzzRandom(state: seed &* 0x9E37_79B9_7F4A_7C15 ^ 0xA076_1D64_78BD_642F)
        switch random.below(10) {
        case 0..<3: return roundTrip(FuzzValue.random(&random))
        case 3..<6: return compare(FuzzText.text(&random), as: AnyValue.self)
        case 6..<8: return compare(FuzzText.object(&random), as: FuzzValue.self)
        case 8: return compare(FuzzText.damaged(&random), as: AnyValue.self)
        default: return compare(FuzzText.damaged(&random), as: FuzzValue.self)
        }
    }

    /// A value must come back from either writer by either reader.
    private func roundTrip(_ value: FuzzValue) -> FuzzVerdict {
        do {
            let (ours, theirs) = (try PlainCoding.bytes(of: value), try JSONEncoder().encode(value))
            let results = [
                try PlainCoding.decode(FuzzValue.self, from: ours),
                try PlainCoding.decode(FuzzValue.self, from: Array(theirs)),
                try JSONDecoder().decode(FuzzValue.self, from: Data(ours)),
            ]
            for (index, result) in results.enumerated() where result != value {
                return .unknown("way \(index): \(value) came back as \(result)")
            }
            return .same
        } catch {
            return .unknown("\(value) did not come back: \(error)")
        }
    }

    /// Both readers must read the same out of a text, or both refuse it.
    private func compare<Value: Decodable & Equatable>(_ text: [UInt8], as type: Value.Type) -> FuzzVerdict {
        let ours = Result { try PlainCoding.decode(type, from: text) }
        let theirs = Result { try JSONDecoder().decode(type, from: Data(text)) }
        switch (ours, theirs) {
        case (.success(let one), .success(let other)) where one == other: return .same
        case (.failure, .failure): return .bothRefuse
        default: break
        }
        if let known = known(text, ours) { return .known(known) }
        // A value that tries one type after the other may hide why the last one failed.
        if case .failure = ours, let reader = try? JSONReader(text), hasNamesOfOneMeaning(reader.root) {
            return .known(.repeatedKey)
        }
        // Foundation checks neither the parts that the type does not read, nor the second value of a name.
        if case .failure = ours, !StrictGrammar.accepts(text) { return .known(.unread) }
        if case (.success, .failure) = (ours, theirs), hasTinyNumber(text) { return .known(.tinyNumber) }
        if case (.failure(let error), .success) = (ours, theirs), "\(error)".contains("Int"),
            text.contains(where: { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") })
        {
            return .known(.wholeNumber)
        }
        if case (.success(let one as AnyValue), .success(let other as AnyValue)) = (ours, theirs),
            one.isNearly(other), text.contains(where: { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") })
        {
            return .known(.wholeNumber)
        }
        return .unknown("\(String(decoding: text, as: UTF8.self).debugDescription): ours \(ours), theirs \(theirs)")
    }

    /// Whether an object has two names that are one to Swift.
    private func hasNamesOfOneMeaning(_ value: JSONReader.Value) -> Bool {
        if let members = value.members {
            return Set(members.map(\.key)).count < members.count
                || members.contains { hasNamesOfOneMeaning($0.value) }
        }
        return value.elements?.contains { hasNamesOfOneMeaning($0) } ?? false
    }

    /// Whether a number may be nearer to zero than any double.
    private func hasTinyNumber(_ text: [UInt8]) -> Bool {
        String(decoding: text, as: UTF8.self).lowercased().split(separator: "e-").dropFirst()
            .contains { $0.prefix { $0.isNumber }.count >= 2 }
    }

    private func known<Value>(_ text: [UInt8], _ ours: Result<Value, any Error>) -> KnownDifference? {
        if case .failure(let error) = ours {
            let message = "\(error)"
            if message.contains("repeats a key") || message.contains("two Unicode forms") { return .repeatedKey }
            if message.contains("nested deeper") { return .depth }
            let isMarked = text.starts(with: [0xEF, 0xBB, 0xBF]) || text.starts(with: [0xFE, 0xFF])
            if isMarked || text.starts(with: [0xFF, 0xFE]) || text.prefix(4).contains(0)
                || String(validating: text, as: UTF8.self) == nil
            {
                return .encoding
            }
        }
        return nil
    }
}

/// Random numbers of a seed.
struct FuzzRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= UInt64.mixingStep
        return state.mixed
    }

    mutating func below(_ count: Int) -> Int { Int(next() % UInt64(count)) }
    mutating func one<Element>(of elements: [Element]) -> Element { elements[below(elements.count)] }
}

/// Any JSON, read through Codable as a program would that does not know what comes.
enum AnyValue: Decodable, Equatable {
    case null, bool(Bool), integer(Int64), number(Double), text([UInt8])
    case list([AnyValue]), object([String: AnyValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(Array(value.utf8))
        } else if let values = try? container.decode([AnyValue].self) {
            self = .list(values)
        } else {
            self = .object(try container.decode([String: AnyValue].self))
        }
    }

    /// Whether both are the same, but for a number that one takes for whole and the other does not.
    func isNearly(_ other: AnyValue) -> Bool {
        switch (self, other) {
        case (.number(let one), .integer(let other)): abs(one - Double(other)) <= one.ulp
        case (.list(let one), .list(let other)):
            one.count == other.count && zip(one, other).allSatisfy { $0.isNearly($1) }
        case (.object(let one), .object(let other)):
            one.count == other.count && one.allSatisfy { other[$0.key].map($0.value.isNearly) ?? false }
        default: self == other
        }
    }

    static func == (left: AnyValue, right: AnyValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let one), .bool(let other)): one == other
        case (.integer(let one), .integer(let other)): one == other
        case (.number(let one), .number(let other)): one.bitPattern == other.bitPattern
        case (.text(let one), .text(let other)): one == other
        case (.list(let one), .list(let other)): one == other
        case (.object(let one), .object(let other)): one == other
        default: false
        }
    }
}
