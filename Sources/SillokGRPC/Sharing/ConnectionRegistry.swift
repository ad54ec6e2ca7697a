package import NIOCore
import SillokCore

/// The open connections of a server with their channels. Safe to use from any thread.
package final class ConnectionRegistry: Sendable {
    private struct State {
        var table: ConnectionTable<ObjectIdentifier>
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isClosed = false
    }

    private let state: Lock<State>

    package init(limit: Int) { state = Lock(State(table: ConnectionTable(limit: limit))) }

    /// Takes a new connection in until it is closed, if need be by closing another.
    ///
    /// - Returns: `false` if there is no place for it.
    package func open(_ channel: any Channel) -> Bool {
        let address = CallerAddress.owner(channel.remoteAddress)
        let (isTaken, replaced) = state.withLock { state -> (Bool, (any Channel)?) in
            if state.isClosed { return (false, nil) }
            switch state.table.open(ObjectIdentifier(channel), from: address) {
            case .refused: return (false, nil)
            case .taken:
                state.channels[ObjectIdentifier(channel)] = channel
                return (true, nil)
            case .replacing(let id):
                state.channels[ObjectIdentifier(channel)] = channel
                return (true, state.channels.removeValue(forKey: id))
            }
        }
        replaced?.close(promise: nil)
        // The channel is kept until then, so that no other one has its identifier.
        if isTaken { channel.closeFuture.whenComplete { _ in self.forget(channel) } }
        return isTaken
    }

    /// A request of a connection begins.
    ///
    /// - Returns: who the connection belongs to, and whether it has proved that; `nil` if it is closed.
    @discardableResult
    package func begin(on channel: any Channel) -> (owner: String, isProved: Bool)? {
        state.withLock { $0.table.begin(ObjectIdentifier(channel)) }
    }

    /// A request of a connection has ended.
    package func end(on channel: any Channel) { state.withLock { $0.table.end(ObjectIdentifier(channel)) } }

    /// A request of a connection has proved its principal.
    package func prove(_ owner: String, on channel: any Channel) {
        state.withLock { $0.table.prove(ObjectIdentifier(channel), owner) }
    }

    /// Who a connection belongs to: the principal that it has proved, or its address.
    package func owner(of channel: any Channel) -> String {
        state.withLock { $0.table.owner(of: ObjectIdentifier(channel)) }
            ?? CallerAddress.owner(channel.remoteAddress)
    }

    /// Takes no further connection, and returns those that are open.
    func close() -> [any Channel] {
        state.withLock { state in
            state.isClosed = true
            return Array(state.channels.values)
        }
    }

    private func forget(_ channel: any Channel) {
        state.withLock { state in
            state.table.close(ObjectIdentifier(channel))
            _ = state.channels.removeValue(forKey: ObjectIdentifier(channel))
        }
    }
}

/// The name by which callers are counted that prove nothing.
package enum CallerAddress {
    /// The name of an address. For IPv6 it is the network of 64 bits, for a caller has all addresses of it.
    package static func owner(_ address: SocketAddress?) -> String {
        guard let address else { return "an unknown address" }
        guard case .v6 = address else { return "address \(address.ipAddress ?? "\(address)")" }
        // A `sockaddr_in6`: the family, the port and the flow are before the 16 bytes of the address.
        let bytes = address.withSockAddr { pointer, size in
            Array(UnsafeRawBufferPointer(start: UnsafeRawPointer(pointer), count: size).dropFirst(8).prefix(16))
        }
        guard bytes.count == 16 else { return "an unknown address" }
        // An address of IPv4 in the form of IPv6.
        if bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10..<12].allSatisfy({ $0 == 0xFF }) {
            return "address " + bytes[12...].map { "\($0)" }.joined(separator: ".")
        }
        let network = stride(from: 0, to: 8, by: 2).map {
            String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16)
        }
        return "address " + network.joined(separator: ":") + "::/64"
    }

    /// The name of an address in words.
    package static func owner(_ text: String?) -> String {
        if let name = last.withLock({ $0.text == text ? $0.name : nil }) { return name }
        let name = owner(text.flatMap { try? SocketAddress(ipAddress: $0, port: 0) })
        last.withLock { $0 = (text, name) }
        return name
    }

    /// The last name in words: most calls come from the address of the call before.
    private static let last = Lock((text: String?.none, name: "an unknown address"))
}
