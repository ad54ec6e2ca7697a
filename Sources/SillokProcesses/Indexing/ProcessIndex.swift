import Sillok
package import SillokCore
import SillokJSON
package import SillokProcessMachine
package import SillokProjectionMachine
import SillokSQL

/// The work of a process as rows, made from the log: inputs that are not handled, steps that are not settled, and
/// deadlines that wait. The index only proposes: the append to the stream of the instance decides.
package struct ProcessIndex<Manager: ProcessManager>: Sendable {
    /// The number of shards that the instances are divided into. A runner of one partition works on several.
    let shards: Int
    let source: EventQuery
    /// Events of the source up to here are not handled.
    let start: Position
    let coding = EventCoding<Manager.Event>()
    let tables = ProcessTables(process: Manager.name)

    /// - Parameters:
    ///   - shards: the number of partitions.
    ///   - limits: those of the store.
    ///   - start: events of the source up to here are not handled.
    package init(shards: Int, limits: Limits, after start: Position) {
        self.start = start
        self.shards = shards
        source = coding.storedBoundary(Manager.source, limits)
    }

    /// The rule that the projector of the index runs.
    package var rule: ProjectionRule {
        let ignoresUnknown = coding.types == nil
        return ProjectionRule(
            name: Self.name, version: Self.version, source: source.or(.category(Manager.category)),
            schema: tables.schema,
            sequencing: "stream", sequence: { $0.stream?.text ?? "" }, parksUnknownTypes: true,
            parksNewerVersions: true,
            effect: { event in
                do {
                    return .changes(try self.changes(of: event))
                } catch is UnknownEventType where ignoresUnknown {
                    return .nothing
                }
            }, clear: { _ in nil })
    }

    /// The name of the projection.
    package static var name: String { "process_\(Manager.name)" }

    /// The version of the rule. It rises with each change of the tables or of what events mean for them.
    package static var version: Int { 3 }

    /// The identity of the first build of the rule.
    package static var id: ProjectionID { ProjectionID(name, version: version) }

    func shard(of key: String) -> Int { ProjectionRule.partition(ofSequence: key, among: shards) }

    private func changes(of event: RecordedEvent) throws -> [SQL] {
        if let stream = event.stream, stream.category == Manager.category {
            return try ProcessRecord.coding.decode(event).flatMap { self.changes(of: $0, event, stream.key) }
        }
        if event.position <= start { return [] }
        var changes: [SQL] = []
        var keys: Set<String> = []
        for part in try coding.recorded(event, for: source) {
            let correlation = Manager.correlate(part)
            guard let key = correlation.key, keys.insert(key).inserted else { continue }
            changes.append(insertion(event.id, key, .input, event))
            if correlation.isHeld { changes.append(holding(event.id, key)) }
        }
        return changes
    }

    private func insertion(
        _ id: EventID, _ key: String, _ kind: WorkKind, _ event: RecordedEvent, name: String = "", due: Int64 = 0
    ) -> SQL {
        """
        INSERT INTO \(table: tables.work) (id, key, kind, name, shard, look, position, due, attempts, failure)
        VALUES (\(id.description), \(key), \(kind.text), \(name), \(shard(of: key)), \(due), \(event.position),
        \(due), 0, NULL) ON CONFLICT (id, key) DO NOTHING
        """
    }

    /// Lets an event wait whose instance was never started.
    private func holding(_ id: EventID, _ key: String) -> SQL {
        """
        UPDATE \(table: tables.work) SET kind = \(WorkKind.held.text) WHERE id = \(id.description) AND key = \(key)
        AND NOT EXISTS (SELECT 1 FROM \(table: tables.instances) WHERE key = \(key) AND generation > 0)
        """
    }

    private func deletion(_ id: EventID, _ key: String) -> SQL {
        "DELETE FROM \(table: tables.work) WHERE id = \(id.description) AND key = \(key)"
    }

    private func changes(of record: ProcessRecord, _ event: RecordedEvent, _ key: String) -> [SQL] {
        switch record {
        case .started(let generation, let version): return started(generation, version, event, key)
        case .received(_, let id, _), .ignored(_, let id), .inputSkipped(let id), .actEnded(let id, _):
            return [deletion(id, key)]
        case .requestPlanned(let request, _, _):
            return [insertion(event.id, key, .request, event, name: request.caseName ?? "")]
        case .effectPlanned(let effect, _, _):
            let name = effect.caseName ?? ""
            return [insertion(event.id, key, .effect(name), event, name: name)]
        case .requestAccepted(let step), .requestRefused(let step, _), .effectDone(let step, _),
            .effectFailed(let step, _), .deadlineFired(let step):
            return [deletion(step, key)]
        case .effectStarted: return []
        case .effectUnknown(let step, let reason):
            return [
                """
                UPDATE \(table: tables.work) SET kind = \(WorkKind.unknown.text), failure = \(reason.shortened)
                WHERE id = \(step.description) AND key = \(key)
                """
            ]
        case .effectCancelled(_, let step), .deadlineCancelled(_, let step):
            return step.map { [deletion($0, key)] } ?? []
        case .deadlineScheduled(let deadline, let due, let after, let replaced):
            let due = (due ?? event.recordedAt.advanced(byMicroseconds: after ?? 0)).microsecondsSince1970
            let name = deadline.caseName ?? ""
            return (replaced.map { [deletion($0, key)] } ?? [])
                + [insertion(event.id, key, .deadline, event, name: name, due: due)]
        case .actRequested(.retry(let step)): return [retry(step, key)]
        case .actRequested(let act): return [insertion(event.id, key, .act, event, name: act.name)]
        case .completed, .parked, .released, .compensationStarted, .compensationEnded:
            return counted(changes(ofStatus: record, key), event, key)
        }
    }

    /// Proposes work again now, with all attempts.
    private func retry(_ step: EventID, _ key: String) -> SQL {
        """
        UPDATE \(table: tables.work) SET look = due, attempts = 0, failure = NULL,
        kind = CASE WHEN kind = \(WorkKind.unknown.text) THEN 'effect:' || name ELSE kind END
        WHERE id = \(step.description) AND key = \(key) AND look < \(ProcessTables.never)
        """
    }

    /// Surrounds changes of an instance by those of the number of instances in its state.
    ///
    /// The rows of the numbers belong to the partition of the stream, so that no two runners change the same row.
    private func counted(_ changes: [SQL], _ event: RecordedEvent, _ key: String) -> [SQL] {
        let shard = ProjectionRule.partition(ofSequence: event.stream?.text ?? "", among: shards)
        let state: SQL = "SELECT state FROM \(table: tables.instances) WHERE key = \(key)"
        return [
            "UPDATE \(table: tables.counts) SET number = number - 1 WHERE shard = \(shard) AND state = (\(state))"
        ] + changes + [
            """
            INSERT INTO \(table: tables.counts) AS c (state, shard, number)
            SELECT state, \(shard), 1 FROM \(table: tables.instances) WHERE key = \(key)
            ON CONFLICT (state, shard) DO UPDATE SET number = c.number + 1
            """
        ]
    }

    private func started(_ generation: Int, _ version: Int, _ event: RecordedEvent, _ key: String) -> [SQL] {
        let instance: SQL = """
            INSERT INTO \(table: tables.instances) AS i (key, shard, generation, version, status, compensating, state,
            started, parked) VALUES (\(key), \(shard(of: key)), \(generation), \(version), 'running', 0, 'running',
            \(event.recordedAt), NULL)
            ON CONFLICT (key) DO UPDATE SET generation = \(generation), version = \(version), status = 'running',
            compensating = 0, state = CASE WHEN i.parked IS NULL THEN 'running' ELSE 'parked' END,
            started = \(event.recordedAt)
            """
        return counted([instance], event, key) + [
            """
            UPDATE \(table: tables.work) SET kind = \(WorkKind.input.text)
            WHERE key = \(key) AND kind = \(WorkKind.held.text)
            """
        ]
    }

    private func changes(ofStatus record: ProcessRecord, _ key: String) -> [SQL] {
        let instance: SQL = "UPDATE \(table: tables.instances) SET"
        let work: SQL = "UPDATE \(table: tables.work) SET look ="
        let parked: SQL = "state = CASE WHEN parked IS NOT NULL THEN 'parked'"
        return switch record {
        case .completed:
            [
                """
                \(instance) status = 'completed', \(parked) WHEN compensating = 1 THEN 'compensating'
                ELSE 'completed' END WHERE key = \(key)
                """,
                "DELETE FROM \(table: tables.work) WHERE key = \(key) AND kind = \(WorkKind.deadline.text)",
            ]
        case .compensationStarted:
            ["\(instance) compensating = 1, \(parked) ELSE 'compensating' END WHERE key = \(key)"]
        case .compensationEnded: ["\(instance) compensating = 0, \(parked) ELSE status END WHERE key = \(key)"]
        case .parked(_, let reason):
            [
                """
                INSERT INTO \(table: tables.instances) (key, shard, generation, version, status, compensating, state,
                started, parked) VALUES (\(key), \(shard(of: key)), 0, 0, 'notStarted', 0, 'parked', 0, \(reason))
                ON CONFLICT (key) DO UPDATE SET parked = \(reason), state = 'parked'
                """,
                "\(work) \(ProcessTables.never) WHERE key = \(key) AND kind <> \(WorkKind.act.text)",
            ]
        default:
            [
                """
                \(instance) parked = NULL, state = CASE WHEN compensating = 1 THEN 'compensating' ELSE status END
                WHERE key = \(key)
                """,
                "\(work) due WHERE key = \(key)",
            ]
        }
    }
}

/// What a row of the work is.
///
/// The texts of effects are between `effect` and `effecu` in any order of texts that a database may use. In the usual
/// order of PostgreSQL a semicolon is before a colon, so a range that ends with `effect;` would be empty.
package enum WorkKind: Hashable, Sendable {
    /// An event of the source that is not handled.
    case input
    /// An event of the source whose instance is not started.
    case held
    case request
    /// An effect, by the name of its case.
    case effect(String)
    /// An effect whose outcome must be looked up.
    case unknown
    case deadline
    /// An act of an operator.
    case act

    package var text: String {
        switch self {
        case .input: "input"
        case .held: "held"
        case .request: "request"
        case .effect(let name): "effect:\(name)"
        case .unknown: "unknown"
        case .deadline: "deadline"
        case .act: "act"
        }
    }
}
