import SillokSystem

/// An IP address as bytes: how it is judged, and how a connection names it.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// 4 bytes, or 16.
    package let bytes: [UInt8]

    /// Creates an address of 4 or 16 bytes; `nil` for any other number.
    package init?(bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
        guard self.bytes.count == 4 || self.bytes.count == 16 else { return nil }
    }

    private init(v4 bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    /// The form that every system reads: four decimal numbers, or eight groups of hexadecimal digits.
    package var description: String {
        if bytes.count == 4 { return bytes.map(String.init).joined(separator: ".") }
        return stride(from: 0, to: 16, by: 2).map { String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16) }
            .joined(separator: ":")
    }

    /// Returns why no webhook is sent to the address, or `nil` if it is public.
    ///
    /// - Parameter nat64: prefixes of 96 bits by which the network of this program reaches IPv4, in addition to
    ///   64:ff9b::/96.
    package func refusal(nat64: [[UInt8]] = []) -> String? {
        if bytes.count == 4 { return Self.refusal(ofV4: bytes) }
        if let inner = inner(nat64), let reason = Self.refusal(ofV4: inner.bytes) {
            return "it holds the IPv4 address \(inner): \(reason)"
        }
        if inner(nat64) != nil { return nil }
        guard Prefix.global.contains(bytes) else { return "it is not a global IPv6 address" }
        return Prefix.refusedV6.first { $0.prefix.contains(bytes) }?.reason
    }

    /// Whether it is the address of this machine, also in an IPv6 form of IPv4.
    package var isLoopback: Bool {
        if bytes.count == 4 { return bytes[0] == 127 }
        return bytes == [UInt8](repeating: 0, count: 15) + [1]
            || bytes.prefix(12) == Prefix.mapped.bytes.prefix(12) && bytes[12] == 127
    }

    /// The IPv4 address in a mapped, a compatible or a NAT64 address.
    private func inner(_ nat64: [[UInt8]]) -> IPAddress? {
        let prefixes = [Prefix.mapped.bytes, Prefix.compatible.bytes, Prefix.nat64.bytes] + nat64
        return prefixes.contains { bytes.prefix(12).elementsEqual($0.prefix(12)) }
            ? IPAddress(v4: bytes.suffix(4)) : nil
    }

    private static func refusal(ofV4 bytes: [UInt8]) -> String? {
        Prefix.refusedV4.first { $0.prefix.contains(bytes) }?.reason
    }
}

extension IPAddress {
    /// Reads the form of four decimal numbers, or that of IPv6; `nil` for any other text.
    package init?(text: String) {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 {
            self.init(bytes: bytes.prefix(4))
        } else if inet_pton(AF_INET6, text, &bytes) == 1 {
            self.init(bytes: bytes)
        } else {
            return nil
        }
    }
}

/// A range of addresses: the first bits of them.
private struct Prefix: Sendable {
    let bytes: [UInt8]
    let bits: Int

    init(_ bytes: [UInt8], _ bits: Int, of length: Int = 4) {
        self.bytes = bytes + [UInt8](repeating: 0, count: max(0, length - bytes.count))
        self.bits = bits
    }

    func contains(_ address: [UInt8]) -> Bool {
        guard address.count == bytes.count else { return false }
        for index in bytes.indices {
            let left = bits - index * 8
            if left <= 0 { return true }
            let mask: UInt8 = left >= 8 ? 0xFF : ~(0xFF >> UInt8(left))
            if bytes[index] & mask != address[index] & mask { return false }
        }
        return true
    }

    static let mapped = Prefix([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], 96, of: 16)
    static let compatible = Prefix([], 96, of: 16)
    static let nat64 = Prefix([0, 0x64, 0xFF, 0x9B], 96, of: 16)
    static let global = Prefix([0x20], 3, of: 16)

    static let refusedV4: [(prefix: Prefix, reason: String)] = [
        (Prefix([0], 8), "0.0.0.0/8 means this network"), (Prefix([10], 8), "10.0.0.0/8 is private"),
        (Prefix([100, 64], 10), "100.64.0.0/10 is shared by a carrier"), (Prefix([127], 8), "it is this machine"),
        (Prefix([169, 254], 16), "169.254.0.0/16 is local to a link, and has metadata services"),
        (Prefix([172, 16], 12), "172.16.0.0/12 is private"), (Prefix([192, 0, 0], 24), "192.0.0.0/24 is reserved"),
        (Prefix([192, 0, 2], 24), "192.0.2.0/24 is for documentation"),
        (Prefix([192, 88, 99], 24), "192.88.99.0/24 was a relay of 6to4"),
        (Prefix([192, 168], 16), "192.168.0.0/16 is private"),
        (Prefix([198, 18], 15), "198.18.0.0/15 is for benchmarks"),
        (Prefix([198, 51, 100], 24), "198.51.100.0/24 is for documentation"),
        (Prefix([203, 0, 113], 24), "203.0.113.0/24 is for documentation"), (Prefix([224], 4), "it is multicast"),
        (Prefix([240], 4), "240.0.0.0/4 is reserved"),
        (Prefix([168, 63, 129, 16], 32), "168.63.129.16 is a service of the host on Azure"),
    ]

    static let refusedV6: [(prefix: Prefix, reason: String)] = [
        (Prefix([0x20, 0x01], 23, of: 16), "2001::/23 is for protocols, such as Teredo"),
        (Prefix([0x20, 0x01, 0x0D, 0xB8], 32, of: 16), "2001:db8::/32 is for documentation"),
        (Prefix([0x20, 0x02], 16, of: 16), "2002::/16 is 6to4, which leads to an IPv4 address"),
        (Prefix([0x3F, 0xFF], 20, of: 16), "3fff::/20 is for documentation"),
    ]
}
