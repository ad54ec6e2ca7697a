import NIOCore
import NIOHTTP2
import NIOPosix
import NIOSSL
import SillokCore

/// What all connections of a server share: the methods, the limits, the counts.
package final class ServerContext: Sendable {
    private struct State {
        var following: [ObjectIdentifier: ServerCall] = [:]
        var subscriptions: [ExactText: Int] = [:]
        var calls: SharedPlaces
        var receivedBytes: SharedPlaces
        var isDraining = false
    }

    let limits: ServerSettings
    let methods: [String: ServerMethod]
    /// The largest message that is received.
    let messageBytes: Int
    private let whenDraining: @Sendable () -> Void
    let connections: ConnectionRegistry
    let loops = CallLoops()
    private let state: Lock<State>

    /// The state of a server that serves methods.
    ///
    /// - Parameters:
    ///   - limits: where the server listens, and its limits.
    ///   - messageBytes: the size of the largest message that is received.
    ///   - methods: what is served, by paths such as `/sillok.v1.EventStore/Append`.
    ///   - whenDraining: called when the server begins to stop.
    package init(
        limits: ServerSettings, messageBytes: Int, methods: [String: ServerMethod],
        whenDraining: @escaping @Sendable () -> Void
    ) {
        self.limits = limits
        self.messageBytes = messageBytes
        self.methods = methods
        self.whenDraining = whenDraining
        connections = ConnectionRegistry(limit: limits.connections)
        state = Lock(
            State(calls: SharedPlaces(limits.calls), receivedBytes: SharedPlaces(limits.receivedBytes)))
    }

    /// Counts a subscription of a principal for as long as `body` runs, and ends it when the server stops.
    package func subscribing(_ call: ServerCall, _ principal: String, _ body: () async throws -> Void) async throws {
        let limit = limits.subscriptions
        let key = ExactText(principal)
        let refusal = state.withLock { state -> CallRefusal? in
            if state.isDraining { return .stopping }
            guard state.subscriptions[key, default: 0] < limit else {
                return .tooMany("\(principal) has \(limit) subscriptions already (the limit subscriptions)")
            }
            state.subscriptions[key, default: 0] += 1
            state.following[ObjectIdentifier(call)] = call
            return nil
        }
        if let refusal { throw refusal }
        // From here on the limit of subscriptions counts it.
        call.place.end()
        defer {
            state.withLock { state in
                let left = state.subscriptions[key, default: 1] - 1
                state.subscriptions[key] = left > 0 ? left : nil
                state.following[ObjectIdentifier(call)] = nil
            }
        }
        try await body()
    }

    /// Takes a place for a call of a connection; `nil` if its owner has its share.
    func place(on connection: any Channel) -> CallPlace? {
        let known = connections.begin(on: connection)
        let owner = known?.owner ?? CallerAddress.owner(connection.remoteAddress)
        guard state.withLock({ $0.calls.take(owner) }) else {
            connections.end(on: connection)
            return nil
        }
        return CallPlace(self, owner, isProved: known?.isProved ?? false, connection)
    }

    /// The refusal of a call whose owner has its share.
    func overload(_ owner: String) -> StoreError {
        let (held, limit) = state.withLock { ($0.calls.held(by: owner), $0.calls.limit) }
        return StoreError(
            .overloaded,
            "\(owner) has \(held) of \(limit) calls under way and may have no more (the limit calls). Nothing was "
                + "done: retry in a second.", retryAfter: .seconds(1))
    }

    /// Gives the place of a call to another owner; `false` if it has its share.
    fileprivate func move(from owner: String, to other: String) -> Bool {
        state.withLock { $0.calls.move(from: owner, to: other) }
    }

    fileprivate func release(_ owner: String) { state.withLock { $0.calls.release(owner) } }

    /// Counts bytes of requests that are being received; whether there is room for them.
    func receive(_ bytes: Int, of owner: String) -> Bool { state.withLock { $0.receivedBytes.take(owner, bytes) } }

    /// Bytes of a request are no longer held.
    func releaseReceived(_ bytes: Int, of owner: String) {
        state.withLock { $0.receivedBytes.release(owner, bytes) }
    }

    /// Asks all connections to end, lets their calls finish, and closes the remaining connections after a while.
    package func drain() async {
        whenDraining()
        let following = state.withLock { state in
            state.isDraining = true
            return Array(state.following.values)
        }
        let connections = connections.close()
        for call in following {
            call.end(GRPCStatus(.unavailable, "the server is shutting down: reconnect, then subscribe again"))
        }
        for connection in connections { connection.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for connection in connections { try? await connection.closeFuture.get() } }
            group.addTask { [drain = limits.drain] in
                try? await Task.sleep(for: drain)
                for connection in connections { try? await connection.close() }
            }
            await group.next()
            group.cancelAll()
        }
    }
}

/// The place of a call among those that are under way, until the call has ended. Safe to use from any thread.
package final class CallPlace: Sendable {
    private let context: ServerContext
    private let connection: any Channel
    /// Who the call was counted for when it began.
    let sender: String
    /// Whether the connection had proved that then.
    private let isProved: Bool
    private let owner: Lock<String?>

    fileprivate init(_ context: ServerContext, _ sender: String, isProved: Bool, _ connection: any Channel) {
        (self.context, self.connection, self.sender, self.isProved) = (context, connection, sender, isProved)
        owner = Lock(sender)
    }

    /// Counts the call for the principal that it has proved.
    fileprivate func move(to principal: String) throws {
        let isMoved = owner.withLock { owner in
            guard let present = owner, !present.hasSameBytes(as: principal) else { return true }
            guard context.move(from: present, to: principal) else { return false }
            owner = principal
            return true
        }
        guard isMoved else { throw context.overload(principal) }
        if isProved, sender.hasSameBytes(as: principal) { return }
        context.connections.prove(principal, on: connection)
    }

    /// Gives the place back, once.
    func end() {
        if let owner = owner.take() { context.release(owner) }
    }
}

extension ServerCall {
    /// Counts the call for the principal that it has proved, and no longer for the address that it comes from.
    ///
    /// - Throws: `StoreError` `overloaded` if the principal has its share of the calls.
    package func count(for principal: String) throws { try place.move(to: principal) }
}

/// Why a call is refused that was understood.
package enum CallRefusal: Error, CustomStringConvertible {
    case unauthenticated(String)
    case forbidden(String)
    case tooMany(String)
    case stopping

    package var description: String {
        switch self {
        case .unauthenticated(let reason), .forbidden(let reason), .tooMany(let reason): reason
        case .stopping: "the server is shutting down: reconnect, then try again"
        }
    }
}
