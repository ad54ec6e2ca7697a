import HTTPTypes
public import Hummingbird
public import Logging
public import Metrics
import NIOCore
import Sillok
import SillokAPI
public import SillokCore
import SillokGRPC
import SillokReadSide
import SillokSQL
import SillokService

/// The HTTP API and the dashboard of a store. Any HTTP server can pass requests to it.
///
/// A ``StoreServer`` serves it at `/`. An application can mount it in a router of its own instead:
/// ```swift
/// let gatekeeper = Gatekeeper.open(for: Grant([.read, .subscribe]))
/// let interface = try await WebInterface(Served(store, readSide: side), gatekeeper: gatekeeper, logger: logger)
/// interface.mount(on: router, at: "sillok")
/// ```
/// The interface is a service: add it to the service group of the application after the server.
public final class WebInterface: Sendable {
    /// Waits for a time.
    typealias Pause = @Sendable (Duration) async throws -> Void

    static let sleep: Pause = { try await Task.sleep(for: $0) }

    /// The served store, with measured reads. Give it to other servers, such as a ``GRPCServer``, so that their reads
    /// are measured too. If the store reports its appends, as the stores of Sillok do, all appends are measured.
    public let store: any EventStore

    let served: Served
    let storeID: StoreID
    let gatekeeper: Gatekeeper
    let limits: ServerLimits
    let metrics: ServerMetrics
    let admission: Admission
    let jobs = Jobs()
    let history: MetricsHistory
    let clock: WallClock
    /// Waits between two checks of a subscription.
    let pause: Pause
    let logger: Logger
    /// The host names that a browser may use; `nil` allows any.
    let hosts: Set<String>?
    let routes: Routes

    /// Creates an interface to a store.
    ///
    /// - Parameters:
    ///   - served: the store and the other objects to serve.
    ///   - gatekeeper: the access control.
    ///   - limits: the limits that the interface enforces.
    ///   - loopbackOnly: whether the interface answers only requests with a loopback host name. This prevents DNS
    ///     rebinding by a foreign web page.
    ///   - metrics: the metrics system that gets all metrics of the interface, by default that of the process. If it is
    ///     a `MetricsRegistry`, `/metrics` shows all metrics in it; otherwise only those of the interface.
    ///   - clock: the time of day.
    ///   - logger: the logger of the interface.
    public convenience init(
        _ served: Served, gatekeeper: Gatekeeper, limits: ServerLimits = ServerLimits(), loopbackOnly: Bool = false,
        metrics: (any MetricsFactory)? = nil, clock: WallClock = .system, logger: Logger
    ) async throws {
        try await self.init(
            served, gatekeeper: gatekeeper, limits: limits, loopbackOnly: loopbackOnly, metrics: metrics, clock: clock,
            logger: logger, pause: WebInterface.sleep)
    }

    /// Creates an interface whose checks of subscriptions are `pause` apart, so that a test can count them.
    convenience init(
        _ served: Served, gatekeeper: Gatekeeper, limits: ServerLimits, loopbackOnly: Bool,
        metrics: (any MetricsFactory)? = nil, clock: WallClock, logger: Logger, pause: @escaping Pause
    ) async throws {
        let metrics = ServerMetrics(metrics ?? MetricsSystem.factory)
        served.tools.observeCommits?(metrics.commit)
        var metered = served
        metered.store = MeasuredEventStore(served.store, record: metrics.record)
        try await self.init(metered, metrics, gatekeeper, limits, loopbackOnly, clock, logger, pause)
    }

    init(
        _ served: Served, _ metrics: ServerMetrics, _ gatekeeper: Gatekeeper, _ limits: ServerLimits,
        _ loopbackOnly: Bool,
        _ clock: WallClock, _ logger: Logger, _ pause: @escaping Pause
    ) async throws {
        self.served = served
        self.metrics = metrics
        history = served.tools.metricsFile.map { MetricsFile($0).load() } ?? MetricsHistory()
        store = served.store
        storeID = try await served.store.storeID()
        self.gatekeeper = gatekeeper
        self.limits = limits
        self.clock = clock
        self.logger = logger
        self.pause = pause
        admission = Admission(requests: limits.requests, subscriptions: limits.subscriptions)
        hosts = loopbackOnly ? ["localhost", "127.0.0.1", "[::1]", "::1"] : nil
        routes = Routes(Endpoint.all)
    }

    /// Serves requests below a path of an application's own router.
    public func mount<Context: RequestContext>(
        on router: some RouterMethods<Context>, at path: String, isSecure: Bool = false
    ) {
        let base = "/" + path.split(separator: "/").joined(separator: "/")
        for method in [HTTPRequest.Method.get, .head, .post, .delete] {
            for route in [RouterPath(base), RouterPath(base + "/**")] {
                router.on(route, method: method) { request, context in
                    // If the context of the application knows the address of the caller, callers are counted by it.
                    let address = (context as? any RemoteAddressRequestContext)?.remoteAddress
                    return await self.respond(
                        to: request, below: base, isSecure: isSecure,
                        on: RequestConnection(address: address.map { CallerAddress.owner($0) }))
                }
            }
        }
    }

