import SillokCore

/// The header `Retry-After`, by which a receiver says when it takes requests again.
enum RetryAfter {
    /// The longest time that is obeyed.
    static let longest = Duration.seconds(24 * 3600)

    /// Returns how long to wait; `nil` for a text that is neither whole seconds nor an HTTP date. A date in the past
    /// is zero.
    static func delay(_ text: String, at now: Timestamp) -> Duration? {
        let text = text.drop { $0 == " " }
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return Int64(text).map { min(.seconds($0), longest) } ?? longest
        }
        guard let date = date(text) else { return nil }
        return min(max(.zero, .microseconds(date.microseconds(since: now))), longest)
    }

    /// Reads the three forms of RFC 9110: `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` and
    /// `Sun Nov  6 08:49:37 1994`.
    private static func date(_ text: some StringProtocol) -> Timestamp? {
        let words = String(text).split(whereSeparator: { !($0.isLetter || $0.isNumber) }).map { String($0) }
        let order: [Int]
        if words.count == 8, words[7] == "GMT" {
            order = [1, 2, 3, 4, 5, 6]
        } else if words.count == 7 {
            order = [2, 1, 6, 3, 4, 5]
        } else {
            return nil
        }
        let parts = order.map { words[$0] }
        guard let month = months.firstIndex(of: parts[1]), let year = year(parts[2]), parts[0].utf8.count <= 2 else {
            return nil
        }
        let day = parts[0].utf8.count == 1 ? "0" + parts[0] : parts[0]
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        let timestamp = "\(year)-\(number)-\(day)T\(parts[3]):\(parts[4]):\(parts[5])Z"
        return Timestamp(timestamp)
    }

    /// Years of two digits are those of 1970 to 2069.
    private static func year(_ text: String) -> String? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        switch text.utf8.count {
        case 4: return text
        case 2: return (text < "70" ? "20" : "19") + text
        default: return nil
        }
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
