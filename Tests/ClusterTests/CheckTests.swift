import Testing

@testable import sillok_cluster

/// The check of a cluster's history finds what is planted in a history without faults. No cluster is needed.
struct CheckTests {
    /// Two applications that append in turn; after 200 events another server is the primary. Replicas and subscribers
    /// follow.
    private func sound() -> History {
        var history = History()
        for index in 0..<400 {
            let (position, time) = (UInt64(index + 1), Int64(index) * 20_000)
            let isSecond = index >= 200
            // One pause: the failover.
            let sent = time + (isSecond ? 15_000_000 : 0)
            let id = "e\(position)"
            let writer = "app\(index % 2 + 1)_0"
            history.log.append(
                LoggedEvent(
                    position: position, id: id, stream: "writer-\(writer)", revision: UInt64(index / 2 + 1),
                    recorded: sent, tags: ["seat:\(index % 4)"], link: "l\(position)",
                    server: isSecond ? "10.77.0.12" : "10.77.0.11", timeline: isSecond ? "00000002" : "00000001",
                    payload: #"{"w":"\#(writer)","n":\#(index / 2 + 1),"p":0}"#))
            history.appends.append(
                SeenAppend(
                    place: "app\(index % 2 + 1)", writer: writer, number: index / 2 + 1, sent: sent, attempt: sent,
                    answered: sent + 5000, first: position, last: position,
                    basis: index % 4 == 0 ? "t/seat:0/\(max(0, Int(position) - 4))" : "-", ids: [id]))
            history.sights["app1_s1", default: []].append(.saw(position: position, id: id, link: "l\(position)"))
            for place in ["app1", "app2", "db3"] {
                history.heads.append(SeenHead(place: place, sent: sent + 6000, answered: sent + 7000, head: position))
            }
        }
        history.rounds = [
            Round(begun: 4_000_000, held: 4_100_000, healing: 19_500_000, healed: 20_000_000, calm: 22_900_000)
        ]
        history.starts = ["app1": 1, "app2": 1]
        return history
    }

    private func kinds(_ history: History) -> Set<Finding.Kind> { Set(Report(history).findings.map(\.kind)) }

    @Test func soundHistory() {
        let report = Report(sound())
        #expect(report.findings.isEmpty)
        #expect(report.figures.count == 1 && report.figures[0].isValid)
        #expect(report.figures.allSatisfy { $0.pause > 14 && $0.pause < 16 })
        #expect(report.text().hasSuffix("0 violations"))
    }

    @Test func lostAppend() {
        var history = sound()
        history.log[399].id = "another"
        history.sights = [:]
        #expect(kinds(history) == [.lost])
    }

    @Test func doubledAppend() {
        var history = sound()
        var event = history.log[399]
        (event.position, event.id, event.revision) = (401, "e401", event.revision + 1)
        history.log.append(event)
        #expect(kinds(history) == [.doubled])
    }

    @Test func movedAppend() {
        var history = sound()
        history.appends[399].first = 399
        #expect(kinds(history).contains(.moved))
    }

    /// The first server acknowledges on its timeline after the second one has done so.
    @Test func secondPrimary() {
        var history = sound()
        (history.log[300].server, history.log[300].timeline) = ("10.77.0.11", "00000001")
        #expect(kinds(history) == [.primaries])
    }

    /// The first server acknowledges to a writer that is nailed to it what the log does not have.
    @Test func lostSecondPrimary() {
        var history = sound()
        var append = history.appends[300]
        (append.place, append.writer, append.ids, append.basis) = ("db1", "nailed_db1", ["x"], "-")
        (append.first, append.last) = (0, 0)
        history.appends.append(append)
        #expect(kinds(history) == [.lost, .primaries])
    }

    @Test func timelineOfTwoServers() {
        var history = sound()
        history.log[300].server = "10.77.0.13"
        #expect(kinds(history) == [.primaries])
    }

    @Test func gapInTheLog() {
        var history = sound()
        history.log.remove(at: 250)
        #expect(kinds(history).isSuperset(of: [.gap, .lost]))
    }

    @Test func gapOfASubscriber() {
        var history = sound()
        history.sights["app1_s1"]?.remove(at: 100)
        #expect(kinds(history) == [.gap])
    }

    @Test func eventThatWasSeenAndIsAbsent() {
        var history = sound()
        history.sights["app1_s1"]?[399] = .saw(position: 400, id: "lost", link: "l400")
        #expect(kinds(history) == [.seen, .unnoticed])
        history.sights["app1_s1"]?.append(.changed)
        #expect(kinds(history) == [.seen])
    }

    /// A standby shows an append before it is acknowledged, and may have to take it back.
    @Test func eventThatAReplicaTookBack() {
        var history = sound()
        history.sights["app1_r"] = history.sights["app1_s1"]
        history.sights["app1_r"]?[399] = .saw(position: 400, id: "lost", link: "l400")
        #expect(kinds(history) == [.seen, .unnoticed])
        history.sights["app1_r"]?.append(.changed)
        #expect(kinds(history).isEmpty)
        #expect(ReaderCheck(history: history).takenBack == 1)
    }

    @Test func otherLink() {
        var history = sound()
        history.sights["app1_s1"]?[10] = .saw(position: 11, id: "e11", link: "other")
        #expect(kinds(history).contains(.seen))
    }

    /// A replica that stays where it was while the cluster is whole.
    @Test func staleReplica() {
        var history = sound()
        history.rounds = []
        for index in history.heads.indices where history.heads[index].place == "db3" { history.heads[index].head = 10 }
        #expect(kinds(history) == [.stale])
    }

    @Test func staleReadOfThePrimary() {
        var history = sound()
        history.heads.append(SeenHead(place: "app1", sent: 22_000_000, answered: 22_001_000, head: 150))
        #expect(kinds(history) == [.stale])
    }

    @Test func order() {
        var history = sound()
        history.appends[10].sent += 1_000_000
        #expect(kinds(history) == [.order])
    }

    @Test func conditions() {
        var history = sound()
        history.appends[8].basis = "t/seat:0/4"
        #expect(kinds(history) == [.condition])
        history.appends[8].basis = "r/writer-app1_0/4"
        #expect(kinds(history).isEmpty)
        history.appends[8].basis = "r/writer-app1_0/3"
        #expect(kinds(history) == [.condition])
    }

    @Test func refusals() {
        var history = sound()
        var refused = SeenAppend(verb: "refused", basis: "t/seat:1/12", ids: ["new"])
        history.appends.append(refused)
        #expect(kinds(history).isEmpty)
        refused.ids = ["e7"]
        history.appends[400] = refused
        #expect(kinds(history) == [.refusal])
        history.appends[400] = SeenAppend(verb: "refused", basis: "t/seat:1/400", ids: ["new"])
        #expect(kinds(history) == [.refusal])
        history.appends[400] = SeenAppend(verb: "open", ids: ["new"])
        #expect(kinds(history) == [.open])
    }

    @Test func readModels() {
        var history = sound()
        let sum = (1...200).reduce(0) { $0 + $1 * 10 }
        let rows = [1, 2].map {
            ModelRow(stream: "writer-app\($0)_0", events: 200, total: sum, last: UInt64(398 + $0))
        }
        history.model = ["written_1": rows]
        #expect(kinds(history).isEmpty)
        history.model["written_1"]?[0].events = 201
        #expect(kinds(history) == [.model])
    }

    @Test func effects() {
        var history = sound()
        history.log.append(
            LoggedEvent(position: 401, id: "o", stream: "order-1", revision: 1, recorded: .max, type: "placed"))
        history.log.append(
            LoggedEvent(position: 402, id: "c", stream: "outcome-1", revision: 1, recorded: .max, type: "confirmed"))
        #expect(kinds(history) == [.effect])
        history.effects = [("1", "key"), ("1", "key")]
        #expect(kinds(history).isEmpty)
        history.effects.append(("1", "other"))
        #expect(kinds(history) == [.effect])
    }

    @Test func bounds() {
        var history = sound()
        history.rounds[0].fault = "switchover"
        #expect(kinds(history) == [.recovery])
        history.rounds[0].fault = "leader"
        (history.rounds[0].timeline, history.rounds[0].timelineAfter) = ("1", "2")
        #expect(kinds(history) == [.demoted])
        // An election that no fault explains makes the round invalid.
        (history.rounds[0].fault, history.rounds[0].termAfter) = ("switchover", "2")
        #expect(kinds(history).isEmpty)
        #expect(RoundCheck(history).figures().map(\.isValid) == [false])
        history.starts["app1"] = 2
        #expect(kinds(history) == [.restarted])
    }

    @Test func recordedTimes() {
        var history = sound()
        history.log[20].recorded -= 1_000_000
        #expect(kinds(history) == [.time])
    }

    @Test func summaryOfSeveralRuns() {
        let report = Report(sound())
        let lines = report.lines(seed: "7") + report.lines(seed: "8")
        let summary = Summary(text: lines.joined(separator: "\n"))
        #expect(summary.lines.count == 2)
        #expect(summary.text.contains("| kill | 2 | 15.0, 15.0 |"))
    }

    @Test func picture() {
        let picture = Picture(history: sound()).svg()
        #expect(picture.hasPrefix("<svg") && picture.contains(">kill</text>") && picture.contains("polyline"))
    }
}
