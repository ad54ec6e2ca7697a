public import SillokCore
import SillokWebhookOperations

/// How webhooks are sent.
public struct WebhookOptions: Sendable {
    /// How many messages are sent to one endpoint at the same time. If the endpoint is ordered, they are of different
    /// streams.
    public var concurrency = 4

    /// How long an endpoint may take to answer.
    public var timeout: Duration = .seconds(20)

    /// How long the old key still signs after a rotation, so that the owner of the endpoint has time to replace it.
    public var keyOverlap: Duration = .seconds(24 * 3600)

    /// After what time without a success an endpoint is disabled.
    public var disablesAfter: Duration = .seconds(5 * 24 * 3600)

    /// How many dead letters an endpoint may have, counting those that are retried. At this number it gets no
    /// new events until there are fewer.
    public var deadLetters = 10_000

    /// The ports that endpoints may have.
    public var ports: Set<Int> = [443, 8443]

    /// The host names of this system. No webhook is sent to them and to names below them.
    public var ownHosts: Set<String> = []

    /// How long an endpoint stays with a process that no longer renews its lease, if several processes send. `nil`
    /// means that only one process sends.
    public var lease: Duration?

    /// The number of hops at which an event is not sent and becomes a dead letter. A hop is a step of a process, or a
    /// webhook between systems, that led to the event. So two systems that answer each other stop.
    public var hopLimit = 100

    /// Returns the bearer token that the owner of an endpoint gave out, by the id of the endpoint; `nil` sends none. It
    /// comes from the configuration and is stored nowhere.
    public var bearerToken: @Sendable (_ endpoint: String) -> String? = { _ in nil }

    /// How an endpoint is asked for its consent; `nil` asks none.
    public var handshake: WebhookHandshake?

    /// Whether messages are signed by a private key too (ed25519, `v1a`), for owners of endpoints that do not want to
    /// keep a secret: they verify by ``Webhooks/publicKey(of:)``.
    public var signsWithPrivateKeys = false

    /// The longest delay that a lost wake-up can cause, also for a request of an operator.
    public var pollInterval: Duration = .seconds(1)

    /// Whether this machine is accepted as a target too, over HTTP. For tests: a program that is not built for
    /// debugging refuses it, and any other logs it as critical.
    public var allowsLoopbackForTests = false

    /// The clock that measures waits.
    public var clock: any Clock<Duration> = ContinuousClock()

    /// The clock for the times of messages, and for the time until which nothing is sent to an endpoint that has asked
    /// for a pause.
    public var wallClock: WallClock = .system

    var schedule = RetrySchedule.standard
    var resolver = HostResolver.system
    /// What sends requests instead of the sender, in tests.
    var transport: (@Sendable (WebhookRequest) async throws -> WebhookAnswer)?

    /// Creates the default options.
    public init() {}

    var policy: AddressPolicy {
        AddressPolicy(ports: ports, ownHosts: ownHosts, allowsLoopback: allowsLoopbackForTests)
    }
}
