import Sillok
public import SillokCore

/// The keys of a server and the audit of its administrators, stored as events in a separate log of the server.
///
/// Another process may write to that log too, such as `sillok keys revoke`. ``follow()`` sees it within a second.
public final class Keyring: Sendable {
    /// An entry of the audit: an action of an administrator.
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
    private let records: CommandHandler<KeyRecord>
    private let state = Lock(State())

    /// Creates a keyring of the keys in a log. Call ``load()`` before the first lookup.
    public init(log: any EventStore, clock: WallClock = .system) {
        self.log = log
        self.clock = clock
        records = CommandHandler("key", in: log)
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
        let new = KeyDescription(name, grant, expires: expires, secret: secret)
        try await Metadata.$current.withValue(Metadata(actor: whom)) {
            try await records.execute(.create(new), on: new.id)
        }
        return (note(new), AccessKey.text(id: new.id, secret: secret))
    }

    /// Creates a key if the log has none. If it has one, such as one that another process has just created, this reads
    /// the keys and returns `nil`.
    public func createFirst(
        _ name: String, _ grant: Grant, by whom: String
    ) async throws -> (key: AccessKey, secret: Secret)? {
        let secret = [UInt8].random(32)
        let new = KeyDescription(name, grant, expires: nil, secret: secret)
        let events = try KeyRecord().decide(.create(new)).map {
            try EventCoding<KeyRecord.Event>().encode($0, metadata: Metadata(actor: whom))
        }
        let request = AppendRequest(
            events.map { AppendRequest.Entry(stream: StreamID("key", new.id), event: $0) },
            if: .absent(.types("keyCreated")))
        do {
            try await recordFirst(request)
        } catch AppendError.conflict {
            try await load()
            return nil
        }
        return (note(new), AccessKey.text(id: new.id, secret: secret))
    }

    /// Repeats an append whose outcome is unknown: a key that was stored and not shown would be of no use.
    private func recordFirst(_ request: AppendRequest, attempts: Int = 3) async throws {
        do {
            try await log.append(request)
        } catch {
            guard error.failure?.outcome == .unknown, attempts > 1 else { throw error }
            try await recordFirst(request, attempts: attempts - 1)
        }
    }

    /// Notes a key that was just recorded.
    private func note(_ new: KeyDescription) -> AccessKey {
        let key = AccessKey(
            id: new.id, name: new.name, grant: new.grant, created: clock.now(), expires: new.expires, revoked: nil,
            digest: new.digest)
        state.withLock { $0.keys[key.id] = key }
        return key
    }

    /// Revokes a key permanently. Returns `false` if there is no key with that id, or if it is already revoked, for
    /// example by another process.
    public func revoke(_ id: String, by whom: String) async throws -> Bool {
        try await load()
        guard let key = state.withLock({ $0.keys[id] }), key.revoked == nil else { return false }
        do {
            try await Metadata.$current.withValue(Metadata(actor: whom)) {
                try await records.execute(.revoke, on: id)
            }
        } catch is KeyRecord.Refusal {
            try await load()
            return false
        }
        state.withLock { $0.keys[id] = key.revoked(at: clock.now()) }
        return true
    }

    /// Records an act of an administrator permanently.
    public func record(_ action: String, _ target: String, _ detail: String = "", by whom: String) async throws {
        let act = AdministratorEvent.acted(by: whom, action: action, target: target, detail: detail)
        let event = try EventCoding<AdministratorEvent>().encode(act, metadata: Metadata(actor: whom))
        try await log.append([event], to: Self.audit)
    }

    /// Returns the acts of administrators, the newest first.
    public func acts(limit: Int = 100) async throws -> [Act] {
        let query = EventQuery.types("acted", "keyCreated", "keyRevoked")
        // Older versions recorded an act of its own with each change of a key, which had no actor.
        let request = ReadRequest(query, direction: .backward, limit: min(limit * 2, log.limits.pageEvents))
        return Array(try await log.read(request).events.compactMap(act).prefix(limit))
    }

    private func act(_ event: RecordedEvent) -> Act? {
        if event.type == "acted" {
            guard let recorded = try? EventCoding<AdministratorEvent>().recorded(event).first else { return nil }
            switch recorded.payload {
            case .acted(let by, let action, let target, let detail):
                return Act(at: event.recordedAt, by: by, action: action, target: target, detail: detail)
            }
        }
        guard let whom = event.metadata.actor, let recorded = try? EventCoding<KeyRecord.Event>().recorded(event).first
        else { return nil }
        switch recorded.payload {
        case .keyCreated(let id, let name, _, _, _, _):
            let detail = AccessKey(recorded).map { "\(name): \($0.grant.summary)" } ?? name
            return Act(at: event.recordedAt, by: whom, action: "createKey", target: id, detail: detail)
        case .keyRevoked(let id):
            let name = state.withLock { $0.keys[id]?.name } ?? ""
            return Act(at: event.recordedAt, by: whom, action: "revokeKey", target: id, detail: name)
        }
    }

    private func take(_ batch: EventBatch) {
        state.withLock { state in
            for event in batch.events {
                // An event that cannot be decoded makes no key, but it still revokes the key of its stream.
                if event.type == "keyRevoked", let id = event.stream?.key, let key = state.keys[id] {
                    state.keys[id] = key.revoked(at: event.recordedAt)
                } else if let recorded = try? EventCoding<KeyRecord.Event>().recorded(event).first,
                    let key = AccessKey(recorded), state.keys[key.id] == nil
                {
                    // A key that this process made itself may already be known.
                    state.keys[key.id] = key
                }
            }
            if batch.through > state.mark.position || state.mark.id == nil { state.mark = batch.mark }
        }
    }
}
