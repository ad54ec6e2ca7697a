import Sillok
import SillokTerminal

extension JSONWriter {
    /// Writes a key and a string.
    mutating func field(_ name: String, _ value: String) {
        key(name)
        string(value)
    }

    /// Writes a key and a number.
    mutating func field(_ name: String, _ value: some FixedWidthInteger) {
        key(name)
        integer(value)
    }

    /// Writes a key and a number with a fraction.
    mutating func field(_ name: String, _ value: Double, digits: Int) {
        key(name)
        raw(value.rounded(digits: digits).utf8)
    }

    /// Writes a key and a truth.
    mutating func field(_ name: String, _ value: Bool) {
        key(name)
        bool(value)
    }
}

extension Console {
    /// Prints one JSON value as a line.
    func print(_ json: JSONWriter) throws { try output.write(json.bytes + [0x0A]) }

    /// Says to a person what to try next.
    func suggest(_ command: String) {
        guard outputTerminal.isTerminal else { return }
        try? print(outputTerminal.styled("next: \(command)", .dim))
    }
}
