import Sillok
public import SillokCore
public import SillokReadSide
public import SillokSQL

/// The webhook endpoints of a log, for operators: their state and deliveries, and the operations on them.
///
/// ```swift
/// let operations = WebhookOperations(of: store, in: model)
/// for status in try await operations.endpoints() where status.failing > 0 {
///     try await operations.pause(status.endpoint.id, by: Operator("Ada", because: "its owner repairs it"))
/// }
/// ```
/// It needs neither the application nor its master key: endpoints are events of the log, and what became of their
/// messages is in the read model. A running application sees a change at once.
public struct WebhookOperations: Sendable {
    /// The log with the events and the endpoints.
    public let store: any EventStore

    /// The operations on the dead letters and positions of endpoints: those of the publisher ``publisher(of:)``.
    public let readSide: ReadSide

    private let records: CommandHandler<EndpointRecord>
    private let log: DeliveryLog

    /// Creates the operations on the webhooks of a log.
    ///
    /// - Parameters:
    ///   - store: the log with the events and the endpoints.
    ///   - readModel: the read model in which the sending application stores its progress and its deliveries.
    ///   - wallClock: the clock for ages.
    public init(of store: any EventStore, in readModel: any ReadModel, wallClock: WallClock = .system) {
        self.store = store
        readSide = ReadSide(of: store, in: readModel, wallClock: wallClock)
        records = CommandHandler(EndpointRecord.category, in: store)
        log = DeliveryLog(model: readModel)
    }

    /// Returns the name of the publisher that sends to an endpoint.
    public static func publisher(of id: String) -> String { "webhook-\(id)" }

    /// Returns the endpoints in the order of their registration, without the removed ones.
    ///
    /// - Parameters:
    ///   - id: the endpoint after which the list starts; `nil` for the first.
    ///   - limit: the largest number of endpoints, from 1 to 1000.
    public func endpoints(after id: String? = nil, limit: Int = 100) async throws -> [WebhookStatus] {
        var endpoints = try await directory().endpoints[...]
        if let id, let index = endpoints.firstIndex(where: { $0.id == id }) { endpoints = endpoints[(index + 1)...] }
        var statuses: [WebhookStatus] = []
        for endpoint in endpoints.prefix(min(max(1, limit), 1000)) { statuses.append(try await status(of: endpoint)) }
        return statuses
    }

    /// Returns an endpoint, also a removed one.
    ///
    /// - Throws: ``WebhookRefusal`` if there is no such endpoint.
    public func endpoint(_ id: String) async throws -> WebhookStatus {
        guard let endpoint = try await directory().endpoint(id) else { throw WebhookRefusal(missing: id) }
        return try await status(of: endpoint)
    }

    /// Returns the last attempts to send to an endpoint, the newest first. The last 1000 are kept.
    ///
    /// - Parameters:
    ///   - id: the endpoint.
    ///   - cursor: only attempts older than this place: ``WebhookDeliveryPage/next`` of the page before.
    ///   - limit: the largest number of attempts, from 1 to 1000.
    /// - Throws: ``WebhookRefusal`` if there is no such endpoint.
    public func deliveries(
        of id: String, before cursor: DeliveryCursor? = nil, limit: Int = 100
    ) async throws -> WebhookDeliveryPage {
        guard try await directory().endpoint(id) != nil else { throw WebhookRefusal(missing: id) }
        let limit = min(max(1, limit), 1000)
        // The application makes the delivery log before it starts to send.
        guard try await build(of: id) != nil else { return WebhookDeliveryPage(deliveries: [], next: nil) }
        let found = try await log.deliveries(of: id, before: cursor.map { ($0.at, $0.position) }, limit: limit + 1)
        let page = Array(found.prefix(limit))
        return WebhookDeliveryPage(
            deliveries: page, next: found.count > limit ? page.last.map { DeliveryCursor($0) } : nil)
    }

    /// Returns events that an endpoint did not take, and those that wait behind them, in the order of the log.
    ///
    /// - Parameters:
    ///   - id: the endpoint.
    ///   - position: only those after this position.
    ///   - limit: the largest number of events, from 1 to 1000.
    public func failing(
        of id: String, after position: Position = .start, limit: Int = 100
    ) async throws -> [DeadLetter] {
        try await readSide.deadLetters(
            of: Self.publisher(of: id), after: position, limit: min(max(1, limit), 1000))
    }

    private func directory() async throws -> EndpointDirectory {
        let directory = EndpointDirectory(log: store)
        try await directory.load()
        return directory
    }

    private func build(of id: String) async throws -> ProjectionStatus? {
        try await readSide.status(of: Self.publisher(of: id)).first { $0.build.state == .live }
    }

    private func status(of endpoint: WebhookEndpoint) async throws -> WebhookStatus {
        guard let build = try await build(of: endpoint.id) else {
            let head = try await store.head()
            return WebhookStatus(
                endpoint: endpoint, hasStarted: false, position: endpoint.mark.position, head: head, lag: .zero,
                failing: 0, failure: nil, heldUntil: nil, failingSince: nil, lastDelivery: nil)
        }
        let health = try await log.health(of: endpoint.id)
        return WebhookStatus(
            endpoint: endpoint, hasStarted: true, position: build.position, head: build.head, lag: build.lagTime,
            failing: build.deadLetters, failure: build.build.failure, heldUntil: health.heldUntil,
            failingSince: health.failingSince,
            lastDelivery: try await log.deliveries(of: endpoint.id, limit: 1).first)
    }
}

