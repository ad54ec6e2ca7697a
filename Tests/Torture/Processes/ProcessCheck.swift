import Foundation
import Sillok
import SillokCore

/// What must hold of the log and of the payment service's log. It shares no code with the runner of processes: from the
/// two logs it computes how each order may have ended, and compares that with how it did.
struct ProcessCheck {
    /// How long a payment may take, in microseconds.
    static let patience: Int64 = 1_500_000

    let seed: UInt64
    let orders: Int
    let honoursKeys: Bool
    /// Whether one process ran at a time, so that each repeated call has a reason of its own.
    var isAlone = true

    private(set) var facts = ProcessFacts()
    private(set) var findings: [String] = []
    private(set) var ends: [String: Int] = [:]
    /// Effects that were executed more than once.
    private(set) var doubled = 0
    /// Instances that were rehearsed.
    var rehearsed = 0
    private var repeated = 0
    private var versions: [Int: Int] = [:]

    init(seed: UInt64, orders: Int, honoursKeys: Bool) {
        (self.seed, self.orders, self.honoursKeys) = (seed, orders, honoursKeys)
    }

    mutating func read(_ store: any EventStore, payments: String, calls: String) async throws {
        facts = try await ProcessFacts(store, payments: payments, calls: calls)
    }

    mutating func run() {
        checkPayments()
        for number in 0..<orders { checkOrder("\(number)") }
        for old in 3...5 where !facts.entries("process:checkout", "old\(old)").isEmpty {
            findings.append("P8: order old\(old) is older than the process, and was handled")
        }
    }

    mutating func note(_ finding: String) { findings.append(finding) }

    func report() {
        print("events \(facts.events)")
        print("payments \(facts.payments.count { $0.verb == "executed" })")
        print("calls \(facts.payments.count { $0.verb == "call" })")
        print("repeats \(repeated)")
        print("doubled \(doubled)")
        print("rehearsed \(rehearsed)")
        print("restarts \(max(0, facts.calls.count { $0.verb == "opened" } - 1))")
        for (end, count) in ends { print("\(end.replacing(" ", with: "-")) \(count)") }
        for (version, count) in versions { print("version\(version) \(count)") }
        print("findings \(findings.count)")
        for finding in findings.prefix(8) { print("# \(finding)") }
    }

    // MARK: The payment service

    private mutating func checkPayments() {
        var contents: [String: String] = [:]
        var counts: [String: Int] = [:]
        for line in facts.payments {
            switch line.verb {
            case "conflict": findings.append("P3: key \(line.key) was used for two contents")
            case "executed":
                counts[line.content, default: 0] += 1
                if let known = contents[line.key], known != line.content {
                    findings.append("P3: key \(line.key) was executed with two contents")
                }
                contents[line.key] = line.content
            default: break
            }
        }
        doubled = counts.values.count { $0 > 1 }
        if honoursKeys {
            for (content, count) in counts where count > 1 {
                findings.append("P3: \(content) was executed \(count) times")
            }
        }
        let planned = facts.streams.filter { $0.key.hasPrefix("process:") }
            .flatMap(\.value).filter { $0.type == "effectPlanned" }
        let keys = Set(planned.map(\.id))
        for key in contents.keys where !keys.contains(key) {
            findings.append("P3: the service executed \(key), which no record planned")
        }
        checkRepeats()
    }

    /// An effect has no more repeated calls than calls that were not answered well and kills. The service may note a
    /// call after its caller has given it up.
    private mutating func checkRepeats() {
        var seen: [String: (first: Int64, calls: Int)] = [:]
        for line in facts.payments where line.verb == "call" {
            guard let (first, calls) = seen[line.content] else {
                seen[line.content] = (line.time, 1)
                continue
            }
            seen[line.content] = (first, calls + 1)
            repeated += 1
            let excuses = facts.calls.count {
                $0.time <= line.time && ($0.content == line.content || ($0.verb == "opened" && $0.time >= first))
            }
            if isAlone && calls > excuses {
                findings.append("P3: \(line.content) was called \(calls + 1) times with \(excuses) failures and kills")
            }
        }
    }

    // MARK: An order

