import Foundation
import SillokProcessOperations
import SillokProcesses
import SillokProjections

/// A bad day of a shop, for operators to practise: `scripts/demo --bad-day`.
///
/// The shop is real: its tills append to a log, a projection and a process run, and a server shows a dashboard. Only
/// the problems are made by this program.
@main
struct BadDay {
    /// The files in the folder, as the commands name them.
    static let log = "shop.sqlite"
    static let model = "views.sqlite"

    let shop: Shop
    let address: String

    static func main() async throws {
        guard CommandLine.arguments.count == 2 else {
            Stage.say("usage: bad-day FOLDER      scripts/demo --bad-day makes a folder, and starts this")
            exit(64)
        }
        guard FileManager.default.changeCurrentDirectoryPath(CommandLine.arguments[1]) else {
            Stage.say("there is no folder \(CommandLine.arguments[1])")
            exit(66)
        }
        let shop = try Shop()
        do {
            try await shop.run { try await BadDay(shop: shop, address: $0).play() }
        } catch let wrong as StillWrong {
            Stage.say("\nFAILED  \(wrong)")
            exit(1)
        }
    }

    private func play() async throws {
        Stage.say(
            """

            The shop is open, and its tills sell five things a second.
            The dashboard: \(address)/
            """)
        let acts = [lag, brokenObjective, poison, wrongRow, failedProcess]
        let stage = Stage()
        for (index, act) in acts.enumerated() {
            try await stage.play(try await act(), index + 1, of: acts.count)
        }
        Stage.say(
            """

            The day is over. All \(acts.count) problems are solved. Who did what, and why, is recorded:
               sillok projections audit \(Self.model)
            """)
        if stage.isInteractive {
            Stage.say("The shop stays open until you press Enter. ", end: "")
            _ = await Stage.line()
        }
    }

    /// The live build of the sales.
    private func live() async throws -> ProjectionStatus {
        let all = try await shop.readSide.status(of: Sales.id)
        guard let live = all.first(where: { $0.build.state == .live }) else {
            throw StillWrong(description: "the projection has no live build")
        }
        return live
    }

    private func isObjectiveMet() async throws -> Bool {
        try await shop.readSide.objectives().contains { $0.subject == Sales.id && $0.isMet }
    }

    /// The night shift has paused the projection, and has not resumed it.
    private func lag() async throws -> Act {
        try await shop.readSide.pause(Sales.id, by: Operator("Bo", because: "I want to look at a row in peace"))
        try await Stage.wait(for: "the objective is met") { try await !isObjectiveMet() }
        return Act(
            title: "The numbers stand still",
            happens: "The tills sell, and the sales of the day have not changed for a while.",
            look: [
                "\(address)/#/projections: the lag of sales grows, and its state says why",
                "sillok projections list \(Self.model) --store \(Self.log)",
                "sillok projections audit \(Self.model)    (who did it)",
            ],
            advice: "Bo has paused the projection. Ask Bo, then resume it. It handles the waiting events at once.",
            remedy: ["sillok projections resume \(Self.model) sales --reason 'Bo has seen the row'"]
        ) {
            let live = try await live()
            if live.build.isPaused { return "sales is still paused" }
            return live.lagTime < .seconds(2) ? nil : "sales is \(live.behind) events behind"
        }
    }

    /// The lag is over, and the error budget of the objective is used up.
    private func brokenObjective() async throws -> Act {
        Act(
            title: "The alarm stays",
            happens: """
                The numbers are right again, and the alarm is still there: 99 of 100 measurements of the last 30 seconds
                must find a lag below two seconds.
                """,
            look: [
                "\(address)/#/: the objective with its error budget",
                "sillok slo \(Self.model)    (status 1 while an objective is broken)",
            ],
            advice: """
                Nothing. The cause is removed, and the bad measurements leave the window after 30 seconds. Do not
                rebuild, and do not restart.
                """,
            remedy: [], time: .seconds(40)
        ) { try await isObjectiveMet() ? nil : "the bad measurements are still in the window" }
    }

