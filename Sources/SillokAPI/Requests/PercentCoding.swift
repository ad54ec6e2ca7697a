import SillokCore

/// Decodes a percent-encoded part of a path or a query; returns `nil` if it is malformed or not UTF-8.
package func percentDecoded(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8.makeIterator()
    while let byte = rest.next() {
        switch byte {
        case UInt8(ascii: "%"):
            guard let high = rest.next()?.hexadecimalDigit, let low = rest.next()?.hexadecimalDigit else { return nil }
            bytes.append(high << 4 | low)
        case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
        default: bytes.append(byte)
        }
    }
    return String(validating: bytes, as: UTF8.self)
}

/// Returns the names and values of a query string, in order; `nil` if it is malformed.
package func queryArguments(_ text: some StringProtocol) -> [(name: String, value: String)]? {
    var arguments: [(name: String, value: String)] = []
    for pair in text.split(separator: "&") {
        let end = pair.firstIndex(of: "=") ?? pair.endIndex
        guard let name = percentDecoded(pair[..<end], plusIsSpace: true),
            let value = percentDecoded(pair[end...].dropFirst(), plusIsSpace: true)
        else { return nil }
        arguments.append((name, value))
    }
    return arguments
}

/// The encoding of `ce-` headers: printable ASCII, and everything else percent-encoded, as in the standard.
package enum CloudEventHeader {
    /// Decodes a value; returns `nil` if it has other characters, or the decoded bytes are not UTF-8.
    package static func decoded(_ value: String) -> String? {
        guard value.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else { return nil }
        var text = value[...]
        if text.utf8.count > 1, text.hasPrefix("\""), text.hasSuffix("\"") {
            text = unquoted(text.dropFirst().dropLast())[...]
        }
        return percentDecoded(text)
    }

    /// Encodes a text.
    package static func encoded(_ text: String) -> String {
        var value = ""
        for byte in text.utf8 {
            let isPlain = (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "%") && byte != UInt8(ascii: "\"")
            value +=
                isPlain
                ? String(UnicodeScalar(byte)) : (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
        }
        return value
    }

    private static func unquoted(_ text: Substring) -> String {
        var result = ""
        var isEscaped = false
        for character in text {
            if character == "\\", !isEscaped {
                isEscaped = true
            } else {
                result.append(character)
                isEscaped = false
            }
        }
        return result
    }
}