    private mutating func checkOrder(_ key: String) {
        let records = facts.entries("process:checkout", key)
        guard let placed = facts.entries("order", key).first(where: { $0.type == "placed" }) else {
            findings.append("\(key): was never placed")
            return
        }
        var found = OrderFindings(facts: facts, key: key, placed: placed, records: records)
        found.checkInputs()
        found.checkSteps()
        found.checkDeadlines()
        found.checkUndos()
        found.checkVersions()
        let end = checkEnd(key, placed, records, &found)
        ends[end, default: 0] += 1
        if let started = records.first(where: { $0.type == "started" }) {
            versions[started.number("version"), default: 0] += 1
        }
        findings += found.findings.map { "\(key) (\(Customers.Fate.of(Int(key) ?? 0, seed: seed)), \(end)): \($0)" }
    }

    /// Compares how an order ended with how it may have ended. Returns how it ended.
    private func checkEnd(
        _ key: String, _ placed: ProcessFacts.Entry, _ records: [ProcessFacts.Entry], _ found: inout OrderFindings
    ) -> String {
        let decided = facts.entries("outcome", key).filter { $0.type != "blocked" }
        if decided.count > 1 { found.findings.append("P2: decided \(decided.count) times") }
        let end = decided.first.map { $0.type == "confirmed" ? "confirmed" : $0.text("reason") } ?? "waiting"
        let allowed = allowedEnds(key, placed)
        if !allowed.contains(end) { found.findings.append("P4, P6: ended \(end); allowed is \(allowed.sorted())") }
        let invoices = facts.entries("invoice", key).reduce(0) {
            $0 + ($1.type == "issued" ? $1.number("cents") : -$1.number("cents"))
        }
        let net = facts.sum("charge", key) - facts.sum("refund", key)
        let reserved = facts.stock.filter { $0.entry.text("order") == key }.reduce(0) {
            $0 + ($1.entry.type == "reserved" ? 1 : -1)
        }
        if honoursKeys && net != invoices {
            found.findings.append("P2, P3: the bank has \(net), the books \(invoices)")
        }
        switch end {
        case "confirmed":
            if invoices != placed.number("cents") { found.findings.append("P2: invoiced \(invoices)") }
            if reserved != 1 { found.findings.append("P2: \(reserved) units are reserved for it") }
        case "waiting": if net != 0 { found.findings.append("P6: waits, and the bank has \(net)") }
        default:
            if honoursKeys && net != 0 { found.findings.append("P10: cancelled, and the bank has \(net)") }
            if reserved != 0 { found.findings.append("P10: cancelled, and \(reserved) units are reserved") }
        }
        return end
    }

    /// How an order may end, by what its customer, the service and the stock did.
    private func allowedEnds(_ key: String, _ placed: ProcessFacts.Entry) -> Set<String> {
        let paid = facts.entries("payment", key).first { $0.type == "paid" && $0.body["cents"] is NSNumber }
        let isPoisoned = facts.entries("payment", key).contains { !($0.body["cents"] is NSNumber) }
        let keys = Set(facts.entries("process:checkout", key).filter { $0.type == "effectPlanned" }.map(\.id))
        let isDeclined = facts.payments.contains {
            $0.verb == "void" ? keys.contains($0.key) : $0.verb == "declined" && $0.content.hasPrefix("charge \(key) ")
        }
        let isBlocked = facts.entries("outcome", key).contains { $0.type == "blocked" }
        var allowed: Set<String> = []
        if isPoisoned { allowed.insert("waiting") }
        if paid != nil && !isBlocked && !isDeclined { allowed.insert("confirmed") }
        let due = placed.time + Self.patience
        // On a slow machine a poisoned payment, too, may come after the deadline.
        let payments = facts.entries("payment", key).filter { $0.type == "paid" }
        if payments.allSatisfy({ $0.time >= due }) { allowed.insert("unpaid") }
        if isDeclined { allowed.insert("declined") }
        if isBlocked && paid != nil { allowed.insert("blocked") }
        if facts.entries("order", key).contains(where: { $0.type == "withdrawn" }) { allowed.insert("withdrawn") }
        if placed.text("item") == "rare" && wasSoldOut(after: placed.position) { allowed.insert("sold out") }
        return allowed
    }

    private func wasSoldOut(after position: UInt64) -> Bool {
        var left = 0
        for (item, entry) in facts.stock where item == "rare" {
            if entry.position > position && left < 1 { return true }
            left += entry.type == "reserved" ? -1 : entry.number("units")
        }
        return left < 1
    }
}