    /// Answers a request.
    ///
    /// - Parameters:
    ///   - request: the request.
    ///   - base: the path of the interface, such as `/sillok`.
    ///   - isSecure: whether the connection is encrypted, so that cookies can require encryption.
    ///   - disconnect: closes the connection of a subscriber that does not read its data.
    ///   - proceed: sends `100 Continue`, for callers that wait for it before they send a body.
    public func respond(
        to request: Request, below base: String = "", isSecure: Bool = false,
        disconnect: (@Sendable () -> Void)? = nil, proceed: (@Sendable () -> Void)? = nil
    ) async -> Response {
        await respond(
            to: request, below: base, isSecure: isSecure,
            on: RequestConnection(disconnect: disconnect, proceed: proceed))
    }

    /// Answers a request of a connection.
    func respond(
        to request: Request, below base: String = "", isSecure: Bool, on connection: RequestConnection
    ) async -> Response {
        let clock = ContinuousClock()
        let start = clock.now
        var admitted: (endpoint: Endpoint, call: Call)?
        var response: Response
        do {
            let (endpoint, call) = try await admit(request, base, isSecure, connection)
            admitted = (endpoint, call)
            response = try await answer(call, endpoint)
            addLag(to: &response)
        } catch {
            let mayRead = admitted.map { ServerOperation.showPayloads.allows($0.call.principal) } ?? false
            let problem = Problem(error, showsEvents: mayRead)
            if problem.status >= 500 { report(error, problem, request) }
            response = problem.response
        }
        secure(&response, isSecure)
        if request.method == .head { response = response.createHeadResponse() }
        if let operation = admitted?.endpoint.operation {
            metrics.request(operation.rawValue, status: Int(response.status.code), took: start.duration(to: clock.now))
        }
        return response
    }

    private func answer(_ call: Call, _ endpoint: Endpoint) async throws -> Response {
        let rule = endpoint.operation.rule
        // A test expects that no row of the table is like this.
        guard endpoint.handler.isChecked || rule.reach != .streams else {
            throw Gatekeeper.Refusal.forbidden("the streams of \(endpoint.operation) are not checked")
        }
        guard rule.scope != nil else { return try await endpoint.handler.run(self, call) }
        guard let place = await admission.begin(call.owner) else {
            metrics.shed.increment()
            throw overload(call.owner)
        }
        call.hold(place)
        defer { call.takePlace()?.end() }
        try await waitForWanted(call)
        return try await endpoint.handler.run(self, call)
    }

    /// Adds how far a replica is behind to an answer. The answer itself may be a little newer.
    private func addLag(to response: inout Response) {
        guard let lag = served.tools.replica?() else { return }
        response.headers[.sillokLagEvents] = lag.events.map { "\($0)" }
        response.headers[.sillokLagSeconds] = lag.time.map { "\(($0.seconds * 1000).rounded() / 1000)" }
    }

    /// Waits for the required position, if the request names one. For a token, the log must also have its event.
    private func waitForWanted(_ call: Call) async throws {
        guard let text = call.request.headers[.sillokAtLeast] else { return }
        guard let mark = Call.mark(text) else {
            throw Problem(400, .malformed, "\"Sillok-At-Least\" is neither a position nor a token")
        }
        try await wait(for: mark.position, call)
        if mark.id != nil { _ = try await store.head(resumingAfter: mark) }
    }

    private func wait(for wanted: Position, _ call: Call) async throws {
        let seconds = call.waitSeconds
        if try await store.head() >= wanted { return }
        _ = try? await withDeadline(.seconds(seconds), "") { [store] in
            while try await store.head() < wanted { try await store.reach(wanted) }
        }
        let head = try await store.head()
        guard head >= wanted else {
            var problem = Problem(412, .behind, "the store is at \(head), not yet at \(wanted)").retrying(
                afterSeconds: 1)
            problem.members = { $0.head = head }
            throw problem
        }
    }

    /// The refusal of a request whose owner has its share.
    private func overload(_ owner: String) -> Problem {
        let (held, limit) = admission.places(of: owner)
        var problem = Problem(
            503, .overloaded,
            "\(owner) has \(held) of \(limit) requests under way and may have no more (the limit requests). Nothing "
                + "was done: retry in a second.")
        problem.limit = "requests"
        return problem.retrying(afterSeconds: 1)
    }

    private func report(_ error: any Error, _ problem: Problem, _ request: Request) {
        // A refusal for overload is counted: a caller must not be able to fill the log by coming too often.
        let level: Logger.Level = problem.kind == .overloaded ? .debug : problem.status == 503 ? .notice : .error
        logger.log(
            level: level, "a request failed",
            metadata: [
                "status": "\(problem.status)", "method": "\(request.method)", "path": "\(request.uri.path)",
                "error": "\(error)",
            ])
    }
}
