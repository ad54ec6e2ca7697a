import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import SillokCore
import SillokWebhookOperations

/// Sends requests over HTTP: to the address that was judged, without redirects, and reads little of the answer.
final class WebhookSender: Sendable {
    private struct Pinned {
        let address: IPAddress
        let client: HTTPClient
    }

    /// The bytes of an answer that are read.
    private static let answerBytes = 16 << 10

    private let policy: AddressPolicy
    private let resolver: HostResolver
    private let timeout: Duration
    private let clients = Lock<[String: Pinned]>([:])

    init(_ policy: AddressPolicy, resolver: HostResolver, timeout: Duration) {
        self.policy = policy
        self.resolver = resolver
        self.timeout = timeout
    }

    /// Sends a request and returns the answer.
    ///
    /// - Throws: `WebhookRefusal` if the URL or one of the addresses of its host is refused, or the time is over;
    ///   errors of the connection.
    func send(_ request: WebhookRequest) async throws -> WebhookAnswer {
        let url = try WebhookURL(request.url, policy)
        let client = try await client(for: url)
        let timeout = timeout
        return try await withThrowingTaskGroup(of: WebhookAnswer.self) { group in
            group.addTask { try await Self.send(request, to: url, by: client, within: timeout) }
            group.addTask {
                try await Task.sleep(for: timeout)
                throw WebhookRefusal("the endpoint did not answer within \(timeout)")
            }
            defer { group.cancelAll() }
            guard let answer = try await group.next() else { throw CancellationError() }
            return answer
        }
    }

    /// Closes all connections.
    func close() async {
        let all = clients.withLock { clients in
            defer { clients = [:] }
            return clients.values.map(\.client)
        }
        for client in all { try? await client.shutdown() }
    }

    private static func send(
        _ request: WebhookRequest, to url: WebhookURL, by client: HTTPClient, within timeout: Duration
    ) async throws -> WebhookAnswer {
        var http = HTTPClientRequest(url: url.description)
        http.method = request.isHandshake ? .OPTIONS : .POST
        for (name, value) in request.headers { http.headers.add(name: name, value: value) }
        if !request.isHandshake { http.body = .bytes(request.body) }
        let limit = min(timeout, .seconds(24 * 3600))
        let answer = try await client.execute(http, timeout: .microseconds(limit.wholeMicroseconds))
        var count = 0
        for try await chunk in answer.body {
            count += chunk.readableBytes
            if count >= answerBytes { break }
        }
        return WebhookAnswer(
            status: Int(answer.status.code), retryAfter: answer.headers.first(name: "retry-after"),
            allowedOrigin: answer.headers.first(name: "webhook-allowed-origin"),
            allowedRate: answer.headers.first(name: "webhook-allowed-rate"))
    }

    /// Returns the client for a host. It is a new one if the host no longer has the address of the old one.
    private func client(for url: WebhookURL) async throws -> HTTPClient {
        let addresses = try await resolver.addresses(of: url.host)
        let chosen = try policy.chosen(of: addresses, for: url.host)
        let (client, old) = clients.withLock { clients -> (HTTPClient, HTTPClient?) in
            let known = clients[url.host]
            if let known, addresses.contains(known.address) { return (known.client, nil) }
            let client = Self.client(pinning: url.host, to: chosen, policy)
            clients[url.host] = Pinned(address: chosen, client: client)
            return (client, known?.client)
        }
        if let old { try? await old.shutdown() }
        return client
    }

    private static func client(pinning host: String, to address: IPAddress, _ policy: AddressPolicy) -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.timeout = .init(connect: .seconds(5), read: .seconds(20))
        configuration.connectionPool.idleTimeout = .seconds(30)
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.decompression = .disabled
        // The name is kept for TLS. It has no capital letters and no final dot, as the override needs it.
        configuration.dnsOverride = [host: address.description]
        let check = peerCheck(address, policy)
        configuration.http1_1ConnectionDebugInitializer = check
        configuration.http2ConnectionDebugInitializer = check
        return HTTPClient(
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), configuration: configuration)
    }

    /// Returns what compares the peer of a connection with the judged address, before any request is sent over it.
    static func peerCheck(
        _ address: IPAddress, _ policy: AddressPolicy
    ) -> @Sendable (any Channel) -> EventLoopFuture<Void> {
        { channel in
            guard let peer = channel.remoteAddress?.ipAddress.flatMap({ IPAddress(text: $0) }), peer == address,
                policy.refusal(of: peer) == nil
            else {
                let found = channel.remoteAddress.map { "\($0)" } ?? "an unknown address"
                return channel.eventLoop.makeFailedFuture(
                    WebhookRefusal("the connection leads to \(found), not to the address \(address) that was checked"))
            }
            return channel.eventLoop.makeSucceededVoidFuture()
        }
    }
}
