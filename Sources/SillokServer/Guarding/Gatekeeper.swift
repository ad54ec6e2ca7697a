public import SillokCore

/// Who may come in: finds out who asks, and whether what is asked for is theirs to ask.
///
/// One for a server, over HTTP and gRPC alike.
public final class Gatekeeper: Sendable {
    /// Why somebody is not let in.
    public enum Refusal: Error, Hashable, Sendable {
        /// Nothing proves who asks, or what should prove it is wrong, has ended or was revoked.
        case unproved
        /// It is proved who asks, and it is not theirs to ask.
        case forbidden(String)
    }

    /// The keys; `nil`: nobody needs a proof.
    public let keyring: Keyring?

    let sessions: Sessions
    private let tokens: TokenVerifier?
    private let clock: WallClock

    /// Who everybody is where no proof is asked for.
    let anybody: Principal

    /// Lets every caller do everything without a proof: append events, operate projections, start backups. Use it for
    /// loopback and tests. Elsewhere put guards of your own in front of it, or use ``open(for:)``.
    public static var open: Gatekeeper { open(for: .everything) }

    /// Lets every caller do what a grant allows, without a proof: `.open(for: Grant([.read, .subscribe]))` shows the
    /// log and takes no event.
    public static func open(for grant: Grant) -> Gatekeeper {
        Gatekeeper(keyring: nil, tokens: nil, clock: .system, anybody: Principal("anybody", grant))
    }

    /// Lets in whoever proves to be somebody by a key or a token.
    ///
    /// - Parameters:
    ///   - keyring: the keys; `nil`: everybody may do everything.
    ///   - tokens: what checks JSON Web Tokens; `nil`: none are taken.
    ///   - clock: the time by which a proof ends.
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

    /// Whether nobody needs a proof.
    public var isOpen: Bool { keyring == nil }

    /// Who a bearer's text proves to be.
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

    /// Whether what proved somebody still does: asked every second while a subscription is open.
    public func isValid(_ principal: Principal) -> Bool {
        if let expires = principal.expires, clock.now() >= expires { return false }
        guard let key = principal.key, let keyring else { return true }
        return keyring.isValid(key)
    }

    /// Throws unless a principal may ask for an operation, as far as that can be said before the request is understood.
    ///
    /// - Throws: ``Refusal/forbidden(_:)``.
    public func check(_ principal: Principal, asksFor operation: ServerOperation) throws {
        if let refusal = operation.refusal(of: principal, on: .store) { throw Refusal.forbidden(refusal) }
    }
}

/// What proves people who signed in on a page: a cookie, and for changes a second text that only the page knows.
final class Sessions: Sendable {
    struct Session: Sendable {
        let principal: Principal
        /// What the page sends with every change, so that no other page can.
        let guardText: String
        let ends: Timestamp
    }

    static let lifetimeSeconds: Int64 = 12 * 3600
    private static let limit = 1000

    private let clock: WallClock
    private let state = Lock([String: Session]())

    init(clock: WallClock) { self.clock = clock }

    /// Begins a session and answers the text of its cookie.
    func begin(_ principal: Principal) -> (cookie: String, session: Session) {
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

    func session(of cookie: String) -> Session? {
        guard let session = state.withLock({ $0[Self.name(of: cookie)] }), session.ends > clock.now() else {
            return nil
        }
        return session
    }

    func end(_ cookie: String) { _ = state.withLock { $0.removeValue(forKey: Self.name(of: cookie)) } }

    /// Sessions are found by a hash, so that the time of the search says nothing of the cookies that there are.
    private static func name(of cookie: String) -> String { AccessKey.digest(of: Array(cookie.utf8)).hexadecimal }
}
