import Foundation
import SillokEvents
import SillokTestSupport
import Testing

@Suite struct TimestampTests {
    /// Between the years 1 and 9999.
    private static let range: ClosedRange<Int64> = -62_135_596_800_000_000...253_402_300_799_999_999

    @Test func `texts agree with Foundation's and read back`() {
        var random = SeededNumbers()
        let style = Date.ISO8601FormatStyle(timeZone: .gmt)
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        for _ in 0..<2000 {
            // Foundation's calendar is Julian before 1582.
            let moment = Timestamp(
                microsecondsSince1970: Int64.random(in: -12_000_000_000_000_000...Self.range.upperBound, using: &random)
            )
            // In whole numbers: a `Double` of microseconds can round up to the next second.
            let (quotient, rest) = moment.microsecondsSince1970.quotientAndRemainder(dividingBy: 1_000_000)
            let seconds = rest < 0 ? quotient - 1 : quotient
            let whole = Date(timeIntervalSince1970: Double(seconds)).formatted(style).dropLast()
            #expect(moment.description.hasPrefix(whole), "seed \(random.seed)")
            #expect(Timestamp(moment.description) == moment, "seed \(random.seed)")
        }
    }

    @Test func `every moment of four digits of the year reads back`() {
        var random = SeededNumbers()
        let edges = [
            Self.range.lowerBound, Self.range.upperBound, -1, 0, 1, 951_782_400_000_000, -62_167_219_200_000_000,
        ]
        for value in edges + (0..<3000).map({ _ in Int64.random(in: Self.range, using: &random) }) {
            let moment = Timestamp(microsecondsSince1970: value)
            #expect(Timestamp(moment.description) == moment, "\(moment), seed \(random.seed)")
        }
    }

    @Test(arguments: [
        ("2026-11-23T09:15:00.000250Z", 1_795_425_300_000_250), ("1970-01-01", 0), ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.5Z", 500_000), ("1969-12-31T23:59:59.999999Z", -1), ("1970-01-01t00:00:00z", 0),
        ("1970-01-01 00:00:00+00:00", 0), ("1970-01-01T01:00:00+01:00", 0), ("1969-12-31T23:30:00-00:30", 0),
        ("2000-02-29", 951_782_400_000_000), ("0000-03-01", -62_162_035_200_000_000),
    ])
    func `the forms of RFC 3339 are read`(text: String, microseconds: Int64) {
        #expect(Timestamp(text)?.microsecondsSince1970 == microseconds)
    }

    @Test(arguments: [
        "", "1970", "1970-1-1", "1970-13-01", "1970-00-10", "1970-01-32", "2023-02-29", "1900-02-29", "1970-01-00",
        "1970-01-01T", "1970-01-01T00:00:00", "1970-01-01T24:00:00Z", "1970-01-01T00:60:00Z", "1970-01-01T00:00:60Z",
        "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00.1234567Z", "1970-01-01T00:00:00ZZ", "1970-01-01T00:00:00+1:00",
        "1970-01-01T00:00:00+24:00", "1970-01-01T00:00:00+00:60", "19700101", "１970-01-01", "1970-01-01x", "-001-01-01",
    ])
    func `anything else is no time`(text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test func `sums are held at the ends of the number range`() {
        let (first, last) = (Timestamp(microsecondsSince1970: .min), Timestamp(microsecondsSince1970: .max))
        #expect(last.advanced(byMicroseconds: 1) == last)
        #expect(first.advanced(byMicroseconds: -1) == first)
        #expect(first.advanced(byMicroseconds: 5).microsecondsSince1970 == .min + 5)
        #expect(first < last)
        #expect(first.description.hasPrefix("-290308-") && last.description.hasPrefix("294247-"))
    }

    @Test("X5: differences of times, and durations, are held at the ends of the number range")
    func differences() {
        let (first, last) = (Timestamp(microsecondsSince1970: .min), Timestamp(microsecondsSince1970: .max))
        #expect(last.microseconds(since: first) == .max && first.microseconds(since: last) == .min)
        #expect(first.microseconds(since: Timestamp(microsecondsSince1970: 1)) == .min)
        #expect(last.microseconds(since: Timestamp(microsecondsSince1970: 1)) == .max - 1)
        #expect(Duration.seconds(Int64.max).wholeMicroseconds == .max)
        #expect(Duration.seconds(Int64.min).wholeMicroseconds == .min)
        #expect(Duration.nanoseconds(1_234_567).wholeMicroseconds == 1234)
        #expect(Duration.microseconds(-1500).wholeMicroseconds == -1500)
        #expect(Duration.microseconds(1001).wholeMilliseconds == 2 && Duration.milliseconds(7).wholeMilliseconds == 7)
        #expect(Duration.zero.wholeMilliseconds == 0)
    }

    @Test func `a time is its text in JSON`() throws {
        let moment = Timestamp(microsecondsSince1970: 250)
        #expect(
            String(decoding: try JSONEncoder().encode([moment]), as: UTF8.self) == #"["1970-01-01T00:00:00.000250Z"]"#)
        #expect(try throughJSON(moment) == moment)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode([Timestamp].self, from: Data(#"["x"]"#.utf8)) }
    }

    @Test func `the system's clock shows the time of day`() {
        let difference = Double(WallClock.system.now().microsecondsSince1970) / 1_000_000 - Date().timeIntervalSince1970
        #expect(abs(difference) < 5)
    }
}

@Suite struct PlaceTests {
    @Test func `places count to the end of the number range and no further`() {
        #expect(Position.start.next == 1 && Position.start.previous == .start)
        #expect(Position(.max).next == Position(.max) && Position(.max).previous.value == .max - 1)
        #expect(Revision.none.next == 1 && Revision(.max).next == Revision(.max))
        #expect(Position(2) < 10 && Revision(2) < 10)
        #expect(Position(12).description == "12" && Revision(12).description == "12")
    }

    @Test func `a place is a plain number in JSON`() throws {
        #expect(String(decoding: try JSONEncoder().encode([Position(7)]), as: UTF8.self) == "[7]")
        for value: UInt64 in [0, 1, .max] {
            #expect(try throughJSON(Position(value)) == Position(value))
            #expect(try throughJSON(Revision(value)) == Revision(value))
        }
    }
}
