public import SillokCore

/// What a key or a token allows.
public enum Scope: String, CaseIterable, Hashable, Sendable {
    /// Reading events, streams, projections and metrics.
    case read
    /// Appending events.
    case append
    /// Following events as they come.
    case subscribe
    /// Keys, verification, backups, and what was done.
    case admin
    /// Operating projections: pause, rebuild, promote, dead letters.
    case project
    /// Appending events with recorded times of their own, as copies of a log do. `admin` includes it.
    case `import`
}

/// Which streams a key or a token reaches: `*` all of them and what belongs to none, `account-*` a category,
/// `account-eu*` all names that begin so, `account-42` one stream.
public struct ResourcePattern: Hashable, Sendable, CustomStringConvertible {
    /// The pattern as it was given.
    public let description: String

    /// Everything.
    public static let all = ResourcePattern("*")

    /// A pattern as it was given.
    public init(_ description: String) { self.description = description }

    /// Whether it covers everything, also what belongs to no stream.
    public var coversAll: Bool { description == "*" }

    /// Whether it covers a stream.
    public func covers(_ stream: StreamID) -> Bool {
        if coversAll { return true }
        if let category { return stream.category == category }
        if let beginning { return stream.text.utf8.starts(with: beginning.utf8) }
        return stream.text.hasSameBytes(as: description)
    }

    /// Whether it covers every stream of a category.
    public func covers(_ category: Category) -> Bool {
        if coversAll { return true }
        if let own = self.category { return own == category }
        guard let beginning else { return false }
        return category.text.utf8.starts(with: beginning.utf8)
    }

    /// The category of `account-*`.
    private var category: Category? {
        guard let beginning, beginning.hasSuffix("-"), !beginning.dropLast().utf8.contains(UInt8(ascii: "-")) else {
            return nil
        }
        return Category(String(beginning.dropLast()))
    }

    private var beginning: String? { description.hasSuffix("*") ? String(description.dropLast()) : nil }
}

/// What something is done to, so that a key can be held to some streams.
public enum Resource: Hashable, Sendable {
    /// The store as a whole: its head, its identity, what it tracks, an event by its id.
    case store
    /// The events of a query.
    case query(EventQuery)
    /// The streams of a category, or of all.
    case streams(Category?)
    /// The events to record, and where they go.
    case append(AppendRequest)
}

/// Scopes, and the streams that they reach.
public struct Grant: Hashable, Sendable {
    /// What is allowed.
    public let scopes: Set<Scope>
    /// To which streams.
    public let resources: [ResourcePattern]

    /// A grant of scopes on streams.
    public init(_ scopes: Set<Scope>, on resources: [ResourcePattern] = [.all]) {
        self.scopes = scopes
        self.resources = resources
    }

    /// Every scope on everything.
    public static let everything = Grant(Set(Scope.allCases))

    /// Whether it allows a scope: one that it has, or one that another includes.
    public func allows(_ scope: Scope) -> Bool {
        scopes.contains(scope) || scope == .import && scopes.contains(.admin)
    }

    /// Whether it reaches everything.
    public var reachesAll: Bool { resources.contains { $0.coversAll } }

    /// Whether it reaches a stream; `nil`: an event of no stream.
    public func reaches(_ stream: StreamID?) -> Bool {
        guard let stream else { return reachesAll }
        return resources.contains { $0.covers(stream) }
    }

    /// Whether it reaches every event that a query can match.
    public func reaches(_ query: EventQuery) -> Bool {
        reachesAll
            || query.items.allSatisfy { item in
                if let stream = item.stream { return reaches(stream) }
                guard let category = item.category else { return false }
                return resources.contains { $0.covers(category) }
            }
    }

    /// Whether it reaches what something is done to.
    public func reaches(_ resource: Resource) -> Bool {
        switch resource {
        case .store: true
        case .query(let query): reaches(query)
        case .streams(let category): category.map { reaches(EventQuery.category($0)) } ?? reachesAll
        case .append(let request): reaches(request)
        }
    }

    /// Whether it reaches everything that an append writes to or asks about.
    public func reaches(_ request: AppendRequest) -> Bool {
        reachesAll
            || request.entries.allSatisfy { reaches($0.stream) }
                && request.condition.revisions.keys.allSatisfy { reaches($0) }
                && request.condition.unchanged.allSatisfy { reaches($0.query) } && request.tracking == nil
    }
}

/// Who asks: proved by a key, a token, a certificate or a session, or not at all.
public struct Principal: Hashable, Sendable {
    /// Who it is, such as `key 4f2a` or `ada@example.org`: what audits say.
    public let name: String
    /// What is allowed.
    public let grant: Grant
    /// The key that proved it, whose revocation ends what is open.
    public let key: String?
    /// When the proof ends.
    public let expires: Timestamp?

    /// Somebody with a grant.
    public init(_ name: String, _ grant: Grant, key: String? = nil, expires: Timestamp? = nil) {
        self.name = name
        self.grant = grant
        self.key = key
        self.expires = expires
    }

    /// Whoever reaches a server that asks for no proof.
    public static let anybody = Principal("anybody", .everything)
}