    /// A till records an amount as a text.
    private func poison() async throws -> Act {
        let wrong = EventData(type: "refunded", text: #"{"item":"tea","cents":"4,50"}"#)
        let position = try await shop.store.append([wrong], to: "till-2").position
        try await Stage.wait(for: "no event waits behind the wrong one") {
            try await shop.readSide.deadLetters(of: Sales.id, limit: 10).count > 1
        }
        return Act(
            title: "A till writes something that the program cannot read",
            happens:
                "A new version of till 2 has refunded a tea. Since then its sales are missing, those of 1 and 3 not.",
            look: [
                "\(address)/#/letters: the event, the error, and what waits behind it",
                "sillok dead-letters list \(Self.model)",
                "sillok dead-letters show \(Self.model) sales \(position) --store \(Self.log)",
            ],
            advice: """
                The amount is a text. Give the projection the right payload; the log keeps the original. Then the events
                behind it are projected too, each once and in order. (If the event were worthless: skip.)
                """,
            remedy: [
                """
                sillok dead-letters replace \(Self.model) sales \(position) --data '{"item":"tea","cents":450}' \
                --reason 'till 2 wrote a text'
                """
            ]
        ) {
            let count = try await live().deadLetters
            return count == 0 ? nil : "\(count) events are still parked"
        }
    }

    /// A row was changed by hand.
    private func wrongRow() async throws -> Act {
        shop.setOpen(false)
        try await Stage.wait(for: "sales is behind") { try await live().behind == 0 }
        let build = try await live().build.id
        let right = try await cake()
        let edit: SQL = "UPDATE \(table: "sales") SET cents = cents + 100000 WHERE item = 'cake'"
        try await shop.readSide.readModel.write(ReadModelWrite([.init(edit, of: build)]))
        return Act(
            title: "A row is wrong",
            happens: """
                The shop is closed. The bookkeeper says that cake has sold for 1,000 too much. A colleague has
                corrected a row by hand, the wrong way.
                """,
            look: [
                "sillok projections verify \(Self.model) sales --store \(Self.log)    (sound: it compares events)",
                "\(address)/#/projection/sales: build again, and compare",
            ],
            advice: """
                Rebuild from the log, which is right. Queries see the old rows until you promote the new ones. `diff`
                shows what changes (its status is 1 if rows differ). `rollback` would undo the promotion.
                """,
            remedy: [
                "sillok projections rebuild \(Self.model) sales --store \(Self.log) --reason 'a row was edited'",
                "sillok projections diff \(Self.model) sales",
                "sillok projections promote \(Self.model) sales --reason 'the new rows agree with the till rolls'",
            ]
        ) {
            if try await cake() != right { return "the row of cake is still wrong" }
            return try await live().build.id == build ? "the old build is still live" : nil
        }
    }

    private func cake() async throws -> Int64? {
        try await shop.model.rows("SELECT cents FROM sales WHERE item = 'cake'").first?["cents"].integer
    }

    /// The courier cannot be reached.
    private func failedProcess() async throws -> Act {
        shop.courier.setReachable(false)
        let packed = try EventCoding<ParcelEvent>().encode(.packed(address: "Jongno 1, Seoul"))
        try await shop.store.append([packed], to: "parcel-4711")
        try await Stage.wait(for: "the courier was not called") {
            try await shop.processes.failures(of: Shipping.name).elements.first != nil
        }
        guard let step = try await shop.processes.failures(of: Shipping.name).elements.first?.id else {
            throw StillWrong(description: "the failing step is gone")
        }
        shop.courier.setReachable(true)
        let place = "\(address)/v1/processes/shipping/instances/4711/steps/\(step)/retry"
        return Act(
            title: "No courier comes",
            happens:
                "Parcel 4711 is packed and waits. The courier says: our server was down, and works again.",
            look: [
                "\(address)/#/effects/shipping: the step that fails, its error, and when it is tried again",
                "\(address)/#/instance/shipping/4711: what led to it",
                "sillok processes effects \(Self.model) shipping --store \(Self.log)",
            ],
            advice: """
                The next attempt is in ten minutes. The call has an idempotency key, so a second one cannot book a
                second courier. Try it now: the button Retry of the dashboard, or over HTTP.
                """,
            remedy: [
                """
                curl -sS '\(place)' -H 'Content-Type: application/json' -d '{"reason":"the courier is back"}'
                """
            ]
        ) {
            let states = try await shop.processes.process(Shipping.name).instances
            return states[.completed] == 1 ? nil : "the parcel still waits"
        }
    }
}
