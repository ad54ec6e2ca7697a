package import SillokCore
package import SillokReadSide
import SillokSQL

// What is answered of projections.
extension API {
    package struct Projections: Message {
        let hasReadModel: Bool
        let projections: [Projection]

        package init(_ builds: [ProjectionStatus], hasReadModel: Bool) {
            (projections, self.hasReadModel) = (builds.map { Projection($0) }, hasReadModel)
        }
    }

    package struct Projection: Message {
        let projection: String
        let version, build: Int
        let state, lifecycle: String
        let partitions: Int
        let position, head: Position
        let behind: UInt64
        let lagSeconds: Measure
        let events: UInt64
        let deadLetters: Int
        let isPaused: Bool
        let progress: Measure
        let begun: Timestamp
        let caughtUp: Timestamp?
        let failure: String?

        package init(_ status: ProjectionStatus) {
            let made = status.build
            (projection, version, build) = (made.id.name, made.id.version, made.id.build)
            (state, lifecycle, partitions) = (made.state.rawValue, made.lifecycle.rawValue, made.partitions)
            (position, head, behind) = (status.position, status.head, status.behind)
            lagSeconds = Measure(status.lagTime.seconds)
            (events, deadLetters) = (status.count, status.deadLetters)
            (isPaused, progress) = (made.isPaused, Measure(status.progress))
            (begun, caughtUp, failure) = (made.begun, made.caughtUp, made.failure)
        }
    }

    package struct Difference: Message {
        let live, other: String
        let apart: UInt64
        let rows: Int
        let isCut: Bool
        let differences: [DifferentRow]

        package init(_ found: BuildComparison) {
            (live, other) = ("\(found.live)", "\(found.other)")
            (apart, rows, isCut) = (found.apart, found.rows, found.isCut)
            differences = found.differences.map {
                DifferentRow(table: $0.table, live: $0.live?.words, other: $0.other?.words)
            }
        }
    }

    package struct DifferentRow: Message {
        let table: String
        let live, other: String?
    }

    package struct Objectives: Message {
        let objectives: [Objective]

        package init(_ objectives: [Objective]) { self.objectives = objectives }
    }

    /// An objective as last measured. The texts are for people; `kind`, `limit` and `value` are for programs that show
    /// it in other words, and are left out if another version has written it.
    package struct Objective: Message {
        let subject, objective, measured: String
        /// `lag`, `lagEvents`, `appendTime`, `appendErrors`, `deadLetters`, `rebuild`, `steps`, `lateness`, `parked` or
        /// `unknownOutcomes`.
        let kind: String?
        /// Seconds for times, a share for append errors, or a number.
        let limit, windowSeconds: Measure?
        /// Seconds or a number; for append errors the number of failed appends.
        let value: Measure?
        let budgetLeft, burnRate: Measure
        let isMet, isStale: Bool
        let at: Timestamp

        package init(_ report: ObjectiveReport, at now: Timestamp) {
            (subject, objective, measured) = (report.subject, report.objective, report.measured)
            let promise = report.promise
            (kind, limit) = (promise?.kind.rawValue, promise.map { Measure($0.limit) })
            windowSeconds = promise.map { Measure($0.windowSeconds) }
            value = promise == nil ? nil : report.value.map { Measure($0) }
            (budgetLeft, burnRate) = (Measure(report.budgetLeft), Measure(report.burnRate))
            (isMet, isStale, at) = (report.isMet, report.isStale(at: now), report.at)
        }
    }

    package struct DeadLetters: Message {
        let deadLetters: [DeadLetter]

        package init(_ letters: some Sequence<SillokReadSide.DeadLetter>) {
            deadLetters = letters.map { DeadLetter($0) }
        }
    }

    package struct DeadLetter: Message {
        let projection: String
        let position: Position
        let event: EventID
        let type: String
        let stream: String?
        let sequence, state, reason: String
        let attempts: Int
        let parkedAt: Timestamp
        let replacement: String?

        package init(_ letter: SillokReadSide.DeadLetter) {
            (projection, position, event) = (letter.projection.name, letter.position, letter.event)
            (type, stream, sequence) = (letter.type.text, letter.stream?.text, letter.sequence)
            (state, reason, attempts) = (letter.state.rawValue, letter.reason, letter.attempts)
            (parkedAt, replacement) = (letter.parkedAt, letter.replacement)
        }
    }

    package struct DeadLetterWithEvent: Message {
        let deadLetter: DeadLetter
        let event: Event

        package init(_ letter: SillokReadSide.DeadLetter, _ event: RecordedEvent, of store: StoreID) {
            (deadLetter, self.event) = (DeadLetter(letter), Event(event, of: store))
        }
    }

    package struct ProjectionAudit: Message {
        let acts: [Act]

        package init(_ entries: [AuditEntry]) {
            acts = entries.map {
                Act(
                    at: $0.at, by: $0.actor, action: $0.action, target: "\($0.projection)", detail: $0.detail,
                    reason: $0.reason)
            }
        }
    }

    /// What an operator or an administrator did.
    package struct Act: Message {
        let at: Timestamp
        let by, action, target, detail: String
        /// Why an operator did it.
        let reason: String?

        package init(at: Timestamp, by: String, action: String, target: String, detail: String, reason: String? = nil) {
            (self.at, self.by, self.action) = (at, by, action)
            (self.target, self.detail, self.reason) = (target, detail, reason)
        }
    }
}

extension SQLRow {
    /// The row as one line, for people.
    fileprivate var words: String { zip(columns, values).map { "\($0): \($1)" }.joined(separator: ", ") }
}
