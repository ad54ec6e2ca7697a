import NIOCore
import NIOHTTP2
import NIOPosix
import NIOSSL
import SillokCore

/// What all connections of a server share: the methods, the limits, the counts.
package final class ServerContext: Sendable {
    private struct State {
        var connections: [ObjectIdentifier: any Channel] = [:]
        var following: [ObjectIdentifier: ServerCall] = [:]
        var subscriptions: [ExactText: Int] = [:]
        var calls = 0
        var receivedBytes = 0
        var isDraining = false
    }

    let limits: ServerLimits
    let methods: [String: ServerMethod]
    /// The largest message that is received.
    let messageBytes: Int
    private let whenDraining: @Sendable () -> Void
    private let state = Lock(State())

    /// The state of a server that serves methods.
    ///
    /// - Parameters:
    ///   - limits: where the server listens, and its limits.
    ///   - messageBytes: the size of the largest message that is received.
    ///   - methods: what is served, by paths such as `/sillok.v1.EventStore/Append`.
    ///   - whenDraining: called when the server begins to stop.
    package init(
        limits: ServerLimits, messageBytes: Int, methods: [String: ServerMethod],
        whenDraining: @escaping @Sendable () -> Void
    ) {
        self.limits = limits
        self.messageBytes = messageBytes
        self.methods = methods
        self.whenDraining = whenDraining
    }

    /// Counts a subscription of a principal for as long as `body` runs, and ends it when the server stops.
    package func subscribing(_ call: ServerCall, _ principal: String, _ body: () async throws -> Void) async throws {
        let limit = limits.subscriptionsPerPrincipal
        let key = ExactText(principal)
        let refusal = state.withLock { state -> CallRefusal? in
            if state.isDraining { return .stopping }
            guard state.subscriptions[key, default: 0] < limit else {
                return .tooMany("\(limit) subscriptions of \(principal) are open already")
            }
            state.subscriptions[key, default: 0] += 1
            state.following[ObjectIdentifier(call)] = call
            return nil
        }
        if let refusal { throw refusal }
        defer {
            state.withLock { state in
                let left = state.subscriptions[key, default: 1] - 1
                state.subscriptions[key] = left > 0 ? left : nil
                state.following[ObjectIdentifier(call)] = nil
            }
        }
        try await body()
    }

    /// Counts a call; why it is refused, if it is.
    func admit(_ method: ServerMethod) -> GRPCStatus? {
        if case .streaming = method.body { return nil }
        return state.withLock { state in
            guard state.calls < limits.calls else {
                return GRPCStatus(
                    .unavailable, "the server has too much to do, nothing was done: try again in a second")
            }
            state.calls += 1
            return nil
        }
    }

    func end(_ method: ServerMethod) {
        if case .streaming = method.body { return }
        state.withLock { $0.calls -= 1 }
    }

    /// Counts bytes of requests that are being received; whether there is room for them.
    func receive(_ bytes: Int) -> Bool {
        state.withLock { state in
            guard bytes <= 0 || state.receivedBytes + bytes <= limits.receivedBytes else { return false }
            state.receivedBytes += bytes
            return true
        }
    }

    /// Keeps a connection; `false` if there are too many.
    func keep(_ connection: any Channel) -> Bool {
        state.withLock { state in
            if state.isDraining || state.connections.count >= limits.connections { return false }
            state.connections[ObjectIdentifier(connection)] = connection
            return true
        }
    }

    func forget(_ connection: any Channel) {
        state.withLock { _ = $0.connections.removeValue(forKey: ObjectIdentifier(connection)) }
    }

    /// Asks all connections to end, lets their calls finish, and closes the remaining connections after a while.
    package func drain() async {
        whenDraining()
        let (connections, following) = state.withLock { state in
            state.isDraining = true
            return (Array(state.connections.values), Array(state.following.values))
        }
        for call in following { call.end(GRPCStatus(.unavailable, "the server stops: subscribe again elsewhere")) }
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

/// Why a call is refused that was understood.
package enum CallRefusal: Error, CustomStringConvertible {
    case unauthenticated(String)
    case forbidden(String)
    case tooMany(String)
    case stopping

    package var description: String {
        switch self {
        case .unauthenticated(let reason), .forbidden(let reason), .tooMany(let reason): reason
        case .stopping: "the server stops: try again elsewhere"
        }
    }
}
