/// The address of an endpoint, checked character by character, so that no two readers of it disagree.
package struct WebhookURL: Hashable, Sendable, CustomStringConvertible {
    /// `https`, or `http` to this machine in tests.
    package let scheme: String
    /// A name in lower case without a final dot, or an IP address; of IPv6 without brackets.
    package let host: String
    package let port: Int
    /// The path and the query, which begin with a slash.
    package let target: String

    private static let longest = 2048

    /// Reads a URL.
    ///
    /// - Throws: ``WebhookRefusal``, which says what to write instead.
    package init(_ text: String, _ policy: AddressPolicy = AddressPolicy()) throws(WebhookRefusal) {
        guard text.utf8.count <= Self.longest, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            !text.utf8.contains(where: { #"\"<>^`{|}#"#.utf8.contains($0) })
        else {
            throw WebhookRefusal(
                "The URL has a character that is not plain ASCII, a fragment, or more than \(Self.longest) bytes. "
                    + "Percent-encode the path, and write an international name in its xn-- form.")
        }
        let parts = try Self.schemeAndRest(text, policy)
        scheme = parts.scheme
        let authority = parts.rest.prefix { $0 != "/" && $0 != "?" }
        let rest = parts.rest.dropFirst(authority.count)
        target = rest.hasPrefix("/") ? String(rest) : "/" + rest
        guard !authority.contains("@") else {
            throw WebhookRefusal("The URL has a user name before \"@\". Leave it out: it would be stored in the log.")
        }
        guard !target.lowercased().contains("access_token=") else {
            throw WebhookRefusal("The URL has an access_token. Leave it out: it would be stored in the log.")
        }
        let (host, port) = try Self.hostAndPort(authority)
        self.host = host
        self.port = port ?? (scheme == "https" ? 443 : 80)
        try policy.check(self)
    }

    /// The URL in its canonical form, without the default port.
    package var description: String {
        let isDefault = port == (scheme == "https" ? 443 : 80)
        return "\(scheme)://\(host.contains(":") ? "[\(host)]" : host)\(isDefault ? "" : ":\(port)")\(target)"
    }

    private static func schemeAndRest(
        _ text: String, _ policy: AddressPolicy
    ) throws(WebhookRefusal) -> (scheme: String, rest: Substring) {
        let scheme = text.prefix { $0 != ":" }.lowercased()
        let rest = text.dropFirst(scheme.count)
        guard scheme == "https" || scheme == "http" && policy.allowsLoopback, rest.hasPrefix("://") else {
            throw WebhookRefusal("The URL does not begin with https://. Webhooks are sent over TLS only.")
        }
        return (scheme, rest.dropFirst(3))
    }

    private static func hostAndPort(_ authority: Substring) throws(WebhookRefusal) -> (host: String, port: Int?) {
        let isIPv6 = authority.hasPrefix("[")
        let host = isIPv6 ? authority.dropFirst().prefix { $0 != "]" } : authority.prefix { $0 != ":" }
        let rest = authority.dropFirst(host.count + (isIPv6 ? 2 : 0))
        var port: Int?
        if rest.hasPrefix(":") {
            let digits = rest.dropFirst()
            guard !digits.isEmpty, digits.utf8.count <= 5, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
                throw WebhookRefusal("The URL has a port that is not a number.")
            }
            port = Int(digits)
        } else if !rest.isEmpty {
            throw WebhookRefusal("The URL has \"\(rest)\" after its host.")
        }
        var name = host.lowercased()
        if !isIPv6, name.hasSuffix(".") { name.removeLast() }
        let allowed = isIPv6 ? "0123456789abcdef:." : "abcdefghijklmnopqrstuvwxyz0123456789.-_"
        guard !name.isEmpty, name.utf8.count <= 253, name.utf8.allSatisfy(allowed.utf8.contains),
            isIPv6 || !name.split(separator: ".", omittingEmptySubsequences: false).contains(where: \.isEmpty),
            isIPv6 == name.contains(":")
        else {
            throw WebhookRefusal("The URL has no host name of letters, digits, dots and dashes, and no IP address.")
        }
        return (name, port)
    }
}

/// Where webhooks may be sent to.
package struct AddressPolicy: Sendable {
    /// The ports that an endpoint may have.
    package var ports: Set<Int>
    /// Host names of this system, so that it sends no webhook to itself. Those below them are refused too.
    package var ownHosts: Set<String>
    /// Further prefixes of NAT64, each of at least 12 bytes.
    package var nat64: [[UInt8]]
    /// Whether this machine is a target too, over HTTP and on any port. For tests.
    package var allowsLoopback: Bool

    package init(
        ports: Set<Int> = [443, 8443], ownHosts: Set<String> = [], nat64: [[UInt8]] = [], allowsLoopback: Bool = false
    ) {
        self.ports = ports
        self.ownHosts = ownHosts
        self.nat64 = nat64
        self.allowsLoopback = allowsLoopback
    }

    /// Checks what can be seen without asking the resolver.
    package func check(_ url: WebhookURL) throws(WebhookRefusal) {
        if allowsLoopback && (url.host == "127.0.0.1" || url.host == "localhost") { return }
        guard url.scheme == "https" else { throw WebhookRefusal("The URL does not begin with https://.") }
        guard ports.contains(url.port) else {
            let list = ports.sorted().map(String.init).joined(separator: ", ")
            throw WebhookRefusal("The URL has the port \(url.port). The allowed ports are \(list).")
        }
        for own in ownHosts.union(["localhost", "localhost.localdomain"]) {
            let own = own.lowercased()
            guard url.host != own, !url.host.hasSuffix("." + own) else {
                throw WebhookRefusal("The URL leads to \(own), which is this system. Webhooks go to other systems.")
            }
        }
    }

    /// Returns why no webhook is sent to an address, or `nil`.
    package func refusal(of address: IPAddress) -> String? {
        if allowsLoopback && address.isLoopback { return nil }
        return address.refusal(nat64: nat64)
    }

    /// Returns the address to connect to: the first of those that a name has. One that is refused refuses them all.
    package func chosen(of addresses: [IPAddress], for host: String) throws(WebhookRefusal) -> IPAddress {
        for address in addresses {
            if let reason = refusal(of: address) {
                throw WebhookRefusal("\(host) has the address \(address), where no webhook is sent: \(reason).")
            }
        }
        guard let first = addresses.first else { throw WebhookRefusal("\(host) has no address.") }
        return first
    }
}
