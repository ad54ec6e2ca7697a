import ArgumentParser
import SillokCore
import SillokTerminal
import SillokWebhookOperations

/// A change of an endpoint.
private protocol WebhookChange: AsyncParsableCommand, Sendable {
    var endpoint: EndpointArguments { get }

    /// Makes the change, and returns what was done as a sentence without its end.
    func change(_ operations: WebhookOperations) async throws -> String
}

/// An endpoint, and who changes it.
struct EndpointArguments: ParsableArguments {
    @OptionGroup var model: OperatedModel
    @Argument(help: "The endpoint.") var id: String
    @OptionGroup var whom: OperatorOptions
}

extension WebhookChange {
    var id: String { endpoint.id }

    func run() async throws {
        try await endpoint.model.with(.writing) { store, model in
            try Console.current.print(change: try await change(WebhookOperations(of: store, in: model)))
        }
    }
}

extension WebhooksCommand {
    struct Register: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Register an endpoint. It gets the events that are recorded after that.",
            discussion: """
                The application checks the addresses of the host before each connection. It shows the key of the
                endpoint, which is not in the log.
                """)

        @OptionGroup var model: OperatedModel
        @Argument(
            help: """
                The https URL that messages are sent to. Its host must have public addresses. The URL must contain no \
                secret, because it is stored in the log.
                """)
        var url: String
        @Option(help: "Its id: lower-case letters, digits and dashes. The default is a random one.") var id: String?
        @Option(help: "Only the events of streams of this category.") var category: String?
        @Option(help: "Only events of this type. If you repeat the option, events of any of the types.")
        var type: [String] = []
        @Option(help: "Only events with this tag. If you repeat the option, events with all of the tags.")
        var tag: [String] = []
        @Flag(help: "Do not keep the events of a stream in order, so that none waits behind one that fails.")
        var unordered = false
        @Flag(help: "Send several events in one message.") var batched = false
        @OptionGroup var whom: OperatorOptions

        private var query: EventQuery {
            EventQuery([
                EventQuery.Item(
                    category: category.map { StreamCategory($0) }, types: type.map { EventType($0) },
                    tags: tag.map { EventTag($0) })
            ])
        }

        func run() async throws {
            try await model.with(.writing) { [self] store, model in
                let status = try await WebhookOperations(of: store, in: model).register(
                    url, for: query, id: id, isOrdered: !unordered, mode: batched ? .batched : .structured,
                    by: whom.whom)
                let console = Console.current
                try console.print(change: "\(status.endpoint.id) is registered")
                console.note("Its owner needs its key: the application shows it with Webhooks.secret(of:).")
            }
        }
    }

    struct Rotate: WebhookChange {
        static let configuration = CommandConfiguration(
            abstract: "Give an endpoint another key. For some time both keys sign.",
            discussion: "The application derives the new key from its master key, and shows it.")

        @OptionGroup var endpoint: EndpointArguments

        func change(_ operations: WebhookOperations) async throws -> String {
            try await operations.rotateKey(of: id, by: endpoint.whom.whom)
            let generation = try await operations.endpoint(id).endpoint.generation
            return "the key of \(id.visible) has the generation \(generation)"
        }
    }

    struct Pause: WebhookChange {
        static let configuration = CommandConfiguration(
            abstract: "Stop sending to an endpoint until it is resumed. New events wait in the log.")

        @OptionGroup var endpoint: EndpointArguments

        func change(_ operations: WebhookOperations) async throws -> String {
            try await operations.pause(id, by: endpoint.whom.whom)
            return "\(id.visible) is paused"
        }
    }

    struct Resume: WebhookChange {
        static let configuration = CommandConfiguration(
            abstract: "Continue to send to a paused or disabled endpoint, at the same place.")

        @OptionGroup var endpoint: EndpointArguments

        func change(_ operations: WebhookOperations) async throws -> String {
            try await operations.resume(id, by: endpoint.whom.whom)
            return "\(id.visible) is active"
        }
    }

    struct Redrive: WebhookChange {
        static let configuration = CommandConfiguration(
            abstract: "Send the events from a position on again.",
            discussion: """
                A message with one event has the same webhook-id as before, so a receiver that keeps the ids ignores it.
                A batch may contain other events than before, and then has another id. The dead letters of the endpoint
                from there on are removed, because their events are sent again.
                """)

        @OptionGroup var endpoint: EndpointArguments
        @Option(name: .customLong("from"), help: "The position of the first event to send again.") var from: UInt64

        func change(_ operations: WebhookOperations) async throws -> String {
            try await operations.redrive(id, from: Position(from), by: endpoint.whom.whom)
            return "\(id.visible) gets the events from position \(from) on again"
        }
    }

    struct Remove: WebhookChange {
        static let configuration = CommandConfiguration(abstract: "Remove an endpoint for good.")

        @OptionGroup var endpoint: EndpointArguments

        func change(_ operations: WebhookOperations) async throws -> String {
            try await operations.remove(id, by: endpoint.whom.whom)
            return "\(id.visible) is removed"
        }
    }
}
