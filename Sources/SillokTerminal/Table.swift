/// Rows in aligned columns, for people.
package struct Table: Sendable {
    /// A column: its title, and the alignment of its cells.
    package struct Column: Sendable {
        let title: String
        let isRight: Bool

        /// A column of text.
        package static func left(_ title: String) -> Column { Column(title: title, isRight: false) }
        /// A column of numbers.
        package static func right(_ title: String) -> Column { Column(title: title, isRight: true) }
    }

    private let columns: [Column]
    private var widths: [Int]
    private var rows: [[String]] = []

    /// A table without rows.
    package init(_ columns: Column...) {
        self.columns = columns
        widths = columns.map(\.title.columns)
    }

    /// Adds a row; cells are made ``Swift/String/visible``.
    package mutating func add(_ cells: String...) {
        let row = cells.map(\.visible)
        for (index, cell) in row.enumerated() where index < widths.count {
            widths[index] = max(widths[index], cell.columns)
        }
        rows.append(row)
    }

    /// The title line and the rows, no wider than the terminal: the widest text column gives way.
    package func lines(for terminal: Terminal) -> [String] {
        var widths = widths
        let gaps = 2 * (columns.count - 1)
        let excess = terminal.isTerminal ? widths.reduce(gaps, +) - terminal.width : 0
        if excess > 0,
            let widest = columns.indices.filter({ !columns[$0].isRight }).max(by: { widths[$0] < widths[$1] })
        {
            widths[widest] = max(12, widths[widest] - excess)
        }
        let title = terminal.styled(line(columns.map(\.title), widths), .dim)
        return [title] + rows.map { line($0, widths) }
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        let padded = zip(cells, columns).enumerated().map { index, cell in
            cell.0.cut(to: widths[index]).padded(to: widths[index], onTheLeft: cell.1.isRight)
        }
        let line = padded.joined(separator: "  ")
        return String(line.reversed().drop { $0 == " " }.reversed())
    }
}

extension Console {
    /// Prints the lines of a table as the result.
    package func print(_ table: Table, withTitle: Bool = true) throws {
        for line in table.lines(for: outputTerminal).dropFirst(withTitle ? 0 : 1) { try print(line) }
    }
}
