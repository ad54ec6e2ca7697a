public import Logging
public import ServiceLifecycle
import Sillok
public import SillokCore
import SillokProjectionMachine
import SillokProjections
public import SillokReadSide
public import SillokSQL
@_exported public import SillokWebhookOperations

/// Sends events of a log to endpoints of other systems, as signed webhooks with CloudEvents.
///
/// ```swift
/// let webhooks = try Webhooks(of: store, progressIn: model, masterKey: key, logger: logger)
/// let endpoint = try await webhooks.register(
///     "https://shop.example/hooks", for: .category("order"), by: Operator("Ada", because: "they asked for it"))
/// show(try webhooks.secret(of: endpoint.id).revealed)
/// try await ServiceGroup(services: [webhooks], logger: logger).run()
/// ```
/// Endpoints are recorded in the log, with who changed them and why. Their keys are not: they are derived from the
/// master key. Each endpoint is a `Publisher` with the name `webhook-` and its id. So it has its own
/// place in the log, its own dead letters, and `ReadSide` and `sillok projections` operate it.
///
/// A message is sent at least once, in the order of its stream if the endpoint is ordered. Any answer of 2xx is a
/// success. Others are retried for about three days, and then the message waits for an operator. `Retry-After` is
/// obeyed, 410 disables the endpoint, and so do days in which every attempt fails.
public final class Webhooks: Service {
    /// The operations on dead letters and positions of endpoints. The name of an endpoint's publisher is
    /// `webhook-` and its id.
    public let readSide: ReadSide

    let directory: EndpointDirectory

    private let store: any EventStore
    private let model: any ReadModel
    private let masterKey: WebhookMasterKey
    private let options: WebhookOptions
    private let logger: Logger
    private let operations: WebhookOperations
    private let log: DeliveryLog
    private let sender: WebhookSender

    /// Creates webhooks for the endpoints of a log. Sends nothing until ``run()``.
    ///
    /// - Parameters:
    ///   - store: the log with the events and the endpoints.
    ///   - model: where the progress of the endpoints, their dead letters and the delivery log are written.
    ///   - masterKey: the key from which those of the endpoints are derived.
    ///   - options: how messages are sent.
    ///   - logger: where it reports endpoints that were disabled.
    /// - Throws: `WebhookRefusal` if the options allow this machine as a target in a program that is not built for
    ///   debugging.
    public init(
        of store: any EventStore, progressIn model: any ReadModel, masterKey: WebhookMasterKey,
        options: WebhookOptions = WebhookOptions(), logger: Logger
    ) throws(WebhookRefusal) {
        if options.allowsLoopbackForTests {
            try Self.checkLoopback()
            logger.critical(
                "webhooks may be sent to this machine, over HTTP: a setting for tests. Switch it off anywhere else.")
        }
        self.store = store
        self.model = model
        self.masterKey = masterKey
        self.options = options
        self.logger = logger
        operations = WebhookOperations(of: store, in: model, wallClock: options.wallClock)
        readSide = operations.readSide
        directory = EndpointDirectory(log: store)
        log = DeliveryLog(model: model)
        sender = WebhookSender(options.policy, resolver: options.resolver, timeout: options.timeout)
    }

    private static func checkLoopback() throws(WebhookRefusal) {
        #if !DEBUG
        throw WebhookRefusal(
            "allowsLoopbackForTests is set in a program that is not built for debugging. Remove the setting.")
        #endif
    }

    /// Sends messages to all endpoints until the server shuts down.
    public func run() async throws {
        try await cancelWhenGracefulShutdown { [self] in
            do {
                try await log.prepare()
                try await directory.load()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await self.directory.follow() }
                    group.addTask { try await self.serveAll() }
                    defer { group.cancelAll() }
                    try await group.next()
                }
            } catch  where Task.isCancelled {
                // A shutdown is a normal end.
            } catch {
                await sender.close()
                throw error
            }
            await sender.close()
        }
    }

    /// Runs a task for each endpoint, also for those that are registered later.
    private func serveAll() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            var served: Set<String> = []
            while true {
                let (endpoints, version) = directory.snapshot
                for id in endpoints.keys where served.insert(id).inserted {
                    group.addTask { try await self.serve(id) }
                }
                try await directory.change(after: version)
            }
        }
    }

    /// Sends to an endpoint while it is active, until it is removed.
    private func serve(_ id: String) async throws {
        while true {
            let (endpoints, version) = directory.snapshot
            guard let endpoint = endpoints[id], endpoint.status != .removed else { return }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.change(of: endpoint, after: version) }
                if endpoint.status == .active { group.addTask { try await self.publish(endpoint) } }
                defer { group.cancelAll() }
                try await group.next()
            }
        }
    }

    /// Waits until an endpoint has changed.
    private func change(of endpoint: WebhookEndpoint, after version: UInt64) async throws {
        var version = version
        while directory.endpoint(endpoint.id) == endpoint {
            try await directory.change(after: version)
            version = directory.snapshot.version
        }
    }

    /// Sends to an active endpoint. A failure of the store or the read model, or too many dead letters, ends it for a
    /// while only.
    private func publish(_ endpoint: WebhookEndpoint) async throws {
        while true {
            do {
                try await publisher(of: endpoint).run()
            } catch  where Task.isCancelled {
                throw CancellationError()
            } catch {
                if (error as? ProjectionFailure)?.cause is EndpointDelivery.Gone {
                    // The change of the endpoint ends this task.
                    try await directory.load()
                } else {
                    logger.error("webhooks to the endpoint \(endpoint.id) stopped, and start again: \(error)")
                }
            }
            try await options.clock.sleep(for: options.pollInterval)
        }
    }

    private func publisher(of endpoint: WebhookEndpoint) async throws -> Publisher {
        let delivery = try await EndpointDelivery(
            endpoint,
            .init(
                store: try await store.storeID(), log: log, options: options,
                send: options.transport ?? { [sender] in try await sender.send($0) },
                current: { [directory] in directory.endpoint(endpoint.id) },
                keys: { [masterKey, options] in
                    try masterKey.signers(of: endpoint.id, generation: $0, options.signsWithPrivateKeys)
                },
                disable: { [self] in try await disable(endpoint.id, $0) }))
        let schedule = options.schedule
        let settings = ProjectorOptions(
            failures: .park(attempts: schedule.pauses.count + 1, pause: .zero, capacity: options.deadLetters),
            lease: options.lease, batch: 100, pollInterval: options.pollInterval, clock: options.clock,
            wallClock: options.wallClock)
        return Publisher(
            WebhookOperations.publisher(of: endpoint.id), of: endpoint.query, from: store, progressIn: model,
            sequencing: endpoint.isOrdered ? .byStream : .by { $0.id.description }, options: settings,
            delivery: .init(
                start: { _ in endpoint.mark }, pause: { schedule.pause(afterAttempt: $0, of: $1) },
                deliver: { try await delivery.deliver($0) }))
    }

    private func disable(_ id: String, _ reason: String) async throws {
        try await operations.disable(id, because: reason)
        logger.error("the webhook endpoint \(id) is disabled: \(reason) Enable it when its owner has repaired it.")
    }
}

