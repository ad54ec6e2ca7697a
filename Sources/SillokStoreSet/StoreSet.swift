public import SillokCore

/// The name of a log in a ``StoreSet``. Checkpoints and trackings contain it, so it must stay the same.
public struct LogName: Name, CodingKeyRepresentable {
    /// The name as it was given.
    public let text: String

    /// Creates a name with exactly this text.
    public init(_ text: String) { self.text = text }

    /// Creates a name from a key of a keyed container, such as a field of a JSON object.
    public init?(codingKey: some CodingKey) { self.init(codingKey.stringValue) }

    /// The name as a key of a keyed container.
    public var codingKey: any CodingKey { LogKey(stringValue: text) }
}

/// A field that is named like a log.
private struct LogKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

/// Several logs, each in a store of its own, and the routes of categories and tenants to them.
///
/// ```swift
/// let stores = try StoreSet(
///     ["sales": salesStore, "stock": stockStore], categories: ["order": "sales", "item": "stock"])
/// let orders = CommandHandler<Order>("order", in: try stores.store(for: "order"))
/// ```
/// A set is not an event store. Everything that a store promises holds within one log: an append, its condition, a
/// position and a revision. Between two logs there is no order and no common append. So route categories that one
/// condition reads, or one append writes, to the same log.
///
/// A route belongs to the data. Change it only after the events were copied to the other log, with all writers of the
/// category stopped.
public struct StoreSet: Sendable {
    /// The names of the logs, in the order of their bytes.
    public let names: [LogName]

    private let logs: [LogName: any EventStore]
    private let categories: [StreamCategory: LogName]
    private let tenants: [String: LogName]
    private let other: LogName?

    /// Creates a set of logs and their routes.
    ///
    /// - Parameters:
    ///   - logs: the stores and their names.
    ///   - categories: the logs of categories.
    ///   - tenants: the logs of tenants. Tenants are compared as Swift strings.
    ///   - other: the log of the categories and tenants that have no route; without it they are an error.
    /// - Throws: ``UnknownLog`` if a route names a log that the set does not have.
    public init(
        _ logs: [LogName: any EventStore], categories: [StreamCategory: LogName] = [:],
        tenants: [String: LogName] = [:], otherwise other: LogName? = nil
    ) throws {
        (self.logs, self.categories, self.tenants, self.other) = (logs, categories, tenants, other)
        names = logs.keys.sorted()
        for name in categories.values { _ = try store(named: name) }
        for name in tenants.values { _ = try store(named: name) }
        if let other { _ = try store(named: other) }
    }

    /// Returns the store of a log.
    ///
    /// - Throws: ``UnknownLog``.
    public func store(named name: LogName) throws -> any EventStore {
        guard let store = logs[name] else { throw UnknownLog.log(name) }
        return store
    }

    /// Returns the store of a category, for the command handlers of the category.
    ///
    /// - Throws: ``UnknownLog`` if the category has no route.
    public func store(for category: StreamCategory) throws -> any EventStore {
        guard let name = log(of: category) else { throw UnknownLog.category(category) }
        return try store(named: name)
    }

    /// Returns the store of a tenant, for the command handlers of the tenant.
    ///
    /// - Throws: ``UnknownLog`` if the tenant has no route.
    public func store(forTenant tenant: String) throws -> any EventStore {
        guard let name = log(ofTenant: tenant) else { throw UnknownLog.tenant(tenant) }
        return try store(named: name)
    }

    /// Returns the name of the log of a category, or `nil` if the category has no route.
    public func log(of category: StreamCategory) -> LogName? { categories[category] ?? other }

    /// Returns the name of the log of a tenant, or `nil` if the tenant has no route.
    public func log(ofTenant tenant: String) -> LogName? { tenants[tenant] ?? other }

    /// Returns the heads of all logs as a checkpoint, for a reader that starts with the next event of each.
    public func heads() async throws -> StoreSetCheckpoint {
        var checkpoint = StoreSetCheckpoint.start
        for name in names { checkpoint[name] = try await store(named: name).head(resumingAfter: .start) }
        return checkpoint
    }
}

/// A log, a category or a tenant that a ``StoreSet`` does not know.
public enum UnknownLog: Error, Hashable, Sendable, CustomStringConvertible {
    /// No log of the set has this name.
    case log(LogName)
    /// The category has no route to a log.
    case category(StreamCategory)
    /// The tenant has no route to a log.
    case tenant(String)

    /// What is unknown, and what to do.
    public var description: String {
        switch self {
        case .log(let name): "the set has no log \"\(name)\". Add it to the logs of the StoreSet."
        case .category(let name): "category \"\(name)\" has no log. Add it to the categories of the StoreSet."
        case .tenant(let name): "tenant \"\(name)\" has no log. Add it to the tenants of the StoreSet."
        }
    }
}

/// How far a reader has come in each log of a ``StoreSet``: one mark for each log.
///
/// As JSON it is an object with the marks as texts: `{"sales":"42@01890a5d-…","stock":"7@01890a5e-…"}`. A log that is
/// not in it is read from its first event, so a log that is added later is read completely.
public struct StoreSetCheckpoint: Hashable, Sendable, Codable {
    private var marks: [LogName: EventMark] = [:]

    /// The checkpoint before the first event of every log.
    public static let start = StoreSetCheckpoint()

    /// Creates the checkpoint before the first event of every log.
    public init() {}

    /// Reads the checkpoint from an object of marks.
    public init(from decoder: any Decoder) throws {
        marks = try decoder.singleValueContainer().decode([LogName: EventMark].self)
    }

    /// Writes the checkpoint as an object of marks.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(marks)
    }

    /// The mark up to which a log was read.
    public subscript(log: LogName) -> EventMark {
        get { marks[log] ?? .start }
        set { marks[log] = newValue }
    }
}
