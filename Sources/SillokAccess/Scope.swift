public import SillokCore

/// A permission of a key or a token.
public enum Scope: String, CaseIterable, Hashable, Sendable {
    /// Reading events, streams, projections, processes, webhooks and metrics.
    case read
    /// Appending events.
    case append
    /// Subscribing to events.
    case subscribe
    /// Managing keys, verification, backups, and the audit.
    case admin
    /// Operating projections, processes and webhooks: pause, rebuild, promote, dead letters, retries of steps.
    case project
    /// Appending events with given recorded times, as copies of a log do. `admin` includes it.
    case `import`
}

/// The streams that a key or a token covers. `*` covers all streams and events without a stream, `account-*` a
/// category, `account-eu*` all names with this prefix, `account-42` one stream.
///
/// Categories that begin with `process:`, `webhook:` or `schedule:` are reserved for the runners of Sillok. To append
/// to them a grant must name them: `process:checkout-*`, or `process:*` for all processes. `*` is enough to read them.
public struct ResourcePattern: Hashable, Sendable, CustomStringConvertible {
    /// The text of the pattern.
    public let description: String

    /// The pattern for everything.
    public static let all = ResourcePattern("*")

    /// Creates a pattern from its text.
    public init(_ description: String) { self.description = description }

    /// Whether the pattern covers everything, including events without a stream.
    public var coversAll: Bool { description == "*" }

    /// Whether the pattern names streams of reserved categories only.
    var isReserved: Bool { description.isReserved }

    /// Returns whether the pattern covers a stream.
    public func covers(_ stream: StreamID) -> Bool {
        if coversAll { return true }
        if let category { return stream.category == category }
        if let beginning { return stream.text.utf8.starts(with: beginning.utf8) }
        return stream.text.hasSameBytes(as: description)
    }

    /// Returns whether the pattern covers every stream of a category.
    public func covers(_ category: StreamCategory) -> Bool {
        if coversAll { return true }
        if let own = self.category { return own == category }
        guard let beginning else { return false }
        return category.text.utf8.starts(with: beginning.utf8)
    }

    /// The category of a pattern such as `account-*`.
    private var category: StreamCategory? {
        guard let beginning, beginning.hasSuffix("-"), !beginning.dropLast().utf8.contains(UInt8(ascii: "-")) else {
            return nil
        }
        return StreamCategory(String(beginning.dropLast()))
    }

    private var beginning: String? { description.hasSuffix("*") ? String(description.dropLast()) : nil }
}

/// The target of an operation, so that a key can be limited to some streams.
public enum Resource: Hashable, Sendable {
    /// The store as a whole: its head, its identity, its tracked positions, an event by its id.
    case store
    /// The events of a query.
    case query(EventQuery)
    /// The streams of a category, or of all.
    case streams(StreamCategory?)
    /// The events to append, and their streams.
    case append(AppendRequest)
}

/// A set of scopes, and the streams that they cover.
public struct Grant: Hashable, Sendable {
    /// The allowed scopes.
    public let scopes: Set<Scope>
    /// The covered streams.
    public let resources: [ResourcePattern]

    /// Creates a grant of scopes on streams, by default on everything.
    public init(_ scopes: Set<Scope>, on resources: [ResourcePattern] = [.all]) {
        self.scopes = scopes
        self.resources = resources
    }

    /// The grant of every scope on everything.
    public static let everything = Grant(Set(Scope.allCases))

    /// Returns whether the grant allows a scope: one of its own, or one that another includes.
    public func allows(_ scope: Scope) -> Bool {
        scopes.contains(scope) || scope == .import && scopes.contains(.admin)
    }

    /// Whether the grant covers everything.
    public var reachesAll: Bool { resources.contains { $0.coversAll } }

    /// Returns whether the grant covers a stream; `nil` means events without a stream.
    public func reaches(_ stream: StreamID?) -> Bool {
        guard let stream else { return reachesAll }
        return resources.contains { $0.covers(stream) }
    }

    /// Returns whether the grant covers every event that a query can match.
    public func reaches(_ query: EventQuery) -> Bool {
        reachesAll
            || query.items.allSatisfy { item in
                if let stream = item.stream { return reaches(stream) }
                guard let category = item.category else { return false }
                return resources.contains { $0.covers(category) }
            }
    }

    /// Returns whether the grant covers a resource.
    public func reaches(_ resource: Resource) -> Bool {
        switch resource {
        case .store: true
        case .query(let query): reaches(query)
        case .streams(let category): category.map { reaches(EventQuery.category($0)) } ?? reachesAll
        case .append(let request): reaches(request)
        }
    }

    /// Returns whether the grant covers everything that an append writes to or has conditions on.
    public func reaches(_ request: AppendRequest) -> Bool { refusal(of: request) == nil }

    /// Returns why the grant does not cover an append, or `nil`.
    ///
    /// Streams of reserved categories, and the tracking of a source with such a name, need a resource that names them.
    /// An append with recorded times is a copy of a log, so with the scope `import` it may contain such streams.
    public func refusal(of request: AppendRequest) -> String? {
        for entry in request.entries {
            guard let stream = entry.stream, stream.text.isReserved, !names(stream) else { continue }
            if entry.recordedAt == nil || !allows(.import) { return Self.reserved("the stream", stream) }
        }
        if let source = request.tracking?.source, source.text.isReserved {
            let name = StreamID(source.text)
            if !names(name) { return Self.reserved("the tracking of", name) }
        } else if request.tracking != nil && !reachesAll {
            return "the tracking of a source needs a grant on everything (\"*\")"
        }
        let isReached =
            reachesAll
            || request.entries.allSatisfy { reaches($0.stream) }
                && request.condition.revisions.keys.allSatisfy { reaches($0) }
                && request.condition.unchanged.allSatisfy { reaches($0.query) }
        return isReached ? nil : Self.uncovered
    }

    package static let uncovered = "the grant does not cover all streams of the request"

    /// Returns whether a resource of the grant names a stream of a reserved category.
    private func names(_ stream: StreamID) -> Bool { resources.contains { $0.isReserved && $0.covers(stream) } }

    private static func reserved(_ what: String, _ stream: StreamID) -> String {
        let category = stream.category
        return
            "\(what) \(stream) is reserved for the runners of Sillok: an append needs a key whose grant names it. "
            + "Create one with `sillok keys create` and --resource '*' --resource '\(category)-*', set SILLOK_TOKEN "
            + "to it, and start the server with --auth keys"
    }
}

/// A caller: authenticated by a key, a token or a session, or anonymous.
public struct Principal: Hashable, Sendable {
    /// The name of the caller, such as `key 4f2a9c01d2e3 (billing)` or `ada@example.org`. The audit uses it.
    public let name: String
    /// The grant of the caller.
    public let grant: Grant
    /// The key of the caller. Its revocation ends open subscriptions.
    public let key: String?
    /// When the credentials expire.
    public let expires: Timestamp?

    /// Creates a principal with a grant, by default without a key and without an expiry time.
    public init(_ name: String, _ grant: Grant, key: String? = nil, expires: Timestamp? = nil) {
        self.name = name
        self.grant = grant
        self.key = key
        self.expires = expires
    }

    /// The principal of every caller of a server that requires no credentials.
    public static let anybody = Principal("anybody", .everything)
}
