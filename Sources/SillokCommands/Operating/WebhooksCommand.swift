package import ArgumentParser
import SillokCore
import SillokJSON
import SillokTerminal
import SillokWebhookOperations

package struct WebhooksCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "webhooks",
        abstract: "Show and operate the webhook endpoints of a log.",
        discussion: """
            Endpoints are events of the log. The application that sends records each delivery in its read model. Keys
            are in neither: the application derives them from its master key.

            Examples:
              sillok webhooks list views.sqlite --store shop.sqlite
              sillok webhooks show views.sqlite warehouse --store shop.sqlite
              sillok webhooks register views.sqlite https://shop.example/hooks --category order \\
                --id warehouse --store shop.sqlite --reason "they asked for it"
              sillok webhooks pause views.sqlite warehouse --store shop.sqlite --reason "they repair it"
              sillok webhooks redrive views.sqlite warehouse --from 1200 --store shop.sqlite --reason "they lost a day"
            """,
        subcommands: [
            List.self, Show.self, Deliveries.self, Register.self, Rotate.self, Pause.self, Resume.self, Redrive.self,
            Remove.self,
        ])

    package init() {}

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List endpoints in the order of their registration.")

        @OptionGroup var model: OperatedModel
        @OptionGroup var list: ListOptions

        func run() async throws {
            try await model.with { [list] store, model in
                let console = Console.current
                let found = try await WebhookOperations(of: store, in: model).endpoints(
                    after: list.after, limit: list.limit)
                if list.json { return try found.forEach { try console.print(json: $0.json) } }
                if found.isEmpty { return console.note("no endpoints") }
                var table = Table(
                    .left("ENDPOINT"), .left("STATE"), .left("URL"), .right("POSITION"), .right("BEHIND"), .left("LAG"),
                    .right("FAILING"), .left("LAST DELIVERY"))
                for status in found {
                    table.add(
                        status.endpoint.id, status.endpoint.status.word, status.endpoint.url,
                        status.position.value.grouped, status.behind.grouped,
                        status.behind == 0 ? "-" : status.lag.spoken, status.failing.grouped,
                        status.lastDelivery.map { "\($0.at.readable) \($0.outcome)" } ?? "-")
                }
                try console.print(table)
                if found.count == list.limit, let last = found.last { console.note(next: last.endpoint.id) }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show an endpoint in detail, with the events that it did not take.")

        @OptionGroup var model: OperatedModel
        @Argument(help: "The endpoint.") var id: String
        @Flag(help: "Print JSON, one object per line.") var json = false

        func run() async throws {
            try await model.with { [self] store, model in
                let console = Console.current
                let operations = WebhookOperations(of: store, in: model)
                let status = try await operations.endpoint(id)
                let failing = try await operations.failing(of: id)
                if json { return try console.print(json: status.json + ["failingEvents": failing.map(\.json)]) }
                try console.print(
                    console.outputTerminal.styled(id.visible, .bold) + "  " + status.endpoint.status.word)
                try console.print(status.values)
                if failing.isEmpty { return }
                var table = Table(
                    .left("POSITION"), .left("TYPE"), .left("SEQUENCE"), .left("STATE"), .right("TRIES"), .left("WHY"))
                for letter in failing {
                    table.add(
                        "\(letter.position)", letter.type.text, letter.sequence, letter.state.rawValue,
                        "\(letter.attempts)", letter.reason)
                }
                try console.print(table)
                if status.failing > failing.count { console.note("the first \(failing.count.grouped) are shown") }
                console.note("Retry or skip them: sillok dead-letters … \(WebhookOperations.publisher(of: id))")
            }
        }
    }

    struct Deliveries: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the last attempts to send to an endpoint, the newest first.")

        @OptionGroup var model: OperatedModel
        @Argument(help: "The endpoint.") var id: String
        @OptionGroup var list: ListOptions

        func run() async throws {
            let cursor = try list.cursor { DeliveryCursor($0) }
            try await model.with { [self] store, model in
                let console = Console.current
                let page = try await WebhookOperations(of: store, in: model).deliveries(
                    of: id, before: cursor, limit: list.limit)
                if list.json {
                    try page.deliveries.forEach { try console.print(json: $0.json) }
                } else if page.deliveries.isEmpty {
                    return console.note("no deliveries")
                } else {
                    var table = Table(
                        .left("AT"), .left("MESSAGE"), .right("POSITION"), .right("EVENTS"), .right("STATUS"),
                        .left("TIME"), .left("OUTCOME"))
                    for delivery in page.deliveries {
                        table.add(
                            delivery.at.readable, delivery.message, "\(delivery.position)", "\(delivery.events)",
                            delivery.status.map { "\($0)" } ?? "-", delivery.time.spoken, delivery.outcome)
                    }
                    try console.print(table)
                }
                if let next = page.next { console.note(next: next) }
            }
        }
    }
}

extension WebhookEndpoint.Status {
    fileprivate var word: String {
        switch self {
        case .active: "active"
        case .paused: "paused"
        case .disabled: "disabled"
        case .removed: "removed"
        }
    }

    fileprivate var reason: String? {
        switch self {
        case .paused(let reason), .disabled(let reason): reason
        case .active, .removed: nil
        }
    }
}

extension WebhookStatus {
    fileprivate var values: [(String, String)] {
        var values = [
            ("url", endpoint.url), ("order", endpoint.isOrdered ? "by stream" : "none"),
            ("content", endpoint.mode.rawValue), ("key", "generation \(endpoint.generation)"),
            ("registered", "\(endpoint.registeredAt.readable) by \(endpoint.registeredBy ?? "an unknown operator")"),
            ("position", "\(position.value.grouped) of \(head.value.grouped)"),
            ("lag", behind == 0 ? "none" : "\(behind.grouped) positions, \(lag.spoken)"), ("failing", failing.grouped),
        ]
        if !hasStarted { values.append(("note", "no application has begun to send to it")) }
        if let reason = endpoint.status.reason { values.append(("why", reason)) }
        if let failure { values.append(("stopped", failure)) }
        if let heldUntil { values.append(("held until", heldUntil.readable)) }
        if let failingSince { values.append(("failing since", failingSince.readable)) }
        if let lastDelivery { values.append(("last", "\(lastDelivery.at.readable) \(lastDelivery.outcome)")) }
        return values
    }

    fileprivate var json: JSONLine {
        [
            "id": endpoint.id, "state": endpoint.status.word, "why": endpoint.status.reason, "url": endpoint.url,
            "ordered": endpoint.isOrdered, "mode": endpoint.mode.rawValue, "generation": endpoint.generation,
            "registeredAt": endpoint.registeredAt, "registeredBy": endpoint.registeredBy, "started": hasStarted,
            "position": position, "head": head, "behind": behind, "lagSeconds": JSONText(lag.seconds, digits: 6),
            "failing": failing, "failure": failure, "heldUntil": heldUntil, "failingSince": failingSince,
            "lastDelivery": lastDelivery?.json,
        ]
    }
}

extension WebhookDelivery {
    fileprivate var json: JSONLine {
        [
            "at": at, "message": message, "position": position, "events": events, "status": status,
            "outcome": outcome, "seconds": JSONText(time.seconds, digits: 6),
        ]
    }
}

extension DeadLetter {
    fileprivate var json: JSONLine {
        [
            "position": position, "event": event, "type": type, "sequence": sequence, "state": state.rawValue,
            "reason": reason, "attempts": attempts,
        ]
    }
}
