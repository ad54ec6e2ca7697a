import HTTPTypes
public import Hummingbird
public import Logging
import NIOCore
import Sillok
public import SillokCore
import SillokReadSide
import SillokSQL
import SillokWire

/// The HTTP API and the dashboard of a store. It answers requests from any server.
///
/// A ``StoreServer`` serves it at `/`. An application can mount it in a router of its own instead:
/// ```swift
/// let gatekeeper = Gatekeeper.open(for: Grant([.read, .subscribe]))
/// let interface = try await WebInterface(Served(store, readSide: side), gatekeeper: gatekeeper, logger: logger)
/// interface.mount(on: router, at: "sillok")
/// ```
/// The interface is a service: add it to the service group of the application after the server.
public final class WebInterface: Sendable {
    /// The limits of requests.
    public struct Limits: Sendable {
        /// Maximum number of requests in progress: 512. Further requests get a response with a retry delay.
        public var requests = 512
        /// Maximum number of subscriptions of one principal: 100.
        public var subscriptions = 100
        /// Maximum number of bytes of a body: 8 MiB, because JSON is longer than its contents.
        public var bodyBytes = 8 << 20

        /// Creates the default limits.
        public init() {}
    }

    /// A function that waits for a time.
    typealias Pause = @Sendable (Duration) async throws -> Void

    static let sleep: Pause = { try await Task.sleep(for: $0) }

    /// The store, whose appends and reads are measured. Other servers of the same store should use it too.
    public let store: any EventStore

    let served: Served
    let storeID: StoreID
    let gatekeeper: Gatekeeper
    let limits: Limits
    let metrics: ServerMetrics
    let admission: Admission
    let jobs = Jobs()
    let history = History()
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
    ///   - served: the store, and other objects to show.
    ///   - gatekeeper: the access control.
    ///   - limits: the limits of requests.
    ///   - loopbackOnly: whether only requests for a loopback host name are answered. This prevents that a foreign page
    ///     reaches the server through its own host name.
    ///   - clock: the time of day.
    ///   - logger: the logger of the interface.
    public convenience init(
        _ served: Served, gatekeeper: Gatekeeper, limits: Limits = Limits(), loopbackOnly: Bool = false,
        clock: WallClock = .system, logger: Logger
    ) async throws {
        try await self.init(
            served, gatekeeper: gatekeeper, limits: limits, loopbackOnly: loopbackOnly, clock: clock, logger: logger,
            pause: WebInterface.sleep)
    }

    /// Creates an interface whose checks of subscriptions are `pause` apart, so that a test can count them.
    convenience init(
        _ served: Served, gatekeeper: Gatekeeper, limits: Limits, loopbackOnly: Bool, clock: WallClock,
        logger: Logger, pause: @escaping Pause
    ) async throws {
        let metrics = ServerMetrics()
        served.tools.observeCommits? { metrics.commit($0) }
        var metered = served
        metered.store = MeteredStore(store: served.store, metrics: metrics)
        try await self.init(metered, metrics, gatekeeper, limits, loopbackOnly, clock, logger, pause)
    }

    init(
        _ served: Served, _ metrics: ServerMetrics, _ gatekeeper: Gatekeeper, _ limits: Limits, _ loopbackOnly: Bool,
        _ clock: WallClock, _ logger: Logger, _ pause: @escaping Pause
    ) async throws {
        self.served = served
        self.metrics = metrics
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
                    await self.respond(to: request, below: base, isSecure: isSecure)
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
    ///   - disconnect: closes the connection, for subscribers that do not accept their data.
    ///   - proceed: sends `100 Continue`, for callers that wait for it before they send a body.
    public func respond(
        to request: Request, below base: String = "", isSecure: Bool = false,
        disconnect: (@Sendable () -> Void)? = nil, proceed: (@Sendable () -> Void)? = nil
    ) async -> Response {
        let clock = ContinuousClock()
        let start = clock.now
        var admitted: (endpoint: Endpoint, call: Call)?
        var response: Response
        do {
            let (endpoint, call) = try await admit(
                request, base, isSecure, RequestConnection(disconnect: disconnect, proceed: proceed))
            admitted = (endpoint, call)
            response = try await answer(call, endpoint)
        } catch {
            let mayRead = admitted.map { Operation.showPayloads.allows($0.call.principal) } ?? false
            let problem = Problem(error, showsEvents: mayRead)
            if problem.status >= 500 { report(error, problem, request) }
            response = problem.response
        }
        secure(&response, isSecure)
        if request.method == .head { response = response.createHeadResponse() }
        if let operation = admitted?.endpoint.operation {
            metrics.request(operation, status: Int(response.status.code), took: start.duration(to: clock.now))
        }
        return response
    }

    private func answer(_ call: Call, _ endpoint: Endpoint) async throws -> Response {
        guard endpoint.operation.rule.scope != nil else { return try await endpoint.handle(self, call) }
        guard await admission.begin() else {
            metrics.change { $0.shed += 1 }
            throw Problem(503, .overloaded, "too many requests are under way").retrying(afterSeconds: 1)
        }
        defer { admission.end() }
        try await waitForWanted(call)
        let response = try await endpoint.handle(self, call)
        if endpoint.operation.rule.reach == .streams, !call.isChecked {
            logger.critical("an operation did not check its streams", metadata: ["operation": "\(endpoint.operation)"])
            throw Gatekeeper.Refusal.forbidden("the streams were not checked")
        }
        return response
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
        let seconds = call.patienceSeconds
        if try await store.head() >= wanted { return }
        _ = try? await withDeadline(.seconds(seconds), "") { [store] in
            while try await store.head() < wanted { try await store.reach(wanted) }
        }
        let head = try await store.head()
        guard head >= wanted else {
            var problem = Problem(412, .behind, "the store is at \(head), not yet at \(wanted)").retrying(
                afterSeconds: 1)
            problem.members = { $0.field("head", head.value) }
            throw problem
        }
    }

    private func report(_ error: any Error, _ problem: Problem, _ request: Request) {
        logger.log(
            level: problem.status == 503 ? .notice : .error, "a request failed",
            metadata: [
                "status": "\(problem.status)", "method": "\(request.method)", "path": "\(request.uri.path)",
                "error": "\(error)",
            ])
    }
}
