package import SillokCore
package import SillokProcessOperations
package import SillokReadSide

// What is answered of processes.
extension API {
    package struct Processes: Message {
        let hasReadModel: Bool
        let processes: [Process]

        package init(_ processes: [ProcessSummary], hasReadModel: Bool) {
            (self.processes, self.hasReadModel) = (processes.map { Process($0) }, hasReadModel)
        }
    }

    /// A process. Counts of work end at the limit: it means this many or more.
    package struct Process: Message {
        let process: String
        /// The number of instances by their states.
        let instances: Members<Int>
        let total, inputs, failing, unknown, deadlines, overdue, limit, deadLetters: Int
        let pausedKinds: [PausedKind]
        let oldestInput, nextDue: Timestamp?
        let position, head: Position
        let behind: UInt64

        package init(_ summary: ProcessSummary) {
            process = summary.name
            instances = Members(
                InstanceState.allCases.compactMap { state in summary.instances[state].map { (state.rawValue, $0) } })
            (total, inputs, failing, unknown) = (summary.total, summary.inputs, summary.failing, summary.unknown)
            (deadlines, overdue, limit) = (summary.deadlines, summary.overdue, ProcessSummary.limit)
            (deadLetters, oldestInput, nextDue) = (summary.deadLetters, summary.oldestInput, summary.nextDue)
            pausedKinds = summary.pausedKinds.map { PausedKind($0) }
            (position, head) = (summary.position, summary.head)
            behind = head > position ? head.value - position.value : 0
        }
    }

    /// A kind of effect that is paused because its calls keep failing.
    package struct PausedKind: Message {
        let kind: String
        let since, nextTry: Timestamp
        let tries: Int
        let reason: String

        init(_ paused: SillokProcessOperations.PausedKind) {
            (kind, since, nextTry) = (paused.kind, paused.since, paused.nextTry)
            (tries, reason) = (paused.tries, paused.reason)
        }
    }

    /// The figures of a process for the overview.
    package struct ProcessFigures: Message {
        let process: String
        let inFlight, parked, failing, unknown: Int
        let oldestStepSeconds, latenessSeconds: Measure
        let pausedKinds: [String]

        package init(_ measurement: ProcessMeasurement) {
            (process, inFlight) = (measurement.process, measurement.inFlight)
            parked = measurement.instances["parked"] ?? 0
            (failing, unknown) = (measurement.failing, measurement.unknown)
            oldestStepSeconds = Measure(measurement.oldestStep.seconds)
            latenessSeconds = Measure(measurement.lateness.seconds)
            pausedKinds = measurement.pausedKinds.keys.sorted()
        }
    }

    package struct Instances: Message {
        let instances: [Instance]
        /// Where the next page starts.
        let next: String?

        package init(_ page: ProcessPage<InstanceSummary>) {
            (instances, next) = (page.elements.map { Instance($0) }, page.next?.description)
        }
    }

    package struct Instance: Message {
        let key, state: String
        let generation, version: Int
        let startedAt: Timestamp?
        let parkedBecause: String?

        init(_ summary: InstanceSummary) {
            (key, state) = (summary.key, summary.state.rawValue)
            (generation, version) = (summary.generation, summary.version)
            (startedAt, parkedBecause) = (summary.startedAt, summary.parkedBecause)
        }
    }

    /// An instance with its open work, and a page of its records.
    package struct InstanceHistory: Message {
        let process, stream: String
        let instance: Instance
        let revision: Revision
        let work: [Work]
        let timeline: [TimelineEntry]
        let next: String?
        let at: Timestamp

        /// - Parameters:
        ///   - page: some of its records; `nil` if it has none.
        ///   - sources: the events of the log that the records refer to, by their ids.
        package init(
            of process: String, _ detail: InstanceDetail, _ page: ProcessPage<SillokProcessOperations.TimelineEntry>?,
            sources: [EventID: RecordedEvent], at now: Timestamp
        ) {
            (self.process, stream, revision) = (process, detail.stream.text, detail.revision)
            (instance, work) = (Instance(detail.summary), detail.work.map { Work($0) })
            timeline = page?.elements.map { TimelineEntry($0, $0.source.flatMap { sources[$0.event] }) } ?? []
            (next, at) = (page?.next?.description, now)
        }
    }

    /// A record of an instance.
    package struct TimelineEntry: Message {
        let record: String
        let id: EventID
        let position: Position
        let revision: Revision
        let at: Timestamp
        let cause: EventID?
        /// The event that was handled.
        let source: EventID?
        let sourcePosition: Position?
        let stream: String?
        /// The step that it is about, and the one that it takes back.
        let step, undoes: EventID?
        let name: String?
        let payload: JSONText?
        let result: String?
        let due: Timestamp?
        let actor, reason: String?

        init(_ entry: SillokProcessOperations.TimelineEntry, _ event: RecordedEvent?) {
            (record, id, position, revision) = (entry.kind, entry.id, entry.position, entry.revision)
            (at, cause) = (entry.recordedAt, entry.cause)
            (source, sourcePosition) = (entry.source?.event, entry.source?.position ?? event?.position)
            stream = (entry.source?.stream ?? event?.stream)?.text
            (step, undoes, name) = (entry.step, entry.undoes, entry.name ?? event?.type.text)
            (payload, result, due) = (entry.payload.map { JSONText($0.bytes) }, entry.result, entry.due)
            (actor, reason) = (entry.actor, entry.reason)
        }
    }

    /// Work of instances, and the time when it was looked at.
    package struct WorkPage: Message {
        let work: [Work]
        let next: String?
        let at: Timestamp

        package init(_ page: ProcessPage<ProcessWork>, at now: Timestamp) {
            (work, next, at) = (page.elements.map { Work($0) }, page.next?.description, now)
        }
    }

    /// Work of an instance that is not done.
    package struct Work: Message {
        let id: EventID
        let key, kind, name: String
        let position: Position
        let due, nextAttempt: Timestamp?
        let isHeldByParking: Bool
        let attempts: Int
        let failure: String?

        init(_ work: ProcessWork) {
            (id, key, kind, name) = (work.id, work.key, work.kind.rawValue, work.name)
            (position, due, nextAttempt) = (work.position, work.due, work.nextAttempt)
            (isHeldByParking, attempts, failure) = (work.isHeldByParking, work.attempts, work.failure)
        }
    }

    /// An act that was recorded for the application that runs the process.
    package struct ProcessAct: Message {
        let act: EventID
        let position: Position

        package init(_ report: ProcessActReport) { (act, position) = (report.id, report.position) }
    }
}
