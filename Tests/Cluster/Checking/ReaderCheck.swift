/// Judges what subscribers and readers saw, the read models and the effects.
struct ReaderCheck {
    let history: History

    /// How old a read through the address of the primary may be, and one of a host while nothing is broken.
    static let primaryAge: Int64 = 10_000_000
    static let calmAge: Int64 = 15_000_000

    func run() -> [Finding] { subscribers() + staleReads() + models() + effects() + restarts() }

    /// Whether the read models and the process manager have handled the whole log.
    var isSettled: Bool { models().isEmpty && effects().isEmpty }

    private func restarts() -> [Finding] {
        history.starts.filter { $0.value != 1 }.map { Finding(.restarted, "\($0.key) was started \($0.value) times") }
    }

    private func subscribers() -> [Finding] {
        history.sights.sorted { $0.key < $1.key }.flatMap { subscriber($0, $1).findings }
    }

    /// The number of events that a replica showed and the log does not have. Its readers were told.
    ///
    /// PostgreSQL shows an append on a standby before it is acknowledged. So an event that no one was promised may be
    /// there until the standby follows another primary. On the primary this is a violation.
    var takenBack: Int { history.sights.reduce(0) { $0 + subscriber($1.key, $1.value).takenBack } }

    private func subscriber(_ name: String, _ sights: [Sight]) -> (findings: [Finding], takenBack: Int) {
        var (gaps, wrong): ([Finding], [Finding]) = ([], [])
        var (findings, takenBack) = ([Finding](), 0)
        var before: UInt64 = 0
        for sight in sights {
            guard case .saw(let position, let id, let link) = sight else {
                if name.hasSuffix("_r") { takenBack += wrong.count } else { findings += wrong }
                (before, wrong) = (0, [])
                continue
            }
            if position != before + 1 { gaps.append(Finding(.gap, "\(name) saw \(position) after \(before)")) }
            before = position
            let event = position > 0 && position <= history.log.count ? history.log[Int(position - 1)] : nil
            if event?.id != id || (link != "none" && event?.link != link) {
                wrong.append(Finding(.seen, "\(name) saw \(id) at \(position), which the log does not have"))
            }
        }
        if !wrong.isEmpty { wrong.append(Finding(.unnoticed, "\(name) was not told that the log is another one")) }
        return (gaps + findings + wrong, takenBack)
    }

    /// A read with the age of the oldest acknowledged append that it lacks.
    func ages() -> [(read: SeenHead, age: Int64)] {
        let answered = history.appends.filter { $0.verb == "appended" && $0.first > 0 }
            .sorted { $0.answered < $1.answered }
        // The highest position that was acknowledged so far: it rises with the index.
        var highest: [UInt64] = []
        for append in answered { highest.append(max(highest.last ?? 0, append.last)) }
        var next = 0
        return history.heads.sorted { $0.sent < $1.sent }.map { read in
            while next < answered.count, answered[next].answered < read.sent { next += 1 }
            guard next > 0, highest[next - 1] > read.head else { return (read, 0) }
            var (low, high) = (0, next - 1)
            while low < high {
                let middle = (low + high) / 2
                if highest[middle] > read.head { high = middle } else { low = middle + 1 }
            }
            return (read, read.sent - answered[low].answered)
        }
    }

    private func isCalm(_ time: Int64) -> Bool {
        !history.rounds.contains { $0.begun <= time && time < ($0.healed > 0 ? $0.healed + 3_000_000 : .max) }
    }

    private func staleReads() -> [Finding] {
        ages().compactMap { read, age in
            let isPrimary = read.place.hasPrefix("app")
            guard age > (isPrimary ? Self.primaryAge : Self.calmAge), isPrimary || isCalm(read.sent) else { return nil }
            return Finding(.stale, "a read through \(read.place) at \(read.sent) was \(age / 1000) ms old")
        }
    }

    private func models() -> [Finding] {
        var fold: [String: ModelRow] = [:]
        for event in history.log where event.stream.hasPrefix("writer-") || event.stream.hasPrefix("counter-") {
            let numbers = Self.numbers(event.payload)
            var row = fold[event.stream] ?? ModelRow(stream: event.stream, events: 0, total: 0, last: 0)
            row.events += 1
            row.total += numbers.n * 10 + numbers.p
            row.last = event.position
            fold[event.stream] = row
        }
        return history.model.sorted { $0.key < $1.key }.compactMap { table, rows in
            let wrong = Set(rows).symmetricDifference(fold.values).map(\.stream).sorted()
            return wrong.isEmpty ? nil : Finding(.model, "\(table) is not equal to the fold for \(Set(wrong).sorted())")
        }
    }

    /// The numbers `n` and `p` of a payload such as `{"w":"app1_0","n":5,"p":0}`.
    static func numbers(_ payload: String) -> (n: Int, p: Int) {
        func number(_ name: String) -> Int {
            guard let place = payload.firstRange(of: "\"\(name)\":") else { return 0 }
            return Int(payload[place.upperBound...].drop { $0 == " " }.prefix { $0.isNumber }) ?? 0
        }
        return (number("n"), number("p"))
    }

    private func effects() -> [Finding] {
        let keys = Dictionary(grouping: history.effects, by: \.order).mapValues { Set($0.map(\.key)) }
        let outcomes = Dictionary(grouping: history.log.filter { $0.type == "confirmed" }, by: \.stream)
        return history.log.filter { $0.type == "placed" }.flatMap { event -> [Finding] in
            let order = String(event.stream.dropFirst("order-".count))
            let (calls, ends) = (keys[order]?.count ?? 0, outcomes["outcome-\(order)"]?.count ?? 0)
            return (calls == 1 ? [] : [Finding(.effect, "the order \(order) was charged under \(calls) keys")])
                + (ends == 1 ? [] : [Finding(.effect, "the order \(order) was confirmed \(ends) times")])
        }
    }
}
