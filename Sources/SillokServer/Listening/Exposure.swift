import NIOCore
import SillokSystem

/// The address at which a server listens.
public struct ListeningAddress: Hashable, Sendable, CustomStringConvertible {
    /// The name or the IP address of a network interface of this machine.
    public let host: String
    /// The port; 0 lets the system choose one.
    public let port: Int

    /// Creates an address from a host and a port.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Parses `127.0.0.1:8080`, `localhost:8080` or `[::1]:8080`; returns `nil` for any other text.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard digits.allSatisfy({ $0.isASCII && $0.isNumber }), let port = UInt16(digits) else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self.init(host: String(host), port: Int(port))
    }

    /// The host and the port, in the form that `init(_:)` parses.
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Whether only this machine can reach it.
    public var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}

/// A server cannot listen at its address.
public struct ListeningFailure: Error, CustomStringConvertible {
    /// The address that the server cannot use.
    public let address: ListeningAddress
    /// The error code of the system, a value of `errno`.
    public let code: Int32

    /// What happened and what to do next, in a sentence.
    public var description: String {
        switch code {
        case EADDRINUSE: "\(address) is in use by another process. Stop it, or listen at another address."
        case EACCES, EPERM: "this process may not listen at \(address). Ports below 1024 need a special permission."
        case EADDRNOTAVAIL: "\(address) is not an address of this machine."
        default: "the server cannot listen at \(address): \(String(cString: strerror(code)))."
        }
    }

    /// Runs `body`, and adds the address to an error of the system.
    static func naming<Result>(_ address: ListeningAddress, _ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as IOError where [EADDRINUSE, EACCES, EPERM, EADDRNOTAVAIL].contains(error.errnoCode) {
            throw ListeningFailure(address: address, code: error.errnoCode)
        }
    }
}

/// A server would be reachable from other machines without authentication or encryption.
public struct UnsafeExposure: Error, Hashable, CustomStringConvertible {
    /// What happened and what to do next, in a sentence.
    public let description: String

    /// Throws if a server may not listen at an address. A server that other machines can reach must require credentials
    /// and encrypt its connections.
    ///
    /// - Parameters:
    ///   - address: the address of the server.
    ///   - asksForProof: whether every caller needs a key or a token.
    ///   - isProtected: whether connections use TLS.
    ///   - isInsecureAllowed: whether the operator allows an unsafe server.
    /// - Returns: a warning to print, if the server is unsafe and allowed.
    public static func check(
        _ address: ListeningAddress, asksForProof: Bool, isProtected: Bool, isInsecureAllowed: Bool
    ) throws(UnsafeExposure) -> String? {
        if address.isLoopback || (asksForProof && isProtected) { return nil }
        var missing: [String] = []
        if !asksForProof { missing.append("--auth keys") }
        if !isProtected { missing.append("--tls-certificate and --tls-key") }
        let what = asksForProof ? "read its traffic" : "read and write everything"
        guard isInsecureAllowed else {
            throw UnsafeExposure(
                description: "at \(address) other machines could \(what). Give \(missing.joined(separator: " and ")), "
                    + "listen at 127.0.0.1, or give --insecure to allow it.")
        }
        return "INSECURE: anyone who reaches \(address) can \(what). Missing: \(missing.joined(separator: " and "))."
    }
}
