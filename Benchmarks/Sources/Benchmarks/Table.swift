import Foundation

/// A table of Markdown.
struct Table {
    private var lines: [String]

    init(_ columns: String...) {
        lines = [
            "| " + columns.joined(separator: " | ") + " |",
            "|" + columns.indices.map { $0 == 0 ? "---|" : "--:|" }.joined(),
        ]
    }

    mutating func row(_ cells: String...) {
        lines.append("| " + cells.joined(separator: " | ") + " |")
        progress(cells.joined(separator: "  "))
    }

    func print() { Swift.print(lines.joined(separator: "\n") + "\n") }
}

/// Says on the terminal how far it is; results go to the output.
func progress(_ text: String) { FileHandle.standardError.write(Data("  \(text)\n".utf8)) }

/// Three significant digits, thousands grouped: 1,230 or 12.3 or 0.0123.
func short(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return "0" }
    let scale = pow(10, 2 - floor(log10(abs(value))))
    let rounded = (value * scale).rounded() / scale
    if abs(rounded) < 100 {
        let digits = max(0, 2 - Int(floor(log10(abs(rounded)))))
        return String(format: "%.\(digits)f", rounded)
    }
    var digits = String(Int(rounded))
    var grouped = ""
    while digits.count > 3 {
        grouped = "," + digits.suffix(3) + grouped
        digits.removeLast(3)
    }
    return digits + grouped
}

/// A ratio with two digits.
func ratio(_ value: Double) -> String { String(format: "%.2f×", value) }
