import Sillok
import SillokTerminal

extension JSONWriter {
    /// Writes a key and a number with a fraction.
    mutating func field(_ name: String, _ value: Double, digits: Int) {
        key(name)
        raw(value.rounded(digits: digits).utf8)
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
