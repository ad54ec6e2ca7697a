/// The address of a server: `sillok://host:port` for plain text, `https://host:port` for TLS.
public struct ServerAddress: Hashable, Sendable, LosslessStringConvertible {
    /// The name or address of the machine.
    public var host: String

    /// The port.
    public var port: Int

    /// Whether the connection is encrypted.
    public var isEncrypted: Bool

    /// The default port of a server.
    public static let defaultPort = 50051

    /// Creates an address, by default with the default port and without encryption.
    public init(host: String, port: Int = ServerAddress.defaultPort, isEncrypted: Bool = false) {
        self.host = host
        self.port = port
        self.isEncrypted = isEncrypted
    }

    /// Parses the text form; returns `nil` for any other text. The port is optional: 50051, or 443 with `https`.
    public init?(_ description: String) {
        let rest: Substring
        if description.hasPrefix("sillok://") {
            (isEncrypted, port, rest) = (false, Self.defaultPort, description.dropFirst(9))
        } else if description.hasPrefix("https://") {
            (isEncrypted, port, rest) = (true, 443, description.dropFirst(8))
        } else {
            return nil
        }
        var host = rest.hasSuffix("/") ? rest.dropLast() : rest
        if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") {
            guard let given = UInt16(host[host.index(after: colon)...]) else { return nil }
            (port, host) = (Int(given), host[..<colon])
        }
        if host.hasPrefix("[") && host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, !host.contains("/"), !host.contains("@") else { return nil }
        self.host = String(host)
    }

    /// The text form.
    public var description: String {
        "\(isEncrypted ? "https" : "sillok")://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }
}
