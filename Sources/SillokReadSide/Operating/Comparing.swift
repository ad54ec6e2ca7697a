import SillokCore
public import SillokSQL

/// A row that differs between two builds of a projection.
public struct RowDifference: Hashable, Sendable {
    /// The name of the table.
    public let table: String
    /// The row of the live build; `nil` if it has none with this key.
    public let live: SQLRow?
    /// The row of the other build; `nil` if it has none with this key.
    public let other: SQLRow?
}

/// The result of comparing two builds of a projection.
public struct BuildComparison: Sendable {
    /// The live build.
    public let live: ProjectionID
    /// The new build, or the previous one.
    public let other: ProjectionID
    /// The distance between the two builds in positions. Rows may differ for this reason alone.
    public let apart: UInt64
    /// The number of rows that were compared.
    public let rows: Int
    /// The differences that were not expected. At most `limit` differing rows of each table and build are read.
    public let differences: [RowDifference]
    /// The number of expected differences.
    public let expected: Int
    /// Whether there may be more differences: in one table of a build, at least `limit` rows differ.
    public let isCut: Bool
}

extension ReadSide {
    /// Compares the rows of the live build with those of the new build, or of the previous one.
    ///
    /// Two rows of a table belong together if they have the same value in the first column. They are compared by the
    /// columns that both builds have.
    /// - Parameters:
    ///   - name: the projection.
    ///   - limit: the maximum number of differing rows to read, of each table and build.
    ///   - isExpected: returns whether a difference is intended by the new version.
    /// - Throws: ``ProjectionRefusal`` if there is only the live build.
    public func diff(
        _ name: String, limit: Int = 1000, isExpected: (RowDifference) -> Bool = { _ in false }
    ) async throws -> BuildComparison {
        let live = try await live(name)
        let builds = try await ledger.builds(of: name)
        guard
            let other = builds.last(where: { $0.state == .building }) ?? builds.last(where: { $0.state == .previous })
        else { throw ProjectionRefusal("\(name) has only the live build: rebuild it first.") }
        let tools = Builds(ledger: ledger)
        let (first, second) = (try await tools.position(of: live.id), try await tools.position(of: other.id))
        var (rows, expected, isCut) = (0, 0, false)
        var differences: [RowDifference] = []
        for table in Set(live.tables).union(other.tables).sorted() {
            guard live.tables.contains(table), other.tables.contains(table) else { continue }
            let found = try await compare(table, live.id, other.id, limit)
            rows += found.rows
            isCut = isCut || found.isCut
            for difference in found.differences {
                if isExpected(difference) { expected += 1 } else { differences.append(difference) }
            }
        }
        return BuildComparison(
            live: live.id, other: other.id,
            apart: first > second ? first.value - second.value : second.value - first.value, rows: rows,
            differences: differences, expected: expected, isCut: isCut)
    }

    private func compare(
        _ table: String, _ live: ProjectionID, _ other: ProjectionID, _ limit: Int
    ) async throws -> (rows: Int, differences: [RowDifference], isCut: Bool) {
        let mine = live.physicalName(table)
        let theirs = other.physicalName(table)
        let columns = try await common(mine, theirs)
        let (all, others) = (try await count(mine), try await count(theirs))
        let ours = try await rows(of: mine, notIn: theirs, columns, limit)
        let new = try await rows(of: theirs, notIn: mine, columns, limit)
        var byKey = Dictionary(new.map { ($0.values.first ?? .null, [$0]) }, uniquingKeysWith: +)
        var differences: [RowDifference] = []
        for row in ours {
            let key = row.values.first ?? .null
            let partner = byKey[key]?.isEmpty == false ? byKey[key]?.removeFirst() : nil
            differences.append(RowDifference(table: table, live: row, other: partner))
        }
        for row in new where byKey[row.values.first ?? .null]?.contains(row) == true {
            differences.append(RowDifference(table: table, live: nil, other: row))
        }
        return (max(all, others), differences, ours.count == limit || new.count == limit)
    }

    /// Returns the columns that both tables have; `*` if one of them is empty, because then nothing is compared.
    private func common(_ first: String, _ second: String) async throws -> String {
        let one = try await readModel.rows("SELECT * FROM \(table: first) LIMIT 1").first?.columns
        let two = try await readModel.rows("SELECT * FROM \(table: second) LIMIT 1").first?.columns
        guard let one, let two, one != two else { return "*" }
        return one.filter { column in two.contains { $0.hasSameBytes(as: column) } }.map { SQL.quoted($0) }.joined(
            separator: ", ")
    }

    private func count(_ table: String) async throws -> Int {
        let rows = try await readModel.rows("SELECT COUNT(*) AS rows FROM \(table: table)")
        return try rows.first?.count("rows") ?? 0
    }

    private func rows(
        of first: String, notIn second: String, _ columns: String, _ limit: Int
    ) async throws -> [SQLRow] {
        if try await count(second) == 0 {
            return try await readModel.rows("SELECT * FROM \(table: first) ORDER BY 1 LIMIT \(limit)")
        }
        if try await count(first) == 0 { return [] }
        return try await readModel.rows(
            """
            SELECT \(raw: columns) FROM \(table: first) EXCEPT SELECT \(raw: columns) FROM \(table: second)
            ORDER BY 1 LIMIT \(limit)
            """)
    }
}
