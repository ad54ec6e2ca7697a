/// A moment in microseconds since 1970 in UTC, printed as RFC 3339: `2026-11-23T09:15:00.000250Z`.
///
/// A literal in code is a time too: `let opened: Timestamp = "2026-11-29T10:00:00Z"`.
public struct Timestamp: Hashable, Comparable, Sendable, Codable, LosslessStringConvertible,
    ExpressibleByStringLiteral
{
    /// Microseconds since midnight of 1 January 1970, UTC; negative before it.
    public let microsecondsSince1970: Int64

    /// Creates a moment from the microseconds since 1970 began.
    @inlinable public init(microsecondsSince1970: Int64) { self.microsecondsSince1970 = microsecondsSince1970 }

    /// Returns the moment that is `count` microseconds later, clamped to the number range.
    public func advanced(byMicroseconds count: Int64) -> Timestamp {
        let (sum, overflow) = microsecondsSince1970.addingReportingOverflow(count)
        return Timestamp(microsecondsSince1970: overflow ? (count > 0 ? .max : .min) : sum)
    }

    /// Returns the microseconds from another moment to this one, clamped to the number range.
    package func microseconds(since other: Timestamp) -> Int64 {
        let (count, overflow) = microsecondsSince1970.subtractingReportingOverflow(other.microsecondsSince1970)
        return overflow ? (self > other ? .max : .min) : count
    }

    /// Orders moments by time.
    @inlinable public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.microsecondsSince1970 < right.microsecondsSince1970
    }

    /// The moment in RFC 3339 and UTC, with six fractional digits.
    public var description: String {
        let (days, time) = microsecondsSince1970.floored(by: 86_400_000_000)
        let date = CivilDate(daysSince1970: days)
        let seconds = time / 1_000_000
        let year = date.year < 0 ? "-\((-date.year).padded(4))" : date.year.padded(4)
        return "\(year)-\(date.month.padded(2))-\(date.day.padded(2))T\((seconds / 3600).padded(2)):"
            + "\((seconds / 60 % 60).padded(2)):\((seconds % 60).padded(2)).\((time % 1_000_000).padded(6))Z"
    }

    /// Parses RFC 3339: a date alone, or a date and a time with a fraction of up to six digits and `Z` or an offset.
    ///
    /// A date alone means its first moment in UTC. Returns `nil` for other texts and for more than six digits.
    public init?(_ description: String) {
        var parser = TimestampParser(bytes: Array(description.utf8))
        guard let moment = parser.moment() else { return nil }
        self.init(microsecondsSince1970: moment)
    }

    /// Creates a moment from a literal in RFC 3339. An invalid literal is a mistake in the code and stops the program.
    /// A text that comes from outside is a `String` and goes through ``init(_:)``, which returns `nil` if it is wrong.
    public init(stringLiteral value: String) {
        guard let moment = Self.init(value as String) else {
            preconditionFailure("\"\(value)\" is no time: write one such as \"2026-11-29T10:00:00Z\"")
        }
        self = moment
    }

    /// Reads the text form.
    public init(from decoder: any Decoder) throws { self = try decoder.valueOfText("RFC 3339") }

    /// Encodes the text form.
    public func encode(to encoder: any Encoder) throws { try encoder.encodeText(description) }
}

extension Duration {
    /// The duration in microseconds, rounded towards zero and clamped to the number range.
    package var wholeMicroseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let (sum, overflowsAgain) = product.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        return overflow || overflowsAgain ? (self > .zero ? .max : .min) : sum
    }

    /// The seconds as a number.
    package var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }

    /// The duration in whole milliseconds, rounded up and clamped to the number range. Used for retry delays.
    package var wholeMilliseconds: Int64 {
        let microseconds = wholeMicroseconds
        return microseconds / 1000 + (microseconds % 1000 > 0 ? 1 : 0)
    }
}

/// A day of the Gregorian calendar, and its number since 1970.
private struct CivilDate {
    var year: Int64
    var month: Int64
    var day: Int64

    init(year: Int64, month: Int64, day: Int64) { (self.year, self.month, self.day) = (year, month, day) }

    /// Counts in eras of 400 years that begin on 1 March, so that the leap day is the last day of a year.
    init(daysSince1970 days: Int64) {
        let (era, dayOfEra) = (days + 719_468).floored(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    var daysSince1970: Int64 {
        let (era, yearOfEra) = (month <= 2 ? year - 1 : year).floored(by: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

private struct TimestampParser {
    let bytes: [UInt8]
    var index = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func moment() -> Int64? {
        guard let year = number(digits: 4), take("-"), let month = number(digits: 2), take("-"),
            let day = number(digits: 2), (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        let date = CivilDate(year: year, month: month, day: day)
        let back = CivilDate(daysSince1970: date.daysSince1970)
        guard back.month == month, back.day == day else { return nil }
        if index == bytes.count { return date.daysSince1970 * 86_400_000_000 }
        guard take("T") || take("t") || take(" "), let time = timeOfDay(), let offset = offset(), index == bytes.count
        else { return nil }
        return date.daysSince1970 * 86_400_000_000 + time - offset
    }

    private mutating func timeOfDay() -> Int64? {
        guard let hour = number(digits: 2), take(":"), let minute = number(digits: 2), take(":"),
            let second = number(digits: 2), hour < 24, minute < 60, second < 60
        else { return nil }
        var fraction: Int64 = 0
        if take(".") {
            var digits = 0
            while index < bytes.count, let digit = digit(bytes[index]) {
                guard digits < 6 else { return nil }
                fraction = fraction * 10 + digit
                digits += 1
                index += 1
            }
            guard digits > 0 else { return nil }
            for _ in digits..<6 { fraction *= 10 }
        }
        return (hour * 3600 + minute * 60 + second) * 1_000_000 + fraction
    }

    private mutating func offset() -> Int64? {
        if take("Z") || take("z") { return 0 }
        let sign: Int64 = take("+") ? 1 : take("-") ? -1 : 0
        guard sign != 0, let hour = number(digits: 2), take(":"), let minute = number(digits: 2), hour < 24, minute < 60
        else { return nil }
        return sign * (hour * 3600 + minute * 60) * 1_000_000
    }

    private mutating func number(digits: Int) -> Int64? {
        guard index + digits <= bytes.count else { return nil }
        var value: Int64 = 0
        for byte in bytes[index..<index + digits] {
            guard let digit = digit(byte) else { return nil }
            value = value * 10 + digit
        }
        index += digits
        return value
    }

    private func digit(_ byte: UInt8) -> Int64? {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? Int64(byte - UInt8(ascii: "0")) : nil
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard index < bytes.count, bytes[index] == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }
}

extension Int64 {
    /// Returns the quotient and the remainder; the remainder is never negative.
    fileprivate func floored(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    fileprivate func padded(_ width: Int) -> String {
        let digits = String(self)
        return String(repeating: "0", count: Swift.max(0, width - digits.count)) + digits
    }
}
