import Testing

@testable import SillokServer

@Suite("Where a server listens")
struct ExposureTests {
    @Test("addresses are parsed and classified")
    func addresses() {
        for text in ["127.0.0.1:8080", "localhost:0", "[::1]:1", "127.9.9.9:65535"] {
            #expect(ListeningAddress(text)?.isLoopback == true, "\(text)")
            #expect(ListeningAddress(text)?.description == text)
        }
        for text in ["0.0.0.0:8080", "[::]:8080", "example.org:1", "127.0.0.1.example.org:1", "127.0.0.256:1"] {
            #expect(ListeningAddress(text)?.isLoopback == false, "\(text)")
        }
        for text in ["", ":80", "a", "a:", "a:65536", "a:-1", "::1:80", "a:+1"] {
            #expect(ListeningAddress(text) == nil, "\(text)")
        }
    }

    @Test("other machines reach only what asks for proof and is protected, or was said to be insecure")
    func exposure() throws {
        let (here, everywhere) = (
            ListeningAddress(host: "127.0.0.1", port: 1), ListeningAddress(host: "0.0.0.0", port: 1)
        )
        for (proof, isProtected) in [(false, false), (true, false), (false, true), (true, true)] {
            #expect(
                try UnsafeExposure.check(here, asksForProof: proof, isProtected: isProtected, isInsecureAllowed: false)
                    == nil)
            let isSafe = proof && isProtected
            if isSafe {
                #expect(
                    try UnsafeExposure.check(
                        everywhere, asksForProof: true, isProtected: true, isInsecureAllowed: false) == nil)
            } else {
                #expect(throws: UnsafeExposure.self) {
                    try UnsafeExposure.check(
                        everywhere, asksForProof: proof, isProtected: isProtected, isInsecureAllowed: false)
                }
                let warning = try UnsafeExposure.check(
                    everywhere, asksForProof: proof, isProtected: isProtected, isInsecureAllowed: true)
                #expect(warning?.hasPrefix("INSECURE") == true)
            }
        }
    }
}
