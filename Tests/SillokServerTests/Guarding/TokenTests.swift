import Foundation
import JWTKit
import Sillok
import SillokCore
import Testing

@testable import SillokServer

@Suite("JSON Web Tokens")
struct TokenTests {
    private struct Claims: JWTPayload {
        var iss: IssuerClaim = .init(value: "https://issuer.example")
        var sub: SubjectClaim = .init(value: "ada")
        var aud: AudienceClaim = .init(value: ["sillok"])
        var exp: ExpirationClaim = .init(value: Date(timeIntervalSinceNow: 600))
        var scope: String? = "read append nonsense"
        var resources: [String]? = ["account-*"]
        func verify(using algorithm: some JWTAlgorithm) throws {}
    }

    private let key = ES256PrivateKey()
    private let signer = JWTKeyCollection()
    private let verifier: TokenVerifier

    init() async throws {
        await signer.add(ecdsa: key, kid: "one")
        let point = try #require(key.parameters)
        let set =
            #"{"keys":[{"kty":"EC","crv":"P-256","kid":"one","alg":"ES256","x":"\#(point.x)","y":"\#(point.y)"}]}"#
        verifier = try await TokenVerifier(keySet: set, issuer: "https://issuer.example", audience: "sillok")
    }

    private func principal(_ change: (inout Claims) -> Void = { _ in }) async throws -> Principal? {
        var claims = Claims()
        change(&claims)
        return await verifier.principal(of: try await signer.sign(claims, kid: "one"))
    }

    @Test("a token of the issuer proves its subject, with the scopes that there are")
    func valid() async throws {
        let principal = try #require(try await principal())
        #expect(
            principal.name == "ada" && principal.grant == Grant([.read, .append], on: [ResourcePattern("account-*")]))
        #expect(principal.expires != nil)
    }

    @Test("a token of another issuer, for another audience, or that has expired, is refused")
    func invalid() async throws {
        #expect(try await principal { $0.iss = .init(value: "https://other.example") } == nil)
        #expect(try await principal { $0.aud = .init(value: ["other"]) } == nil)
        #expect(try await principal { $0.exp = .init(value: Date(timeIntervalSinceNow: -1)) } == nil)
        #expect(try await principal { $0.scope = nil }?.grant.scopes == [])
        let stranger = JWTKeyCollection()
        await stranger.add(ecdsa: ES256PrivateKey(), kid: "one")
        #expect(await verifier.principal(of: try await stranger.sign(Claims(), kid: "one")) == nil)
    }

    @Test("only our algorithms are accepted, also if the token names another one")
    func algorithms() async throws {
        let good = try await signer.sign(Claims(), kid: "one").split(separator: ".").map(String.init)
        for header in [#"{"alg":"none"}"#, #"{"alg":"HS256","kid":"one"}"#, #"{"alg":"es256","kid":"one"}"#, "{}", "x"]
        {
            let encoded = Data(header.utf8).base64EncodedString().replacing("=", with: "")
            for signature in [good[2], ""] {
                #expect(await verifier.principal(of: "\(encoded).\(good[1]).\(signature)") == nil, "\(header)")
            }
        }
        // A secret that is the public key's own text: the classical confusion.
        let confused = JWTKeyCollection()
        await confused.add(hmac: .init(from: try #require(key.parameters).x), digestAlgorithm: .sha256, kid: "one")
        #expect(await verifier.principal(of: try await confused.sign(Claims(), kid: "one")) == nil)
        for text in ["", ".", "..", "a.b.c", String(repeating: "a", count: 10_000)] {
            #expect(await verifier.principal(of: text) == nil)
        }
    }
}
