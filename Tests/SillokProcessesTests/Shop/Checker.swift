import Sillok
import SillokCore
import SillokProcesses
import SillokTesting

/// What must hold of the log and the bank after every run. It shares no code with the runner, except the decoding of
/// records.
struct Checker {
    let world: World
    let order: String
    var cents = 500
    /// Whether the instance has had the time to end.
    var isEnded = true
    private var faults: [String] = []

    init(_ world: World, _ order: String, isEnded: Bool = true) {
        (self.world, self.order, self.isEnded) = (world, order, isEnded)
    }

    /// Returns what does not hold.
    static func faults(_ world: World, _ orders: [String], isEnded: Bool = true) async throws -> [String] {
        var faults: [String] = []
        for order in orders {
            var checker = Checker(world, order, isEnded: isEnded)
            try await checker.check()
            faults += checker.faults.map { "\(order): \($0)" }
        }
        let planned = try await Checker.plannedEffects(world)
        for key in world.bank.keys where !planned.contains(key) {
            faults.append("P3: the bank has executed \(key), which no record planned")
        }
        for key in world.bank.early { faults.append("PRC-1: \(key) was executed before its step was recorded") }
        let contents = world.bank.account.withLock { $0.keysWithTwoContents }
        if contents > 0 { faults.append("P3: \(contents) keys were executed with two contents") }
        return faults
    }

    private static func plannedEffects(_ world: World) async throws -> Set<String> {
        var planned: Set<String> = []
        for try await page in world.store.pages(.category(Checkout.category)) {
            for event in page.events where event.type == "effectPlanned" { planned.insert(event.id.description) }
        }
        return planned
    }

    private mutating func check() async throws {
        let records = try await world.records(order)
        checkInputs(records)
        checkSteps(records)
        try await checkDeadlines(records)
        try await checkOrder(records)
        try await checkTargets(records)
        if isEnded { try await checkEnd(records) }
    }

    private typealias Records = [(record: ProcessRecord, event: RecordedEvent)]

    private mutating func checkInputs(_ records: Records) {
        var seen: Set<EventID> = []
        for (record, _) in records {
            switch record {
            case .received(_, let id, _), .ignored(_, let id):
                if !seen.insert(id).inserted { faults.append("P1: input \(id) was handled twice") }
            default: break
            }
        }
    }

    private mutating func checkSteps(_ records: Records) {
        var planned: Set<EventID> = []
        var ended: Set<EventID> = []
        for (record, event) in records {
            switch record {
            case .requestPlanned, .effectPlanned: planned.insert(event.id)
            case .requestAccepted(let step), .requestRefused(let step, _), .effectDone(let step, _),
                .effectFailed(let step, _):
                if !planned.contains(step) { faults.append("PRC-1: the result of \(step) is before its step") }
                if !ended.insert(step).inserted { faults.append("P2: step \(step) was settled twice") }
            default: break
            }
        }
    }

    private mutating func checkDeadlines(_ records: Records) async throws {
        var due: [EventID: Timestamp] = [:]
        var gone: Set<EventID> = []
        for (record, event) in records {
            switch record {
            case .deadlineScheduled(_, let time, let after, let replaced):
                due[event.id] = time ?? event.recordedAt.advanced(byMicroseconds: after ?? 0)
                if let replaced { gone.insert(replaced) }
            case .deadlineCancelled(_, let step): if let step { gone.insert(step) }
            case .completed: gone.formUnion(due.keys)
            case .deadlineFired(let step):
                guard let time = due[step] else {
                    faults.append("P4: a deadline fired that was not recorded")
                    continue
                }
                if !gone.insert(step).inserted { faults.append("P4: a deadline fired that was cancelled, or twice") }
                if event.recordedAt < time { faults.append("P4: a deadline fired before its time") }
                if try await wasPaid(before: time) { faults.append("PRC-10: the deadline overtook the payment") }
            default: break
            }
        }
    }

    private func wasPaid(before time: Timestamp) async throws -> Bool {
        try await world.store.read(.stream(StreamID("payment", order))).events.contains { $0.recordedAt < time }
    }

    /// Events of a stream are handled in the order of the log.
    private mutating func checkOrder(_ records: Records) async throws {
        var positions: [Position] = []
        for (record, _) in records { if case .received(let position, _, _) = record { positions.append(position) } }
        guard let start = positions.first else { return }
        for category in ["order", "payment"] as [StreamCategory] {
            let events = try await world.store.read(.stream(StreamID(category, order))).events
            let expected = events.map(\.position).filter { $0 >= start || category == "payment" }
            let found = positions.filter { expected.contains($0) }
            if found != Array(expected.prefix(found.count)) {
                faults.append("P5: events of \(category) were handled in another order, or one was overtaken")
            }
        }
    }

    private mutating func checkTargets(_ records: Records) async throws {
        var reserved = 0
        for event in try await (world.other ?? world.store).read(.category("stock")).events {
            switch try EventCoding<Stock.Event>().decode(event).first {
            case .reserved(_, order): reserved += 1
            case .released(_, order): reserved -= 1
            default: break
            }
            if reserved > 1 { faults.append("P2: stock was reserved twice") }
        }
        let outcome = try await world.outcome(order)
        if !["", "confirmed", "cancelled"].contains(outcome) { faults.append("P2: the order is \(outcome)") }
        if outcome == "cancelled" && reserved != 0 && isEnded { faults.append("P10: the stock was not released") }
    }

    private mutating func checkEnd(_ records: Records) async throws {
        guard records.contains(where: { if case .received = $0.record { true } else { false } }) else {
            return faults.append("P1: the order was never handled")
        }
        let (outcome, net) = (try await world.outcome(order), world.bank.net(order))
        switch outcome {
        case "confirmed": if net != cents { faults.append("P3: confirmed, and the bank has \(net) of \(cents)") }
        case "cancelled": if net != 0 { faults.append("P10: cancelled, and the bank has \(net)") }
        default: faults.append("P4: the order has no end")
        }
        let isPaid = try await isPaidInTime()
        if outcome == "cancelled" && isPaid && !isExcused(records) {
            faults.append("PRC-10: paid in time, and cancelled as unpaid")
        }
    }

    private func isPaidInTime() async throws -> Bool {
        let placed = try await world.store.read(.stream(StreamID("order", order))).events.first { $0.type == "placed" }
        guard let placed else { return false }
        return try await wasPaid(before: placed.recordedAt.advanced(byMicroseconds: 1_800_000_000))
    }

    /// A refusal, a decline or a withdrawal ends an order that was paid.
    private func isExcused(_ records: Records) -> Bool {
        records.contains { record, _ in
            switch record {
            case .requestRefused, .effectFailed: true
            case .compensationStarted(let reason): reason != "unpaid"
            default: false
            }
        }
    }
}
