import SillokCore
import SillokTesting
import Testing

@testable import SillokWebhooks

/// An IPv4 address that no webhook may reach, in the spellings that systems read as it.
private struct Target {
    let bytes: [UInt8]

    init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) { bytes = [a, b, c, d] }

    static let all = [
        Target(127, 0, 0, 1), Target(10, 0, 0, 1), Target(172, 16, 5, 4), Target(192, 168, 1, 1),
        Target(169, 254, 169, 254), Target(100, 100, 100, 200), Target(0, 0, 0, 0), Target(192, 0, 2, 1),
        Target(224, 0, 0, 1), Target(168, 63, 129, 16),
    ]

    var dotted: String { bytes.map(String.init).joined(separator: ".") }
    var number: UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }

    private func hex(_ values: some Sequence<UInt8>) -> String {
        values.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private var groups: String { hex(bytes.prefix(2)) + ":" + hex(bytes.suffix(2)) }

    /// The kind of a spelling and the host in a URL.
    var hosts: [(kind: String, host: String)] {
        let low24 = number & 0xFF_FFFF
        return [
            ("dotted", dotted), ("final dot", dotted + "."), ("one number", "\(number)"),
            ("one hexadecimal number", "0x" + String(number, radix: 16)),
            ("one hexadecimal number in capitals", "0X" + String(number, radix: 16).uppercased()),
            ("one octal number", "0" + String(number, radix: 8)),
            ("octal parts", bytes.map { "0" + String($0, radix: 8) }.joined(separator: ".")),
            ("octal parts with zeros", bytes.map { "000" + String($0, radix: 8) }.joined(separator: ".")),
            ("hexadecimal parts", bytes.map { "0x" + String($0, radix: 16) }.joined(separator: ".")),
            ("two parts", "\(bytes[0]).\(low24)"), ("three parts", "\(bytes[0]).\(bytes[1]).\(number & 0xFFFF)"),
            ("mixed parts", "0x\(String(bytes[0], radix: 16)).0\(String(bytes[1], radix: 8)).\(number & 0xFFFF)"),
            ("mapped, dotted", "[::ffff:\(dotted)]"), ("mapped, groups", "[::FFFF:\(groups)]"),
            ("mapped, in full", "[0:0:0:0:0:ffff:\(groups)]"), ("compatible", "[::\(dotted)]"),
            ("NAT64, dotted", "[64:ff9b::\(dotted)]"), ("NAT64, groups", "[0064:ff9b:0::\(groups)]"),
            ("6to4", "[2002:\(groups)::1]"), ("NAT64 of a network", "[64:ff9b:1::\(groups)]"),
            ("Teredo", "[2001:0:\(groups)::]"), ("translated", "[::ffff:0:\(groups)]"),
        ]
    }
}

@Suite("webhook addresses")
struct AddressTests {
    /// Names and their addresses; what is not listed is read by the system, without a network.
    private static let names = [
        "inner.example": ["10.1.2.3"], "mapped.example": ["::ffff:10.1.2.3"], "both.example": ["8.8.8.8", "10.1.2.3"],
        "six.example": ["2606:4700::1111", "fd00::1"], "only6.example": ["::1"], "meta.example": ["169.254.169.254"],
        "public.example": ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"], "xn--bcher-kva.example": ["9.9.9.9"],
        "nat.example": ["64:ff9b::808:808"], "empty.example": [],
    ]

    private let resolver = HostResolver { host in
        guard let texts = AddressTests.names[host] else { return try await HostResolver.system.addresses(of: host) }
        return texts.compactMap { IPAddress(text: $0) }
    }

    /// Checks a URL as registration and sending do; returns the address that is connected to.
    private func address(of url: String, _ policy: AddressPolicy = AddressPolicy()) async throws -> IPAddress {
        let url = try WebhookURL(url, policy)
        return try policy.chosen(of: try await resolver.addresses(of: url.host), for: url.host)
    }