// The operations. Each is an event of the endpoint, with the operator and the reason, but `redrive`.
extension WebhookOperations {
    /// Registers an endpoint. It gets the events that are recorded after that.
    ///
    /// This does not resolve the host name of the URL: the application checks the addresses before each connection, and
    /// sends nothing to a refused one.
    /// - Parameters:
    ///   - url: where messages are sent to: `https`, to a host with public addresses. It is stored in the log for ever,
    ///     so it must contain no secret.
    ///   - query: the events to send.
    ///   - id: its id: lower-case letters, digits and dashes. Without one it gets a random id.
    ///   - isOrdered: whether the events of a stream are sent in order. Then those behind a failed one wait for it.
    ///   - mode: how many events a message has.
    ///   - whom: who registers it, and why.
    /// - Throws: ``WebhookRefusal`` if the URL is refused, or the id is taken.
    @discardableResult
    public func register(
        _ url: String, for query: EventQuery, id: String? = nil, isOrdered: Bool = true,
        mode: WebhookEndpoint.ContentMode = .structured, by whom: Operator
    ) async throws -> WebhookStatus {
        let checked = try WebhookURL(url)
        if let address = IPAddress(text: checked.host) { _ = try AddressPolicy().chosen(of: [address], for: url) }
        let id = try await register(checked, for: query, id: id, isOrdered: isOrdered, mode: mode, by: whom)
        return try await endpoint(id)
    }

    /// Registers an endpoint whose URL was checked. Returns its id.
    package func register(
        _ url: WebhookURL, for query: EventQuery, id: String?, isOrdered: Bool, mode: WebhookEndpoint.ContentMode,
        by whom: Operator
    ) async throws -> String {
        let id = id ?? String(UInt64.random(in: 1 << 60 ... .max), radix: 36)
        guard !id.isEmpty, id.utf8.count <= 64,
            id.utf8.allSatisfy("abcdefghijklmnopqrstuvwxyz0123456789-".utf8.contains)
        else {
            throw WebhookRefusal("The id \"\(id)\" is not made of lower-case letters, digits and dashes, at most 64.")
        }
        try store.limits.check(query)
        try await change(id, .register(url: url, query: query, isOrdered: isOrdered, mode: mode), whom)
        return id
    }

    /// Gives an endpoint another key, which the application derives from its master key. For some time both keys sign.
    public func rotateKey(of id: String, by whom: Operator) async throws { try await change(id, .rotateKey, whom) }

    /// Stops sending to an endpoint until ``resume(_:by:)``. New events wait in the log meanwhile.
    public func pause(_ id: String, by whom: Operator) async throws {
        try await change(id, .pause(reason: whom.reason), whom)
    }

    /// Continues to send to a paused or disabled endpoint, at the same place.
    public func resume(_ id: String, by whom: Operator) async throws {
        guard let endpoint = try await directory().endpoint(id) else { throw WebhookRefusal(missing: id) }
        guard case .disabled = endpoint.status else { return try await change(id, .resume, whom) }
        try await enable(id, by: whom)
    }

    /// Continues to send to a disabled endpoint, at the same place.
    package func enable(_ id: String, by whom: Operator) async throws {
        // The days of failure begin again.
        try await log.prepare()
        try await log.set(.init(), of: id)
        try await change(id, .enable, whom)
    }

    /// Removes an endpoint for good.
    public func remove(_ id: String, by whom: Operator) async throws { try await change(id, .remove, whom) }

    /// Sends the events from a position on again.
    ///
    /// A message with one event has the same `webhook-id` as before, so a receiver that keeps the ids ignores it. A
    /// batch may contain other events than before, and then has another id. The dead letters of the endpoint from there
    /// on are removed, because their events are sent again.
    /// - Throws: ``WebhookRefusal`` if there is no such endpoint; `ProjectionRefusal` if no application has begun to
    ///   send to it, or the log ends before the position.
    public func redrive(_ id: String, from position: Position, by whom: Operator) async throws {
        guard try await directory().endpoint(id) != nil else { throw WebhookRefusal(missing: id) }
        try await readSide.redrive(Self.publisher(of: id), from: position, by: whom)
    }

    /// Disables an endpoint, for the application that sends to it.
    package func disable(_ id: String, because reason: String) async throws {
        try await records.execute(.disable(reason: reason), on: id)
    }

    private func change(_ id: String, _ command: EndpointRecord.Command, _ whom: Operator) async throws {
        if case .register = command {
        } else if try await directory().endpoint(id) == nil {
            throw WebhookRefusal(missing: id)
        }
        try await Metadata.$current.withValue(Metadata(actor: whom.name, reason: whom.reason)) {
            _ = try await records.execute(command, on: id)
        }
    }
}
