import CSillok
import Crypto
import Testing

/// The digest of the hash chain is SHA-256, with and without the processor's instructions.
@Suite("SHA-256")
struct SHA256Tests {
    private static func digest(
        of bytes: some Collection<UInt8>, by function: (UnsafeRawPointer?, Int, UnsafeMutablePointer<UInt8>?) -> Void
    ) -> [UInt8] {
        let bytes = Array(bytes)
        return [UInt8](unsafeUninitializedCapacity: 32) { digest, count in
            bytes.withUnsafeBytes { function($0.baseAddress, $0.count, digest.baseAddress) }
            count = 32
        }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test("the examples of FIPS 180-4")
    func standard() {
        let texts = [
            "": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq":
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ]
        for (text, expected) in texts {
            #expect(Self.hexadecimal(Self.digest(of: text.utf8, by: sillok_sha256)) == expected)
            #expect(Self.hexadecimal(Self.digest(of: text.utf8, by: sillok_sha256_portable)) == expected)
        }
    }

    @Test("every length up to five blocks, and random lengths, give the digest of swift-crypto")
    func lengths() {
        var random = SystemRandomNumberGenerator()
        let lengths = Array(0...320) + (0..<50).map { _ in Int.random(in: 321...100_000, using: &random) }
        for length in lengths {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            let expected = Array(SHA256.hash(data: bytes))
            #expect(Self.digest(of: bytes, by: sillok_sha256) == expected, "\(length) bytes")
            #expect(Self.digest(of: bytes, by: sillok_sha256_portable) == expected, "\(length) bytes, portable")
        }
    }

    @Test("two messages that are hashed together have the digests that they have alone")
    func pairs() {
        var random = SystemRandomNumberGenerator()
        for length in 0...320 {
            for other in [length, max(0, length - 1), length + 1, Int.random(in: 0...320, using: &random)] {
                let (first, second) = (bytes(length, &random), bytes(other, &random))
                var (one, two) = ([UInt8](repeating: 0, count: 32), [UInt8](repeating: 0, count: 32))
                sillok_sha256_two(first, first.count, &one, second, second.count, &two)
                #expect(one == Self.digest(of: first, by: sillok_sha256_portable), "\(length) and \(other) bytes")
                #expect(two == Self.digest(of: second, by: sillok_sha256_portable), "\(length) and \(other) bytes")
            }
        }
    }

    private func bytes(_ count: Int, _ random: inout SystemRandomNumberGenerator) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }
}
