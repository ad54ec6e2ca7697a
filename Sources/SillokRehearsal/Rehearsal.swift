import Sillok
public import SillokCore
public import SillokHistory
public import SillokProcessMachine

extension Past {
    /// Runs a version of a process manager over the recorded instances, and reports where it wants other steps.
    ///
    /// ```swift
    /// let report = try await store.past().rehearse(Checkout.self)
    /// if !report.isSame { print(report) }
    /// ```
    /// Each instance is followed input by input, with the inputs that were recorded: events, results and deadlines. It
    /// is followed up to the first step that differs, and no further, because what was recorded after that depends on
    /// the recorded step. Nothing is executed, and nothing is written anywhere. The state of one instance and one page
    /// of events are in memory, however long the log is.
    /// - Parameters:
    ///   - manager: the version to try. Its name is that of the recorded process.
    ///   - start: events of the source up to here are not looked at, as given to the runner.
    ///   - silent: events of the source up to here lead to no steps except `.complete`, as with `reactsAfter` of the
    ///     runner's options.
    ///   - limit: the maximum number of differences in the report.
    ///   - progress: called with the number of instances that were compared; must not block.
    /// - Throws: `StoreError`; `CancellationError`. Records that this version cannot read are differences.
    public func rehearse<Manager: ProcessManager>(
        _ manager: Manager.Type, after start: Position = .start, reactingAfter silent: Position = .start,
        limit: Int = 100, progress: @escaping @Sendable (_ instances: Int) -> Void = { _ in }
    ) async throws -> RehearsalReport {
        var rehearsal = Rehearsal<Manager>(log: log, start: start, limit: limit, progress: progress)
        rehearsal.silent = silent
        rehearsal.report.through = position
        try await rehearsal.compareInstances()
        try await rehearsal.compareEvents()
        return rehearsal.report
    }
}

/// A version of a process manager on its way through the recorded instances.
struct Rehearsal<Manager: ProcessManager> {
    let log: any EventStore
    let start: Position
    let limit: Int
    let progress: @Sendable (Int) -> Void
    let coding = EventCoding<Manager.Event>()
    let source: EventQuery
    var silent = Position.start
    var report = RehearsalReport()

    init(log: any EventStore, start: Position, limit: Int, progress: @escaping @Sendable (Int) -> Void) {
        (self.log, self.start, self.limit, self.progress) = (log, start, limit, progress)
        source = coding.storedBoundary(Manager.source, log.limits)
    }

    // MARK: What was recorded

    /// Follows each recorded instance up to its first step that differs.
    mutating func compareInstances() async throws {
        var last: StreamID?
        while true {
            let page = try await log.streams(in: Manager.category, after: last, limit: log.limits.pageEvents)
            for stream in page {
                try Task.checkCancellation()
                try await compare(stream.id.key)
                progress(report.instances)
            }
            guard let end = page.last?.id else { return }
            last = end
        }
    }

    private mutating func compare(_ key: String) async throws {
        report.instances += 1
        var instance = ProcessInstance<Manager>(key: key)
        var answer: [RecordedEvent] = []
        for try await page in log.pages(.stream(instance.stream)) {
            for event in page.events {
                if let last = answer.last, try instance.begins(event, after: last) {
                    if try await differs(answer, &instance) { return }
                    answer = []
                }
                answer.append(event)
            }
        }
        if !answer.isEmpty { _ = try await differs(answer, &instance) }
    }

    /// Compares what was recorded for one input with what this version wants, and applies what was recorded.
    private mutating func differs(
        _ answer: [RecordedEvent], _ instance: inout ProcessInstance<Manager>
    ) async throws -> Bool {
        do {
            let recorded = try answer.flatMap { try ProcessRecord.coding.decode($0) }
            let received = try await received(recorded, instance.key)
            if let difference = try difference(recorded, answer, received, instance) {
                note(difference)
                return true
            }
            for (record, event) in zip(recorded, answer) {
                try instance.apply(record, event, source: record.isReceived ? received?.parts ?? [] : [])
            }
            return false
        } catch let error where !(error is StoreError) && !(error is CancellationError) {
            report.unreadable += 1
            note(instance.key, answer[0], "", recorded: answer[0].type.text, wanted: "cannot be read: \(error)")
            return true
        }
    }

