import JWTKit
import SillokCore
import SillokJSON

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A verifier of JSON Web Tokens against given public keys. It never fetches keys from the network.
///
/// A token must be signed with one of a fixed list of algorithms; none of them uses a shared secret. It must have an
/// issuer, an audience, a subject and an expiry time. Its claim `scope` contains scopes, separated by spaces. Its claim
/// `resources` is a list of patterns; without it the token covers the whole log.
public struct TokenVerifier: Sendable {
    /// The accepted algorithms. The header of a token cannot add others.
    public static let algorithms: Set = ["EdDSA", "ES256", "ES384", "RS256", "PS256"]

    private let keys: JWTKeyCollection
    private let issuer: String
    private let audience: String

    /// Creates a verifier of the tokens of one issuer.
    ///
    /// - Parameters:
    ///   - keySet: a JSON Web Key Set (RFC 7517) with the issuer's public keys, each with a `kid`.
    ///   - issuer: the required value of `iss`.
    ///   - audience: a value that `aud` must contain.
    /// - Throws: an error that describes what is wrong with the key set.
    public init(keySet: String, issuer: String, audience: String) async throws {
        keys = JWTKeyCollection()
        try await keys.add(jwksJSON: keySet)
        self.issuer = issuer
        self.audience = audience
    }

    /// Returns the principal of a token, or `nil` if the token is not valid.
    package func principal(of token: String) async -> Principal? {
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

    /// Returns the algorithm in the header of a token.
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
