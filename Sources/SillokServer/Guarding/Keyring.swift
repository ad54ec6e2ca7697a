import Sillok
public import SillokCore
import SillokWire

/// The keys of a server and the acts of its administrators, stored as events in a separate log of the server.
///
/// Another process may write to that log too, such as `sillok keys revoke`. ``follow()`` sees it within a second.
public final class Keyring: Sendable {
    /// An act of an administrator.
    public struct Act: Hashable, Sendable {
        /// When the administrator did it.
        public let at: Timestamp
        /// The name of the administrator.
        public let by: String
        /// The act, such as `createKey`.
        public let action: String
        /// The target of the act.
        public let target: String
        /// The reason or the details.
        public let detail: String
    }

    private struct State {
        var keys: [String: AccessKey] = [:]
        var mark: EventMark = .start
    }

    private static let audit: StreamID = "audit"

    private let log: any EventStore
    private let clock: WallClock
    private let state = Lock(State())

    /// Creates a keyring of the keys in a log. Call ``load()`` before the first lookup.
    public init(log: any EventStore, clock: WallClock = .system) {
        self.log = log
        self.clock = clock
    }

    /// All keys in the order of their creation, including revoked and expired keys.
    public var keys: [AccessKey] {
        state.withLock { $0.keys.values.sorted { ($0.created, $0.id) < ($1.created, $1.id) } }
    }

    /// Returns the key that a text belongs to, if the key is valid now.
    public func key(provedBy text: String) -> AccessKey? {
        guard let (id, secret) = AccessKey.parts(of: text) else { return nil }
        let key = state.withLock { $0.keys[id] }
        guard let key, key.isProved(by: secret), key.isValid(at: clock.now()) else { return nil }
        return key
    }

    /// Returns whether a key is still valid. Open subscriptions end when it is not.
    public func isValid(_ id: String) -> Bool {
        state.withLock { $0.keys[id] }?.isValid(at: clock.now()) ?? false
    }

    private static let query: EventQuery = .types("keyCreated", "keyRevoked")

    /// Reads the new events of the log.
    public func load() async throws {
        try await startingAgain {
            while true {
                let batch = try await log.read(Self.query, resumingAfter: state.withLock { $0.mark })
                take(batch)
                if batch.isEnd { return }
            }
        }
    }

    /// Follows the log until the task is cancelled.
    public func follow() async throws {
        try await startingAgain {
            let mark = state.withLock { $0.mark }
            for try await batch in log.subscribe(to: Self.query, resumingAfter: mark) { take(batch) }
        }
    }

    /// Runs `body`. If the log was replaced or restored from an older copy, forgets all keys and runs it again, because
    /// only the keys of that log are valid then.
    private func startingAgain(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as StoreError where error.code == .storeChanged {
            state.withLock { $0 = State() }
            try await body()
        }
    }

    /// Creates a key. Its secret is not stored and cannot be shown again.
    public func create(
        _ name: String, _ grant: Grant, expires: Timestamp? = nil, by whom: String
    ) async throws -> (key: AccessKey, secret: Secret) {
        let secret = [UInt8].random(32)
        let key = AccessKey(
            id: [UInt8].random(6).hexadecimal, name: name, grant: grant, created: clock.now(), expires: expires,
            revoked: nil, digest: AccessKey.digest(of: secret))
        let created = EventData(type: "keyCreated", payload: key.json)
        try await append(created, key.id, act(whom, "createKey", key.id, "\(name): \(grant.words)"))
        state.withLock { $0.keys[key.id] = key }
        return (key, AccessKey.text(id: key.id, secret: secret))
    }

    /// Revokes a key permanently; returns `false` if no valid key has that id.
    public func revoke(_ id: String, by whom: String) async throws -> Bool {
        try await load()
        guard let key = state.withLock({ $0.keys[id] }), key.revoked == nil else { return false }
        var json = JSONWriter()
        json.beginObject()
        json.field("id", id)
        json.endObject()
        let revoked = EventData(type: "keyRevoked", payload: json.bytes)
        try await append(revoked, id, act(whom, "revokeKey", id, key.name))
        state.withLock { $0.keys[id] = key.revoked(at: clock.now()) }
        return true
    }

    /// Records an act of an administrator permanently.
    public func record(_ action: String, _ target: String, _ detail: String = "", by whom: String) async throws {
        try await log.append([act(whom, action, target, detail)], to: Self.audit)
    }

    /// Returns the acts of administrators, the newest first.
    public func acts(limit: Int = 100) async throws -> [Act] {
        let request = ReadRequest(.stream(Self.audit), direction: .backward, limit: limit)
        return try await log.read(request).events.compactMap { event in
            guard let fields = try? Asking.texts(event.payload, ["by", "action", "target", "detail"]) else {
                return nil
            }
            return Act(
                at: event.recordedAt, by: fields["by"] ?? "", action: fields["action"] ?? "",
                target: fields["target"] ?? "", detail: fields["detail"] ?? "")
        }
    }

    private func act(_ whom: String, _ action: String, _ target: String, _ detail: String) -> EventData {
        var json = JSONWriter()
        json.beginObject()
        json.field("by", whom)
        json.field("action", action)
        json.field("target", target)
        json.field("detail", detail)
        json.endObject()
        return EventData(type: "acted", metadata: Metadata(actor: whom), payload: json.bytes)
    }

    private func append(_ event: EventData, _ id: String, _ act: EventData) async throws {
        try await log.append(
            AppendRequest([
                .init(stream: StreamID("key", id), event: event), .init(stream: Self.audit, event: act),
            ]))
    }

    private func take(_ batch: EventBatch) {
        state.withLock { state in
            for event in batch.events {
                if let key = AccessKey(event) {
                    // The keyring may already have a revocation that this process wrote itself.
                    if state.keys[key.id] == nil { state.keys[key.id] = key }
                } else if event.type == "keyRevoked", let id = event.stream?.key, let key = state.keys[id] {
                    state.keys[id] = key.revoked(at: event.recordedAt)
                }
            }
            if batch.through > state.mark.position || state.mark.id == nil { state.mark = batch.mark }
        }
    }
}

extension Grant {
    /// The grant as one line.
    var words: String {
        scopes.map(\.rawValue).sorted().joined(separator: " ") + " on "
            + resources.map(\.description).joined(separator: " ")
    }
}

extension AccessKey {
    /// The stored form of a key.
    var json: [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.field("id", id)
        json.field("name", name)
        json.field("scopes", grant.scopes.map(\.rawValue).sorted().joined(separator: " "))
        json.field("resources", grant.resources.map(\.description).joined(separator: " "))
        if let expires { json.field("expires", expires.description) }
        json.field("sha256", digest.hexadecimal)
        json.endObject()
        return json.bytes
    }

    init?(_ event: RecordedEvent) {
        let known: Set = ["id", "name", "scopes", "resources", "expires", "sha256"]
        guard event.type == "keyCreated", let fields = try? Asking.texts(event.payload, known),
            let id = fields["id"], let digest = fields["sha256"].flatMap({ [UInt8](hexadecimal: $0) })
        else { return nil }
        self.init(
            id: id, name: fields["name"] ?? "",
            grant: Grant(
                Set((fields["scopes"] ?? "").split(separator: " ").compactMap { Scope(rawValue: String($0)) }),
                on: (fields["resources"] ?? "").split(separator: " ").map { ResourcePattern(String($0)) }),
            created: event.recordedAt, expires: fields["expires"].flatMap { Timestamp($0) }, revoked: nil,
            digest: digest)
    }
}
