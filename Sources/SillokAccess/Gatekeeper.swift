public import SillokCore

/// The access control of a server: it authenticates callers and authorizes their operations.
///
/// One gatekeeper serves both HTTP and gRPC.
public final class Gatekeeper: Sendable {
    /// The reason why a caller is rejected.
    public enum Refusal: Error, Hashable, Sendable {
        /// The caller has no valid credentials: they are missing, wrong, expired or revoked.
        case unproved
        /// The caller is authenticated and may not execute the operation.
        case forbidden(String)
    }

    /// The keys; `nil` if callers need no credentials.
    public let keyring: Keyring?

    package let sessions: Sessions
    private let tokens: TokenVerifier?
    private let clock: WallClock

    /// The principal of all callers if no proof is required.
    package let anybody: Principal

    /// A gatekeeper that allows every operation without credentials: to append events, operate projections and start
    /// backups. Only an append to reserved categories is refused, see ``ResourcePattern``.
    ///
    /// Use it for loopback and tests. Elsewhere put your own access control in front of it, or use ``open(for:)``.
    public static var open: Gatekeeper { open(for: .everything) }

    /// Returns a gatekeeper that allows every caller the operations of a grant, without credentials.
    /// `.open(for: Grant([.read, .subscribe]))` shows the log and accepts no events.
    public static func open(for grant: Grant) -> Gatekeeper {
        Gatekeeper(keyring: nil, tokens: nil, clock: .system, anybody: Principal("anybody", grant))
    }

    /// Creates a gatekeeper that requires a key or a token.
    ///
    /// - Parameters:
    ///   - keyring: the keys; with `nil` every caller may do everything without credentials, also if `tokens` is given.
    ///   - tokens: the verifier of JSON Web Tokens; with `nil` none are accepted.
    ///   - clock: the clock for expiry times.
    public convenience init(keyring: Keyring?, tokens: TokenVerifier? = nil, clock: WallClock = .system) {
        self.init(keyring: keyring, tokens: tokens, clock: clock, anybody: .anybody)
    }

    private init(keyring: Keyring?, tokens: TokenVerifier?, clock: WallClock, anybody: Principal) {
        self.anybody = anybody
        self.keyring = keyring
        self.tokens = tokens
        self.clock = clock
        sessions = Sessions(clock: clock)
    }

    /// Whether callers need no credentials.
    public var isOpen: Bool { keyring == nil }

    /// Authenticates the bearer of a key or a token.
    ///
    /// - Throws: ``Refusal/unproved``.
    public func principal(bearing text: String?) async throws -> Principal {
        guard let keyring else { return anybody }
        guard let text else { throw Refusal.unproved }
        if let key = keyring.key(provedBy: text) {
            return Principal("key \(key.id) (\(key.name))", key.grant, key: key.id, expires: key.expires)
        }
        if let tokens, let principal = await tokens.principal(of: text), isValid(principal) { return principal }
        throw Refusal.unproved
    }

    /// Returns whether the credentials of a principal are still valid. It is called every second while a subscription
    /// is open.
    public func isValid(_ principal: Principal) -> Bool {
        if let expires = principal.expires, clock.now() >= expires { return false }
        guard let key = principal.key, let keyring else { return true }
        return keyring.isValid(key)
    }

    /// Throws if the policy forbids the operation to the principal. The streams of the request are checked later, after
    /// it is parsed.
    ///
    /// - Throws: ``Refusal/forbidden(_:)``.
    public func check(_ principal: Principal, asksFor operation: ServerOperation) throws {
        if let refusal = operation.refusal(of: principal, on: .store) { throw Refusal.forbidden(refusal) }
    }
}

/// The sessions of users who signed in on a page: a cookie, and for changes a second text that only the page knows.
package final class Sessions: Sendable {
    package struct Session: Sendable {
        package let principal: Principal
        /// The text that the page sends with every change, so that no other page can make changes.
        package let guardText: String
        package let ends: Timestamp
    }

    package static let lifetimeSeconds: Int64 = 12 * 3600
    private static let limit = 1000

    private let clock: WallClock
    private let state = Lock([String: Session]())

    package init(clock: WallClock) { self.clock = clock }

    /// Begins a session and returns the text of its cookie.
    package func begin(_ principal: Principal) -> (cookie: String, session: Session) {
        let cookie = [UInt8].random(32).hexadecimal
        let now = clock.now()
        let session = Session(
            principal: principal, guardText: [UInt8].random(32).hexadecimal,
            ends: now.advanced(byMicroseconds: Self.lifetimeSeconds * 1_000_000))
        state.withLock { sessions in
            sessions = sessions.filter { $0.value.ends > now }
            if sessions.count >= Self.limit, let oldest = sessions.min(by: { $0.value.ends < $1.value.ends }) {
                sessions[oldest.key] = nil
            }
            sessions[Self.name(of: cookie)] = session
        }
        return (cookie, session)
    }

    package func session(of cookie: String) -> Session? {
        guard let session = state.withLock({ $0[Self.name(of: cookie)] }), session.ends > clock.now() else {
            return nil
        }
        return session
    }

    package func end(_ cookie: String) { _ = state.withLock { $0.removeValue(forKey: Self.name(of: cookie)) } }

    /// Sessions are looked up by a hash, so that the time of a lookup reveals nothing about existing cookies.
    private static func name(of cookie: String) -> String { AccessKey.digest(of: Array(cookie.utf8)).hexadecimal }
}
