import SillokProjections

/// Compares a read model with the log, by a fold of its own.
struct ProjectionCheck {
    private struct Entry {
        let position: Position
        let number: Int?
    }

    let store: any EventStore
    let model: any ReadModel
    private(set) var findings: [String] = []
    private(set) var rows = 0
    private(set) var letters = 0
    private(set) var builds = 0

    init(store: any EventStore, model: any ReadModel) {
        self.store = store
        self.model = model
    }

    mutating func run() async throws {
        let side = ReadSide(of: store, in: model)
        let log = try await log()
        for status in try await side.status() where status.build.state != .requested {
            builds += 1
            try await check(status.build, log)
            if status.build.state == .live {
                let report = try await side.verify(status.build.id.name)
                findings += report.findings.map { "verify \(report.projection): \($0)" }
            }
        }
    }

    /// The events of each account; opening has no number.
    private func log() async throws -> [String: [Entry]] {
        var log: [String: [Entry]] = [:]
        for try await page in store.pages(.category("account")) {
            for event in page.events {
                let text = String(decoding: event.payload, as: UTF8.self)
                let number = event.type == "opened" ? nil : Int(text.drop { !$0.isNumber }.dropLast())
                log[event.stream?.text ?? "", default: []].append(Entry(position: event.position, number: number))
            }
        }
        return log
    }

    private mutating func check(_ build: ProjectionBuild, _ log: [String: [Entry]]) async throws {
        let id = build.id
        let whose: SQL = "WHERE projection = \(id.name) AND version = \(id.version) AND build = \(id.build)"
        var positions: [Int: Position] = [:]
        for row in try await model.rows("SELECT \"partition\", position FROM sillok_checkpoints \(whose)") {
            positions[Int(row["partition"].integer ?? 0)] = Position(UInt64(row["position"].integer ?? 0))
        }
        var parked: Set<Position> = []
        for row in try await model.rows("SELECT position FROM sillok_dead_letters \(whose)") {
            parked.insert(Position(UInt64(row["position"].integer ?? 0)))
        }
        letters += parked.count
        let found = try await found(id)
        rows += found.count
        var expected: [String: [Int]] = [:]
        for (account, entries) in log {
            let partition = partition(of: account, among: build.partitions)
            let taken = entries.prefix { $0.position <= positions[partition] ?? .start }
            let told = taken.filter { !parked.contains($0.position) }
            if let first = taken.first(where: { parked.contains($0.position) }), let last = told.last,
                first.position < last.position
            {
                findings.append("overtaken: \(id) told \(last.position) of \(account) before \(first.position)")
            }
            if !told.isEmpty { expected[account] = told.compactMap(\.number) }
        }
        for account in Set(expected.keys).union(found.keys).sorted() where expected[account] != found[account] {
            let (told, row) = (expected[account] ?? [], found[account] ?? [])
            findings.append(
                "row: \(id) \(account): \(row.count) steps, \(told.count) expected; they part at step "
                    + "\(zip(told, row).prefix { $0 == $1 }.count)")
        }
    }

    /// The trace of each account that a build has.
    private func found(_ id: ProjectionID) async throws -> [String: [Int]] {
        var found: [String: [Int]] = [:]
        if id.name == "traces" {
            for row in try await model.rows("SELECT account, total, trace FROM \(table: "traces")", of: id) {
                let trace = (row["trace"].text ?? "").split(separator: " ").compactMap { Int($0) }
                let isSum = row["total"].integer == Int64(trace.reduce(0, +))
                found[row["account"].text ?? ""] = isSum ? trace : [-1]
            }
        } else {
            for row in try await model.rows("SELECT key, document FROM \(table: "trace_documents")", of: id) {
                let numbers = (row["document"].text ?? "").split { !$0.isNumber }.compactMap { Int($0) }
                found[row["key"].text ?? ""] = numbers
            }
        }
        return found
    }

    /// Written down again, so that a change of the rule does not go unseen: it would tear every stored model apart.
    private func partition(of account: String, among count: Int) -> Int {
        if count == 1 { return 0 }
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in account.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        hash ^= hash >> 32
        return Int(hash % UInt64(count))
    }
}
