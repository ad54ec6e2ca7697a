import JWTKit
import Sillok
import SillokCore
import SillokWire

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Checks JSON Web Tokens against public keys that it was given, and nothing else: it fetches nothing.
///
/// A token must be signed by one of a fixed list of algorithms, none of which works with a shared secret, and must name
/// the issuer, the audience, a subject and an end. Its claim `scope` has scopes, separated by spaces; `resources` is a
/// list of patterns, all of the log without it.
public struct TokenVerifier: Sendable {
    /// The algorithms that are taken. What a token says of itself never widens them.
    public static let algorithms: Set = ["EdDSA", "ES256", "ES384", "RS256", "PS256"]

    private let keys: JWTKeyCollection
    private let issuer: String
    private let audience: String

    /// A verifier of the tokens of one issuer.
    ///
    /// - Parameters:
    ///   - keySet: a JSON Web Key Set (RFC 7517) with the issuer's public keys, each with a `kid`.
    ///   - issuer: what `iss` must be.
    ///   - audience: what `aud` must have.
    /// - Throws: an error that says what is wrong with the key set.
    public init(keySet: String, issuer: String, audience: String) async throws {
        keys = JWTKeyCollection()
        try await keys.add(jwksJSON: keySet)
        self.issuer = issuer
        self.audience = audience
    }

    /// Whom a token proves; `nil` if it proves nobody.
    func principal(of token: String) async -> Principal? {
        guard token.utf8.count <= 8192, let algorithm = Self.algorithm(of: token), Self.algorithms.contains(algorithm)
        else { return nil }
        guard let claims = try? await keys.verify(token, as: Claims.self) else { return nil }
        guard claims.iss.value.hasSameBytes(as: issuer),
            claims.aud.value.contains(where: { $0.hasSameBytes(as: audience) })
        else { return nil }
        let scopes = (claims.scope ?? "").split(separator: " ").compactMap { Scope(rawValue: String($0)) }
        let end = claims.exp.value.timeIntervalSince1970 * 1_000_000
        return Principal(
            claims.sub.value,
            Grant(Set(scopes), on: claims.resources?.map { ResourcePattern($0) } ?? [.all]),
            expires: Int64(exactly: end.rounded()).map { Timestamp(microsecondsSince1970: $0) }
                ?? Timestamp(microsecondsSince1970: 0))
    }

    /// The algorithm that a token says it was signed with.
    private static func algorithm(of token: String) -> String? {
        guard let header = token.split(separator: ".", omittingEmptySubsequences: false).first else { return nil }
        var text = header.replacing("-", with: "+").replacing("_", with: "/")
        text += String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        guard let bytes = Base64.bytes(of: String(text)), let reader = try? JSONReader(bytes) else { return nil }
        return reader.root.members?.first { $0.key == "alg" }?.value.string
    }

    private struct Claims: JWTPayload {
        let iss: IssuerClaim
        let sub: SubjectClaim
        let aud: AudienceClaim
        let exp: ExpirationClaim
        let nbf: NotBeforeClaim?
        let scope: String?
        let resources: [String]?

        func verify(using algorithm: some JWTAlgorithm) throws {
            try exp.verifyNotExpired()
            try nbf?.verifyNotBefore()
        }
    }
}
