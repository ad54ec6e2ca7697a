/// Compares the acknowledgements with the final log.
struct LogCheck {
    let history: History
    /// The index in the log of each id.
    private let places: [String: Int]
    private(set) var findings: [Finding] = []

    init(_ history: History) {
        self.history = history
        places = Dictionary(history.log.enumerated().map { ($1.id, $0) }) { first, _ in first }
    }

    func run() -> [Finding] {
        var check = self
        check.compareAppends()
        check.countEvents()
        check.compareOrder()
        check.judgeConditions()
        return check.findings
    }

    func event(_ id: String) -> LoggedEvent? { places[id].map { history.log[$0] } }

    private mutating func note(_ kind: Finding.Kind, _ text: String) { findings.append(Finding(kind, text)) }

    private mutating func compareAppends() {
        for append in history.appends {
            let name = "append \(append.number) of \(append.writer) through \(append.place)"
            let stored = append.ids.map { places[$0] }
            switch append.verb {
            case "appended":
                if stored.contains(nil) {
                    note(.lost, "\(name), acknowledged at \(append.answered), is not in the log")
                } else if append.first > 0 {
                    let positions = stored.compactMap { $0.map { history.log[$0].position } }
                    let expected = (0..<UInt64(append.ids.count)).map { append.first + $0 }
                    if positions != expected {
                        note(.moved, "\(name) is at \(positions), its receipt says \(expected)")
                    }
                }
            case "refused":
                if stored.contains(where: { $0 != nil }) { note(.refusal, "\(name) was refused, but it is stored") }
            default: note(.open, "\(name) was not settled")
            }
        }
    }

    private mutating func countEvents() {
        var (ids, contents, revisions): (Set<String>, Set<String>, [String: UInt64]) = ([], [], [:])
        var recorded = Int64.min
        for (index, event) in history.log.enumerated() {
            if event.position != UInt64(index + 1) { note(.gap, "position \(index + 1) has event \(event.position)") }
            if !ids.insert(event.id).inserted { note(.doubled, "the id \(event.id) is there twice") }
            let content = event.type == "placed" ? event.stream : event.payload
            if event.type == "written" || event.type == "placed", !contents.insert(content).inserted {
                note(.doubled, "\(content) is there twice, the second time at \(event.position)")
            }
            if event.stream != "-" {
                let before = revisions.updateValue(event.revision, forKey: event.stream) ?? 0
                if event.revision != before + 1 {
                    note(.gap, "\(event.stream) has revision \(event.revision) after \(before)")
                }
            }
            if event.recorded < recorded { note(.time, "event \(event.position) is earlier than the one before it") }
            recorded = event.recorded
        }
    }

    /// An append that was sent after another one was acknowledged must be after it.
    private mutating func compareOrder() {
        let known = history.appends.filter { $0.verb == "appended" && $0.first > 0 }
        let answered = known.sorted { $0.answered < $1.answered }
        var (next, highest) = (0, UInt64(0))
        for append in known.sorted(by: { $0.sent < $1.sent }) {
            while next < answered.count, answered[next].answered < append.sent {
                highest = max(highest, answered[next].last)
                next += 1
            }
            if append.first <= highest {
                note(.order, "append \(append.number) of \(append.writer) is at \(append.first), before \(highest)")
            }
        }
    }

    /// Goes through the log event by event, and judges each condition at the place of its append.
    private mutating func judgeConditions() {
        let conditional = history.appends.filter { $0.basis != "-" }
        let accepted = Dictionary(grouping: conditional.filter { $0.verb == "appended" && !$0.ids.isEmpty }) {
            places[$0.ids[0]] ?? -1
        }
        var (revisions, tags): ([String: UInt64], [String: UInt64]) = ([:], [:])
        for (index, event) in history.log.enumerated() {
            for append in accepted[index] ?? [] where !Self.holds(append.basis, revisions, tags) {
                note(.condition, "\(append.basis) of \(append.writer) does not hold at \(event.position)")
            }
            if event.stream != "-" { revisions[event.stream] = event.revision }
            for tag in event.tags { tags[tag] = event.position }
        }
        for append in conditional where append.verb == "refused" && Self.holds(append.basis, revisions, tags) {
            note(.refusal, "\(append.basis) of \(append.writer) was refused, but it still holds at the end")
        }
    }

    static func holds(_ basis: String, _ revisions: [String: UInt64], _ tags: [String: UInt64]) -> Bool {
        let parts = basis.split(separator: "/").map(String.init)
        guard parts.count == 3, let number = UInt64(parts[2]) else { return false }
        return parts[0] == "r" ? revisions[parts[1], default: 0] == number : tags[parts[1], default: 0] <= number
    }
}
