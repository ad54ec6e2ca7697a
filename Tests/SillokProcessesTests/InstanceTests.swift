import Sillok
import SillokCore
import SillokProcesses
import Testing

/// A log of one instance without a store: records are folded as they would be read.
struct InstanceLog {
    var instance = ProcessInstance<Checkout>(key: "42")
    var records: [(name: String, id: EventID)] = []
    private var events: [RecordedEvent] = []
    private var sources: [EventID: [Recorded<ShopEvent>]] = [:]
    private var position: UInt64 = 0
    private(set) var time: Timestamp = "2026-01-01T00:00:00Z"

    /// Returns an event of the source as the log has it.
    mutating func event(_ payload: ShopEvent, hops: Int = 0) throws -> RecordedEvent {
        position += 1
        var metadata = Metadata()
        if hops > 0 { metadata[Metadata.hopsKey] = "\(hops)" }
        let data = try EventCoding<ShopEvent>().encode(
            payload, id: EventID(high: 1, low: position), metadata: metadata)
        let event = RecordedEvent(
            position: Position(position), stream: "order-42", revision: Revision(position), recordedAt: time, data: data
        )
        sources[event.id] = [Recorded(event, payload: payload)]
        return event
    }

    /// Receives an event; returns the names of the records.
    @discardableResult
    mutating func receive(_ event: RecordedEvent, hopLimit: Int = 100) throws -> [String] {
        let parts = sources[event.id] ?? []
        var draft = instance
        switch try draft.receive(event, parts, parts.map { Checkout.correlate($0) }, hopLimit: hopLimit) {
        case .records(let records): return try append(records)
        case .known: return ["known"]
        case .early(let isHeld): return [isHeld ? "held" : "early"]
        case .busy: return ["busy"]
        }
    }

    @discardableResult
    mutating func act(_ body: (inout ProcessInstance<Checkout>) throws -> [EventData]) throws -> [String] {
        var draft = instance
        return try append(try body(&draft))
    }

    private mutating func append(_ records: [EventData]) throws -> [String] {
        for data in records {
            position += 1
            let event = RecordedEvent(
                position: Position(position), stream: instance.stream, revision: instance.revision.next,
                recordedAt: time, data: data)
            events.append(event)
            self.records.append((data.type.text, data.id))
            try fold(event, into: &instance)
        }
        return records.map(\.type.text)
    }

    private func fold(_ event: RecordedEvent, into instance: inout ProcessInstance<Checkout>) throws {
        for record in try ProcessRecord.coding.decode(event) {
            var source: [Recorded<ShopEvent>] = []
            if case .received(_, let id, _) = record { source = sources[id] ?? [] }
            try instance.apply(record, event, source: source)
        }
    }

    /// Returns the instance that the log gives.
    func replayed() throws -> ProcessInstance<Checkout> {
        var instance = ProcessInstance<Checkout>(key: "42")
        for event in events { try fold(event, into: &instance) }
        return instance
    }

    mutating func wait(_ seconds: Int64) { time = time.advanced(byMicroseconds: seconds * 1_000_000) }

    /// The only open step.
    var open: EventID { instance.open.first?.id ?? EventID(high: 0, low: 0) }
}

@Suite struct InstanceTests {
    @Test("P1: an input and its steps are one append with derived ids; the same input again is known")
    func sameInputTwice() throws {
        var (log, other) = (InstanceLog(), InstanceLog())
        let placed = try log.event(.placed(item: "tea", units: 1, cents: 500))
        #expect(try log.receive(placed) == ["started", "received", "requestPlanned", "deadlineScheduled"])
        #expect(try log.receive(placed) == ["known"])
        #expect(try other.receive(other.event(.placed(item: "tea", units: 1, cents: 500))).count == 4)
        #expect(log.records.map(\.id) == other.records.map(\.id))
        #expect(Set(log.records.map(\.id)).count == 4)
        #expect(try log.replayed().state.cents == 500)
    }