    @Test("PRC-30: 200 spellings of 10 targets, of 20 kinds, are refused")
    func spellings() async throws {
        var (kinds, count) = (Set<String>(), 0)
        for target in Target.all {
            for (kind, host) in target.hosts {
                await #expect(throws: WebhookRefusal.self, "\(kind): \(host)") {
                    let address = try await address(of: "https://\(host)/hook")
                    Issue.record("\(kind) \(host) leads to \(address)")
                }
                kinds.insert(kind)
                count += 1
            }
        }
        #expect(count >= 200 && kinds.count >= 15)
        print("PRC-30: \(count) spellings of \(kinds.count) kinds were refused")
    }

    @Test(
        "PRC-30: other targets are refused: names, ranges, schemes, ports, users, zones and odd characters",
        arguments: [
            "https://localhost/", "https://LOCALHOST./", "https://a.localhost/", "https://localhost.localdomain/",
            "https://inner.example/", "https://mapped.example/", "https://both.example/", "https://six.example/",
            "https://only6.example/", "https://meta.example/", "https://empty.example/", "https://own.example/",
            "https://api.own.example/", "https://[::1]/", "https://[::]/", "https://[fc00::1]/",
            "https://[fd00:ec2::254]/", "https://[fe80::1]/", "https://[febf::1]/", "https://[fe80::1%25eth0]/",
            "https://[fe80::1%eth0]/", "https://[fec0::1]/", "https://[ff02::1]/", "https://[100::1]/",
            "https://[2001:db8::1]/", "https://[3fff::1]/", "https://[2001:2::1]/", "https://[5f00::1]/",
            "https://255.255.255.255/", "https://240.0.0.1/", "https://198.18.0.1/", "https://198.19.255.255/",
            "https://203.0.113.9/", "https://192.88.99.1/", "https://100.64.0.1/", "https://100.127.255.255/",
            "https://172.31.255.255/", "http://public.example/", "ftp://public.example/", "https:/public.example/",
            "//public.example/", "public.example", "javascript:alert(1)", "file:///etc/passwd", "https://",
            "https://:443/", "https:///x", "https://public.example:22/", "https://public.example:80/",
            "https://public.example:0/", "https://public.example:65536/", "https://public.example:443x/",
            "https://public.example:/", "https://ada@public.example/", "https://ada:pw@public.example/",
            "https://public.example@10.0.0.1/", "https://public.example\\@10.0.0.1/", "https://public.example#@x/",
            "https://public.example/#x", "https://public.example/a b", "https://public.example/\n",
            "https://public.example /", "https://büch.example/", "https://１２７.0.0.1/", "https://127。0。0。1/",
            "https://public..example/", "https://.public.example/", "https://%31%32%37.0.0.1/", "https://[127.0.0.1]/",
            "https://[::1/", "https://::1/", "https://[::1]x/", "https://public.example/?access_token=abc",
            "https://public.example/?q=1&ACCESS_TOKEN=abc",
        ])
    func others(_ url: String) async throws {
        var policy = AddressPolicy()
        policy.ownHosts = ["own.example"]
        await #expect(throws: WebhookRefusal.self) { _ = try await address(of: url, policy) }
    }

    @Test(
        "PRC-30: public forms are accepted, and are written in one form",
        arguments: [
            ("https://public.example", "https://public.example/"),
            ("https://public.example/", "https://public.example/"),
            ("HTTPS://Public.Example./Hook", "https://public.example/Hook"),
            ("https://public.example:443/a", "https://public.example/a"),
            ("https://public.example:8443/a", "https://public.example:8443/a"),
            ("https://public.example/a?b=c&d=e", "https://public.example/a?b=c&d=e"),
            ("https://public.example?b=c", "https://public.example/?b=c"),
            ("https://public.example/%7Eada", "https://public.example/%7Eada"),
            ("https://public.example/@ada:1", "https://public.example/@ada:1"),
            ("https://public.example/a//b/../c", "https://public.example/a//b/../c"),
            ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
            ("https://8.8.8.8/", "https://8.8.8.8/"),
            ("https://1.1.1.1:8443/x", "https://1.1.1.1:8443/x"), ("https://172.32.0.1/", "https://172.32.0.1/"),
            ("https://100.128.0.1/", "https://100.128.0.1/"), ("https://192.0.1.1/", "https://192.0.1.1/"),
            ("https://198.20.0.1/", "https://198.20.0.1/"), ("https://223.255.255.255/", "https://223.255.255.255/"),
            ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
            ("https://[2A00:1450:4001::200E]:8443/", "https://[2a00:1450:4001::200e]:8443/"),
            ("https://[::ffff:8.8.8.8]/", "https://[::ffff:8.8.8.8]/"),
            ("https://nat.example/", "https://nat.example/"),
            ("https://168.63.129.17/", "https://168.63.129.17/"),
        ])
    func accepted(_ url: String, _ canonical: String) async throws {
        _ = try await address(of: url)
        let read = try WebhookURL(url)
        #expect(read.description == canonical)
        #expect(try WebhookURL(canonical) == read)
    }

    @Test("every IPv4 address in an IPv6 form is judged as the IPv4 address, for random addresses")
    func forms() throws {
        var random = SeededGenerator(seed: Environment.seed)
        var public4 = 0
        for _ in 0..<5000 {
            let bytes = (0..<4).map { _ in UInt8.random(in: 0...255, using: &random) }
            let plain = try #require(IPAddress(bytes: bytes))
            if plain.refusal() == nil { public4 += 1 }
            #expect(IPAddress(text: plain.description) == plain)
            let prefixes: [[UInt8]] = [
                [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], [UInt8](repeating: 0, count: 12),
                [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0],
            ]
            for prefix in prefixes {
                let wrapped = try #require(IPAddress(bytes: prefix + bytes))
                #expect((wrapped.refusal() == nil) == (plain.refusal() == nil), "\(wrapped)")
                #expect(IPAddress(text: wrapped.description) == wrapped)
            }
            // A prefix of the own network is known by configuration only.
            let own: [UInt8] = [0x20, 0x01, 0x0B, 0xAD, 0, 0, 0, 0, 0, 0, 0, 0]
            let wrapped = try #require(IPAddress(bytes: own + bytes))
            #expect(wrapped.refusal() == nil)
            #expect((wrapped.refusal(nat64: [own]) == nil) == (plain.refusal() == nil))
        }
        #expect(public4 > 3000)
        #expect(IPAddress(bytes: [1, 2, 3]) == nil && IPAddress(text: "1.2.3") == nil && IPAddress(text: "x") == nil)
    }
}