    /// The event of the source that an answer is for.
    struct Received {
        let event: RecordedEvent
        /// The parts that this version gives to the instance.
        let parts: [Recorded<Manager.Event>]
    }

    private func received(_ recorded: [ProcessRecord], _ key: String) async throws -> Received? {
        guard let (position, id) = recorded.lazy.compactMap(\.sourceEvent).first else { return nil }
        guard let event = try await log.event(id) else {
            throw StoreError(
                .corrupt, "\(Manager.name) \(key) has handled event \(id) at position \(position), which is not there.")
        }
        let parts = source.matches(event) ? try coding.recorded(event, for: source) : []
        return Received(event: event, parts: parts.filter { Manager.correlate($0).key == key })
    }

    private func difference(
        _ recorded: [ProcessRecord], _ answer: [RecordedEvent], _ received: Received?,
        _ instance: ProcessInstance<Manager>
    ) throws -> RehearsalReport.Difference? {
        guard let first = recorded.first else { return nil }
        let input = first.input(of: instance, received?.event)
        func found(_ recorded: String?, _ wanted: String?) -> RehearsalReport.Difference {
            .init(
                key: instance.key, position: answer[0].position, recordedAt: answer[0].recordedAt, input: input,
                recorded: recorded, wanted: wanted)
        }
        var copy = instance
        guard let answered = try copy.answer(to: first, answer[0], received, after: silent) else { return nil }
        guard let records = answered.records else { return found(first.summary, answered.problem) }
        let wanted = try records.flatMap { data in
            try ProcessRecord.coding.decode(
                RecordedEvent(
                    position: answer[0].position, stream: instance.stream, revision: instance.revision.next,
                    recordedAt: answer[0].recordedAt, data: data))
        }
        for index in 0..<max(recorded.count, wanted.count) {
            let was = index < recorded.count ? recorded[index] : nil
            let would = index < wanted.count ? wanted[index] : nil
            if was?.withoutVersion != would?.withoutVersion { return found(was?.summary, would?.summary) }
        }
        return nil
    }

    // MARK: What was not recorded

    /// Finds events of the source that this version takes, and that no instance has handled.
    mutating func compareEvents() async throws {
        let after: ReadRequest.Bound? = start == .start ? nil : .position(start)
        for try await page in log.pages(ReadRequest(source, after: after, limit: log.limits.pageEvents)) {
            var byKey: [String: [RecordedEvent]] = [:]
            for event in page.events where event.stream?.category != Manager.category {
                guard let parts = try? coding.recorded(event, for: source) else { continue }
                for key in Set(parts.compactMap { Manager.correlate($0).key }) { byKey[key, default: []].append(event) }
            }
            for key in byKey.keys.sorted() {
                try Task.checkCancellation()
                try await compare(byKey[key] ?? [], of: key)
            }
        }
    }

    private mutating func compare(_ events: [RecordedEvent], of key: String) async throws {
        // An instance that this version cannot read was noted before.
        guard let instance = try await load(key), instance.parked == nil else { return }
        for event in events {
            let correlations = try coding.recorded(event, for: source).map { Manager.correlate($0) }
                .filter { $0.key == key }
            if instance.hasHandled(event, isHeld: correlations.contains { $0.isHeld }) { continue }
            if instance.status == .unknown && !correlations.contains(where: \.mayStart) { continue }
            report.untaken += 1
            note(key, event, "\(event.type)", recorded: nil, wanted: "take the event")
        }
    }

    private func load(_ key: String) async throws -> ProcessInstance<Manager>? {
        var instance = ProcessInstance<Manager>(key: key)
        do {
            for try await page in log.pages(.stream(instance.stream)) {
                for event in page.events {
                    for record in try ProcessRecord.coding.decode(event) {
                        let parts = record.isReceived ? try await received([record], key)?.parts ?? [] : []
                        try instance.apply(record, event, source: parts)
                    }
                }
            }
            return instance
        } catch let error where !(error is StoreError) && !(error is CancellationError) {
            return nil
        }
    }

    private mutating func note(
        _ key: String, _ event: RecordedEvent, _ input: String, recorded: String?, wanted: String?
    ) {
        note(
            .init(
                key: key, position: event.position, recordedAt: event.recordedAt, input: input, recorded: recorded,
                wanted: wanted))
    }

    private mutating func note(_ difference: RehearsalReport.Difference) {
        report.differing += 1
        if report.differences.count < limit { report.differences.append(difference) }
    }
}
