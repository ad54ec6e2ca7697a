import NIOPosix
import SillokWebhookOperations

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What gives the addresses of a host name, of both versions of IP.
struct HostResolver: Sendable {
    private let resolve: @Sendable (String) async throws -> [IPAddress]

    init(_ resolve: @escaping @Sendable (String) async throws -> [IPAddress]) { self.resolve = resolve }

    /// Returns all addresses of a host.
    func addresses(of host: String) async throws -> [IPAddress] { try await resolve(host) }

    /// The resolver of the system, on a thread that may block. It reads spellings such as `127.1` as addresses.
    static let system = HostResolver { host in
        try await NIOThreadPool.singleton.runIfActive { try blocking(host) }
    }

    private static func blocking(_ host: String) throws(WebhookRefusal) -> [IPAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        #if canImport(Glibc)
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
        hints.ai_socktype = SOCK_STREAM
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        guard status == 0 else {
            throw WebhookRefusal("\(host) cannot be resolved: \(String(cString: gai_strerror(status))).")
        }
        defer { freeaddrinfo(list) }
        var addresses: [IPAddress] = []
        var next = list
        while let info = next?.pointee {
            if let address = IPAddress(info), !addresses.contains(address) { addresses.append(address) }
            next = info.ai_next
        }
        return addresses
    }
}

extension IPAddress {
    fileprivate init?(_ info: addrinfo) {
        guard let address = info.ai_addr else { return nil }
        let bytes = UnsafeRawBufferPointer(start: address, count: Int(info.ai_addrlen))
        // The address begins after family and port, in IPv6 also after the flow.
        switch info.ai_family {
        case AF_INET where bytes.count >= 8: self.init(bytes: bytes[4..<8])
        case AF_INET6 where bytes.count >= 24: self.init(bytes: bytes[8..<24])
        default: return nil
        }
    }
}
