import Foundation

/// What one instance must keep to, by the records in its stream.
struct OrderFindings {
    let facts: ProcessFacts
    let key: String
    let placed: ProcessFacts.Entry
    let records: [ProcessFacts.Entry]
    var findings: [String] = []

    /// P1 and P5: each event of its streams is handled once, and events of a stream in their order.
    mutating func checkInputs() {
        let handled = records.filter { ["received", "ignored"].contains($0.type) }
        let ids = handled.map { $0.text("event") }
        if Set(ids).count != ids.count { findings.append("P1: an input was handled twice") }
        for category in ["order", "payment"] {
            let events = facts.entries(category, key).filter { $0.type != "paid" || $0.body["cents"] is NSNumber }
            let expected = events.map(\.id)
            let found = ids.filter { expected.contains($0) }
            if found != Array(expected.prefix(found.count)) {
                findings.append("P5: \(category) was handled out of order")
            }
            if found.count < expected.count {
                findings.append("P1: \(expected.count - found.count) events of \(category) were not handled")
            }
        }
        if records.contains(where: { $0.type == "parked" }) { findings.append("P6: the instance is parked") }
    }

    /// P2: a step is recorded before its result, has one result, and has one at the end.
    mutating func checkSteps() {
        var open: [String] = []
        var settled: Set<String> = []
        for record in records {
            switch record.type {
            case "requestPlanned", "effectPlanned": open.append(record.id)
            case "requestAccepted", "requestRefused", "effectDone", "effectFailed":
                let step = record.text("step")
                if !open.contains(step) { findings.append("P2: a result is before its step") }
                if !settled.insert(step).inserted { findings.append("P2: a step was settled twice") }
            default: break
            }
        }
        let left = open.count { !settled.contains($0) }
        if left > 0 { findings.append("P2, P3: \(left) steps have no result") }
    }

    /// P4: a deadline fires once, not before its time, and not after it was cancelled.
    mutating func checkDeadlines() {
        var due: [String: Int64] = [:]
        var gone: Set<String> = []
        for record in records {
            switch record.type {
            case "deadlineScheduled": due[record.id] = placed.time + ProcessCheck.patience
            case "deadlineCancelled": gone.insert(record.text("step"))
            case "completed": gone.formUnion(due.keys)
            case "deadlineFired":
                let step = record.text("step")
                guard let time = due[step] else {
                    findings.append("P4: a deadline fired that was not scheduled")
                    continue
                }
                if record.time < time { findings.append("P4: a deadline fired before its time") }
                if !gone.insert(step).inserted { findings.append("P4: a deadline fired twice or after its end") }
            default: break
            }
        }
    }

    /// P10: undos are planned last in, first out, each once.
    mutating func checkUndos() {
        let order = records.filter { ["requestPlanned", "effectPlanned"].contains($0.type) }
        let undone = order.map { $0.text("undoes") }.filter { !$0.isEmpty }
        let places = undone.map { step in order.firstIndex { $0.id == step } ?? -1 }
        if places != places.sorted(by: >) || Set(places).count != places.count {
            findings.append("P10: steps were undone in the order \(places)")
        }
    }

    /// P9: the start has the version of a build that ran, and no later build starts the instance again.
    mutating func checkVersions() {
        let versions = records.filter { $0.type == "started" }.map { $0.number("version") }
        if versions.count > 1 { findings.append("P9: started \(versions.count) times") }
        if let version = versions.first, !(1...2).contains(version) {
            findings.append("P9: started by version \(version), and versions 1 and 2 have run")
        }
    }
}
