/// The table of targets in ARCHITECTURE.md: which floor each is on and what it may import.
struct TargetTable: Sendable {
    struct Row: Hashable, Sendable {
        let floor: Int
        let target: String
        /// Targets of this package and other modules.
        let imports: Set<String>
        let line: Int
    }

    static let path = "ARCHITECTURE.md"
    let rows: [String: Row]

    /// Reads the rows `| 2 | `Sillok` | what it is | `SillokCore` `SillokJSON` | Foundation |`.
    init(_ tree: Tree) {
        var rows: [String: Row] = [:]
        let lines = (tree.texts[Self.path] ?? "").split(separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() where line.hasPrefix("| ") {
            let cells = line.split(separator: "|").map { $0.split(separator: " ") }
            guard cells.count == 5, let floor = cells[0].first.flatMap({ Int($0) }), let name = cells[1].first else {
                continue
            }
            let target = name.filter { $0 != "`" }
            let imports = (cells[3] + cells[4]).map { $0.filter { $0 != "`" && $0 != "," } }
            rows[target] = Row(floor: floor, target: target, imports: Set(imports), line: index + 1)
        }
        self.rows = rows
    }

    /// The limit of a target's lines.
    func lineLimit(of target: String) -> Int { (rows[target]?.floor ?? 3) <= 2 ? 2_500 : 4_500 }
}

/// Imports that the table does not allow, and tables that allow a cycle or an arrow upwards.
struct Arrows: Rule {
    /// The system's C library is open to all targets.
    private static let platform: Set = ["Darwin", "Glibc", "Musl", "Android", "Swift", "Synchronization"]
    /// Arrows between targets of one floor above floor 2.
    private static let siblings: [String: Set<String>] = ["SillokConformance": ["SillokTesting"]]

    func findings(_ tree: Tree) -> [Finding] {
        let table = TargetTable(tree)
        var findings = table.rows.values.sorted { $0.line < $1.line }.flatMap { wrong($0, in: table) }
        var unknown: Set<String> = []
        for file in tree.swiftFiles("Sources") {
            guard let target = file.target else { continue }
            guard let row = table.rows[target] else {
                if unknown.insert(target).inserted {
                    findings.append(
                        Finding(
                            "arrow", in: file, line: 1,
                            "the target \(target) has no row in the table of targets; add one to \(TargetTable.path)"))
                }
                continue
            }
            for (module, line) in file.imports where !Self.platform.contains(module) && !row.imports.contains(module) {
                findings.append(
                    Finding(
                        "arrow", in: file, line: line,
                        "\(target) may not import \(module); use what its row in \(TargetTable.path) allows, or move "
                            + "the declaration to a lower floor"))
            }
        }
        return findings
    }

    private func wrong(_ row: TargetTable.Row, in table: TargetTable) -> [Finding] {
        row.imports.sorted().compactMap { name in
            guard let other = table.rows[name] else { return nil }
            let message: String
            if other.floor > row.floor {
                message = "the table lets \(row.target) of floor \(row.floor) import \(name) of floor \(other.floor)"
            } else if other.floor == row.floor, row.floor > 2, Self.siblings[row.target]?.contains(name) != true {
                message = "the table lets \(row.target) import its sibling \(name); rims do not import each other"
            } else if reaches(row.target, from: name, table) {
                message = "the table lets \(row.target) import \(name), which imports \(row.target) in turn"
            } else {
                return nil
            }
            return Finding(
                rule: "arrow", place: TargetTable.path, location: "\(TargetTable.path):\(row.line)",
                message: message + "; remove the import or move the target")
        }
    }

    private func reaches(_ target: String, from start: String, _ table: TargetTable) -> Bool {
        var seen: Set<String> = []
        var open = [start]
        while let next = open.popLast() {
            if next == target { return true }
            if seen.insert(next).inserted { open += table.rows[next]?.imports ?? [] }
        }
        return false
    }
}
