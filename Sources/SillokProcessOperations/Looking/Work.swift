import SillokCore
import SillokProcesses
import SillokSQL

extension ProcessOperations {
    /// Returns the waiting deadlines of a process in the order of their times, those of parked instances too.
    ///
    /// - Parameters:
    ///   - process: the name of the process.
    ///   - cursor: the place after which the page starts: ``ProcessPage/next`` of the page before.
    ///   - limit: the largest number of elements, from 1 to 1000.
    /// - Throws: ``ProcessRefusal`` if the read model has no such process; `StoreError`.
    public func deadlines(
        of process: String, after cursor: PageCursor? = nil, limit: Int = 100
    ) async throws -> ProcessPage<ProcessWork> {
        let index = try await index(of: process)
        let limit = Self.bounded(limit)
        var place: SQL = ""
        if let cursor {
            guard let position = Int64(cursor.text) else { throw Self.unreadable(cursor) }
            place = "AND due >= \(cursor.number) AND (due > \(cursor.number) OR position > \(position))"
        }
        let rows = try await index.rows(
            """
            SELECT \(IndexRows.workColumns) FROM \(table: index.tables.work) WHERE kind = 'deadline' \(place)
            ORDER BY due, position LIMIT \(limit + 1)
            """)
        return try Self.page(rows, limit) { work in
            PageCursor(work.due?.microsecondsSince1970 ?? 0, "\(work.position)")
        }
    }

    /// Returns the work of a process whose last attempt failed, and effects whose outcome is unknown, oldest first.
    ///
    /// - Parameters:
    ///   - process: the name of the process.
    ///   - cursor: the place after which the page starts: ``ProcessPage/next`` of the page before.
    ///   - limit: the largest number of elements, from 1 to 1000.
    /// - Throws: ``ProcessRefusal`` if the read model has no such process; `StoreError`.
    public func failures(
        of process: String, after cursor: PageCursor? = nil, limit: Int = 100
    ) async throws -> ProcessPage<ProcessWork> {
        let index = try await index(of: process)
        let limit = Self.bounded(limit)
        var place: SQL = ""
        if let cursor {
            place = "AND position >= \(cursor.number) AND (position > \(cursor.number) OR key > \(cursor.text))"
        }
        let rows = try await index.rows(
            """
            SELECT \(IndexRows.workColumns) FROM \(table: index.tables.work) WHERE failure IS NOT NULL \(place)
            ORDER BY position, key LIMIT \(limit + 1)
            """)
        return try Self.page(rows, limit) { PageCursor(Int64(clamping: $0.position.value), $0.key) }
    }

    private static func page(
        _ rows: [SQLRow], _ limit: Int, _ cursor: (ProcessWork) -> PageCursor
    ) throws -> ProcessPage<ProcessWork> {
        let elements = try rows.prefix(limit).map { try ProcessWork($0) }
        return ProcessPage(elements: elements, next: rows.count > limit ? elements.last.map(cursor) : nil)
    }

    private static func unreadable(_ cursor: PageCursor) -> ProcessRefusal {
        ProcessRefusal("\(cursor) is not a place in this list. Give the one that the page before ended with.")
    }
}

extension ProcessWork {
    init(_ row: SQLRow) throws {
        guard let id = EventID(try row.text("id")) else {
            throw StoreError(.corrupt, "a row of the work of a process has no readable id: \(row).")
        }
        self.id = id
        key = try row.text("key")
        let text = try row.text("kind")
        let (kind, name) = text.hasPrefix("effect:") ? ("effect", String(text.dropFirst(7))) : (text, nil)
        guard let kind = Kind(rawValue: kind) else {
            throw StoreError(.corrupt, "a row of the work of a process has an unknown kind: \(row).")
        }
        self.kind = kind
        self.name = try name ?? row.text("name")
        position = try row.position("position")
        due = kind == .deadline ? try row.time("due") : nil
        let look = try row.integer("look")
        isHeldByParking = look == ProcessTables.never
        nextAttempt = look == 0 || isHeldByParking ? nil : Timestamp(microsecondsSince1970: look)
        attempts = try row.count("attempts")
        failure = row["failure"].text
    }
}
