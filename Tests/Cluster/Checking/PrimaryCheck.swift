/// Looks for two servers that acknowledged at the same time. It uses acknowledgements only.
struct PrimaryCheck {
    /// An acknowledgement of a server. The timeline is empty if its event is not in the log.
    struct Acknowledgement {
        let server: String
        let timeline: String
        let sent: Int64
        let answered: Int64
    }

    static let addresses = ["db1": "10.77.0.11", "db2": "10.77.0.12", "db3": "10.77.0.13"]

    static func acknowledgements(of history: History) -> [Acknowledgement] {
        let log = Dictionary(history.log.map { ($0.id, $0) }) { first, _ in first }
        return history.appends.filter { $0.verb == "appended" }.compactMap { append in
            let event = append.ids.first.flatMap { log[$0] }
            // A writer that is nailed to a host knows its server, also if the event was lost.
            guard let server = addresses[append.place] ?? event?.server, server != "-" else { return nil }
            let isSame = event.map { $0.server == server } ?? false
            return Acknowledgement(
                server: server, timeline: isSame ? event?.timeline ?? "" : "", sent: append.attempt,
                answered: append.answered)
        }
    }

    static func run(_ history: History) -> [Finding] {
        let all = acknowledgements(of: history).sorted { $0.answered < $1.answered }
        var findings: [Finding] = []
        let servers = Dictionary(grouping: all.filter { !$0.timeline.isEmpty }, by: \.timeline)
        for (timeline, acknowledgements) in servers.sorted(by: { $0.key < $1.key }) {
            let names = Set(acknowledgements.map(\.server)).sorted()
            if names.count > 1 { findings.append(Finding(.primaries, "timeline \(timeline) of \(names)")) }
        }
        var (next, latest) = (0, "")
        for acknowledgement in all.filter({ !$0.timeline.isEmpty }).sorted(by: { $0.sent < $1.sent }) {
            while next < all.count, all[next].answered < acknowledgement.sent {
                latest = max(latest, all[next].timeline)
                next += 1
            }
            if acknowledgement.timeline < latest {
                findings.append(
                    Finding(
                        .primaries,
                        "\(acknowledgement.server) acknowledged on timeline \(acknowledgement.timeline) "
                            + "at \(acknowledgement.answered), after timeline \(latest)"))
            }
        }
        return findings + strangers(all)
    }

    /// Servers that acknowledged what was lost while another one had acknowledged before and did so after.
    private static func strangers(_ all: [Acknowledgement]) -> [Finding] {
        let reigns = Dictionary(grouping: all.filter { !$0.timeline.isEmpty }, by: \.timeline).values.compactMap {
            reign -> (server: String, from: Int64, to: Int64)? in
            guard let from = reign.map(\.answered).min(), let to = reign.map(\.sent).max(), let first = reign.first
            else { return nil }
            return (first.server, from, to)
        }
        return all.filter { $0.timeline.isEmpty }.flatMap { lost in
            reigns.filter { $0.server != lost.server && $0.from < lost.sent && lost.answered < $0.to }.map {
                Finding(
                    .primaries, "\(lost.server) acknowledged at \(lost.answered), while \($0.server) was the primary")
            }
        }
    }
}