// Endpoints and their operations.
extension Webhooks {
    /// All endpoints in the order of their registration, without the removed ones.
    public func endpoints() async throws -> [WebhookEndpoint] {
        try await directory.load()
        return directory.endpoints
    }

    /// Registers an endpoint. It gets the events that are recorded after that.
    ///
    /// - Parameters:
    ///   - url: where messages are sent to: `https`, to a host with public addresses. It is stored in the log for ever,
    ///     so it must contain no secret.
    ///   - query: the events to send.
    ///   - id: its id: lower-case letters, digits and dashes. Without one it gets a random id.
    ///   - isOrdered: whether the events of a stream are sent in order. Then those behind a failed one wait for it.
    ///   - mode: how many events a message has.
    ///   - whom: who registers it, and why.
    /// - Throws: `WebhookRefusal` if the URL or one of its addresses is refused, or the id is taken.
    @discardableResult
    public func register(
        _ url: String, for query: EventQuery, id: String? = nil, isOrdered: Bool = true,
        mode: WebhookEndpoint.ContentMode = .structured, by whom: Operator
    ) async throws -> WebhookEndpoint {
        let checked = try WebhookURL(url, options.policy)
        _ = try options.policy.chosen(of: try await options.resolver.addresses(of: checked.host), for: checked.host)
        let id = try await operations.register(
            checked, for: query, id: id, isOrdered: isOrdered, mode: mode, by: whom)
        try await directory.load()
        return try endpoint(id)
    }

    /// Returns the key of an endpoint, to show to its owner.
    ///
    /// - Throws: `WebhookRefusal` if there is no such endpoint.
    public func secret(of id: String) async throws -> WebhookSecret {
        try await directory.load()
        return masterKey.secret(of: id, generation: try endpoint(id).generation)
    }

    /// Returns the public key by which the owner of an endpoint verifies signatures `v1a`, see
    /// ``WebhookOptions/signsWithPrivateKeys``.
    ///
    /// - Throws: `WebhookRefusal` if there is no such endpoint.
    public func publicKey(of id: String) async throws -> WebhookPublicKey {
        try await directory.load()
        return try masterKey.signingKey(of: id, generation: try endpoint(id).generation).publicKey
    }

    /// Gives an endpoint another key. For some time both keys sign (``WebhookOptions/keyOverlap``).
    @discardableResult
    public func rotateKey(of id: String, by whom: Operator) async throws -> WebhookSecret {
        try await operations.rotateKey(of: id, by: whom)
        return try await secret(of: id)
    }

    /// Stops sending to an endpoint until ``resume(_:by:)``. New events wait in the log meanwhile.
    public func pause(_ id: String, by whom: Operator) async throws {
        try await operations.pause(id, by: whom)
        try await directory.load()
    }

    /// Continues to send to a paused or disabled endpoint, at the same place.
    public func resume(_ id: String, by whom: Operator) async throws {
        try await operations.resume(id, by: whom)
        try await directory.load()
    }

    /// Continues to send to a disabled endpoint, at the same place.
    public func enable(_ id: String, by whom: Operator) async throws {
        try await operations.enable(id, by: whom)
        try await directory.load()
    }

    /// Removes an endpoint for good.
    public func remove(_ id: String, by whom: Operator) async throws {
        try await operations.remove(id, by: whom)
        try await directory.load()
    }

    /// Sends the events from a position on again.
    ///
    /// A message with one event has the same `webhook-id` as before, so a receiver that keeps the ids ignores a message
    /// that it has already taken. A batch may contain other events than before, and then has another id. The
    /// endpoint's dead letters from there on are removed, because their events are sent again.
    public func redrive(_ id: String, from position: Position, by whom: Operator) async throws {
        try await log.prepare()
        try await directory.load()
        try await publisher(of: try endpoint(id)).redrive(from: position, by: whom)
    }

    /// Returns the last attempts to send to an endpoint, the newest first.
    public func deliveries(of id: String, limit: Int = 100) async throws -> [WebhookDelivery] {
        try await log.prepare()
        return try await log.deliveries(of: id, limit: limit)
    }

    private func endpoint(_ id: String) throws(WebhookRefusal) -> WebhookEndpoint {
        guard let endpoint = directory.endpoint(id) else {
            throw WebhookRefusal("There is no webhook endpoint \(id). Register it first.")
        }
        return endpoint
    }
}