    @Test("P2: a refusal is an input; a second result of a request has no effect")
    func refusal() throws {
        var log = InstanceLog()
        try log.receive(log.event(.placed(item: "tea", units: 1, cents: 500)))
        let step = log.open
        #expect(
            try log.act { try $0.settle(step, RequestResult.refused(reason: "sold out")) } == [
                "requestRefused", "deadlineCancelled", "compensationStarted", "requestPlanned", "completed",
                "compensationEnded",
            ])
        #expect(try log.act { try $0.settle(step, RequestResult.accepted) } == [])
        #expect(log.instance.waiting.isEmpty)
    }

    @Test("P3: an unknown outcome is an input, and is settled once afterwards")
    func unknown() throws {
        var log = InstanceLog()
        try reachCharge(&log)
        let step = log.open
        #expect(try log.act { try $0.start(step) } == ["effectStarted"])
        #expect(try log.act { try $0.start(step) } == [])
        #expect(try log.act { try $0.settle(step, .unknown(reason: "no answer")) } == ["effectUnknown"])
        #expect(try log.act { try $0.settle(step, .unknown(reason: "no answer")) } == [])
        #expect(
            try log.act { try $0.settle(step, .done("receipt")) } == [
                "effectDone", "requestPlanned", "effectPlanned", "completed",
            ])
        #expect(try log.act { try $0.settle(step, .failed(reason: "late")) } == [])
    }

    @Test("P4: a deadline counts from the time of the input, and fires once")
    func deadline() throws {
        var log = InstanceLog()
        let placed = try log.event(.placed(item: "tea", units: 1, cents: 500))
        log.wait(600)
        try log.receive(placed)
        let deadline = try #require(log.instance.waiting.values.first)
        #expect(deadline.due == "2026-01-01T00:30:00Z")
        #expect(try log.act { try $0.fire(deadline.id) }.first == "deadlineFired")
        #expect(try log.act { try $0.fire(deadline.id) } == [])
    }

    @Test("P10: a late event is a counted no-op; the key may start again, and old deadlines cannot reach it")
    func generations() throws {
        var log = InstanceLog()
        try log.receive(log.event(.placed(item: "tea", units: 1, cents: 500)))
        let old = try #require(log.instance.waiting.values.first?.id)
        let step = log.open
        try log.act { try $0.settle(step, RequestResult.refused(reason: "sold out")) }
        #expect(log.instance.status == .completed)
        #expect(try log.receive(log.event(.withdrawn)) == ["ignored"])
        #expect(log.instance.ignoredEvents == 1)
        #expect(try log.receive(log.event(.placed(item: "tea", units: 1, cents: 700))).first == "started")
        #expect(log.instance.generation == 2)
        #expect(log.instance.state.cents == 700)
        #expect(try log.act { try $0.fire(old) } == [])
        #expect(log.instance.waiting.count == 1)
        // The cancellation of the first generation is still open: its result does not reach the second.
        let cancellation = log.open
        #expect(try log.act { try $0.settle(cancellation, RequestResult.accepted) } == ["requestAccepted"])
        #expect(try log.replayed().status == .running)
    }

    @Test("P10: undo runs last in, first out, one at a time, from the record")
    func compensation() throws {
        var log = InstanceLog()
        try reachCharge(&log)
        let charge = log.open
        try log.act { try $0.start(charge) }
        let act = EventID(high: 9, low: 9)
        // An operator ends the instance while the charge has no outcome.
        #expect(
            try log.act { try $0.end(act, reason: "fraud", compensating: true, by: Metadata()) } == [
                "compensationStarted", "completed",
            ])
        #expect(try log.act { try $0.settle(charge, .done("receipt")) } == ["effectDone", "effectPlanned"])
        let refund = log.open
        #expect(log.instance.steps[refund]?.undoes == charge)
        #expect(try log.act { try $0.settle(refund, .done("back")) } == ["effectDone", "requestPlanned"])
        let release = log.open
        let last = try log.act { try $0.settle(release, RequestResult.accepted) }
        #expect(last == ["requestAccepted", "compensationEnded"])
        #expect(log.instance.open.isEmpty && !log.instance.isCompensating)
    }

    @Test("P10: a compensation waits for a step whose outcome is unknown")
    func compensationWaits() throws {
        var log = InstanceLog()
        try reachCharge(&log)
        let charge = log.open
        try log.act { try $0.settle(charge, .unknown(reason: "no answer")) }
        #expect(try log.receive(log.event(.withdrawn)).contains("compensationStarted"))
        #expect(log.instance.isCompensating)
        #expect(!log.records.contains { $0.name == "effectPlanned" && log.instance.steps[$0.id]?.undoes != nil })
        #expect(try log.receive(log.event(.placed(item: "tea", units: 1, cents: 1))) == ["busy"])
        try log.act { try $0.settle(charge, .done("it was executed")) }
        #expect(log.instance.steps.values.contains { $0.undoes == charge })
    }

    @Test("PRC-6: a cancelled, replaced or completed deadline does not fire")
    func staleDeadlines() throws {
        var log = InstanceLog()
        try log.receive(log.event(.placed(item: "tea", units: 1, cents: 500)))
        let first = try #require(log.instance.waiting.values.first?.id)
        try log.receive(log.event(.placed(item: "tea", units: 1, cents: 500)))
        let second = try #require(log.instance.waiting.values.first?.id)
        #expect(first != second && log.instance.waiting.count == 1)
        #expect(try log.act { try $0.fire(first) } == [])
        try log.receive(log.event(.paid(cents: 500)))
        #expect(try log.act { try $0.fire(second) } == [])
    }

    @Test("PRC-7: cancelling what is gone is recorded without effect")
    func cancelTwice() throws {
        var log = InstanceLog()
        try log.receive(log.event(.placed(item: "tea", units: 1, cents: 500)))
        #expect(try log.receive(log.event(.paid(cents: 500))) == ["received", "deadlineCancelled"])
        #expect(try log.receive(log.event(.paid(cents: 500))) == ["received", "deadlineCancelled"])
    }

    @Test("PRC-4: an event before the start is ignored or held, as its correlation says")
    func early() throws {
        var log = InstanceLog()
        let (paid, withdrawn) = (try log.event(.paid(cents: 500)), try log.event(.withdrawn))
        #expect(try log.receive(paid) == ["held"])
        #expect(try log.receive(withdrawn) == ["early"])
        try log.receive(log.event(.placed(item: "tea", units: 1, cents: 500)))
        #expect(try log.receive(withdrawn) == ["known"])
        #expect(try log.receive(paid) == ["received", "deadlineCancelled"])
        #expect(try log.receive(paid) == ["known"])
    }

    @Test("PRC-32: an event that too many steps led to parks the instance; an operator's release lets it pass")
    func hops() throws {
        var log = InstanceLog()
        let placed = try log.event(.placed(item: "tea", units: 1, cents: 500), hops: 100)
        #expect(try log.receive(placed, hopLimit: 100) == ["parked"])
        #expect(log.instance.parked?.contains("100 steps") == true)
        #expect(
            try log.act { try $0.release(EventID(high: 5, low: 5), reason: "wanted", by: Metadata()) } == ["released"])
        #expect(try log.receive(placed, hopLimit: 100).first == "started")
    }

    @Test("P6: a result that arrives while the instance is parked is taken when it is released")
    func deferredResult() throws {
        var log = InstanceLog()
        try reachCharge(&log)
        let charge = log.open
        try log.act { try $0.park(nil, "poison") }
        #expect(try log.act { try $0.settle(charge, .done("receipt")) } == ["effectDone"])
        #expect(!log.instance.state.isCharged)
        let names = try log.act { try $0.release(EventID(high: 5, low: 5), reason: "fixed", by: Metadata()) }
        #expect(names == ["released", "requestPlanned", "effectPlanned", "completed"])
        #expect(try log.replayed().state.isCharged)
    }

    @Test("P9: the version of the definition is recorded at the start")
    func version() throws {
        var log = InstanceLog()
        try log.receive(log.event(.placed(item: "tea", units: 1, cents: 500)))
        #expect(try log.replayed().version == Checkout.version)
    }

    private func reachCharge(_ log: inout InstanceLog) throws {
        try log.receive(log.event(.placed(item: "tea", units: 1, cents: 500)))
        let reserve = log.open
        try log.act { try $0.settle(reserve, RequestResult.accepted) }
        try log.receive(log.event(.paid(cents: 500)))
        #expect(log.instance.open.map(\.kind) == [.effect])
    }
}
