import HTTPTypes
import Hummingbird
import Sillok
import SillokAPI
import SillokCloudEvents
import SillokCore
import SillokHistory
import SillokReadSide
import SillokSQL
import SillokWire

extension Endpoint {
    /// The endpoints for monitoring.
    static let watching: [Endpoint] = [
        Endpoint(
            .get, "/health/live", .live, "Whether the process answers.",
            .value { _, _ in Answer(API.Health(status: "live")) }),
        Endpoint(
            .get, "/health/ready", .ready, "Whether the server takes requests.",
            .value { interface, _ in
                if interface.admission.isClosing { throw Problem(503, .unavailable, "the server is ending") }
                _ = try await interface.store.read(.all, limit: 1)
                let tools = interface.served.tools
                return Answer(
                    API.Health(
                        status: "ready", rebuilding: tools.indexRebuild?(), replica: tools.replica.map { .init($0()) }))
            }),
        Endpoint(
            .get, "/v1/server", .describeServer,
            "The store that is served, the version of the server, and the limits of requests.",
            .value { interface, _ in interface.describe() }),
        Endpoint(
            .get, "/metrics", .metrics, "Metrics, as Prometheus reads them.",
            .response([.init(mediaType: "text/plain", type: API.Text.self)]) { interface, _ in
                .bytes(Array(try await interface.metricsText().utf8), "text/plain; version=0.0.4; charset=utf-8")
            }),
        Endpoint(
            .get, "/v1/overview", .overview,
            "The status of the server, its subscriptions, projections and objectives, with measurements of the last "
                + "seconds.",
            parameters: [
                .query(
                    "seconds", "The number of latest seconds.", ["type": "integer", "minimum": 1, "maximum": 600])
            ], .value { try await $0.overview($1) }),
        Endpoint(
            .get, "/v1/measurements", .measurements,
            "The measurements of 5 minutes by the second, of an hour by 10 seconds, or of 24 hours by 2 minutes.",
            parameters: [.query("range", "The time range, by default 5m.", ["enum": ["5m", "1h", "24h"]])],
            .value { try await $0.measurements($1) }),
    ]

    /// The endpoints for administrators.
    static let administering: [Endpoint] = [
        Endpoint(
            .get, "/v1/keys", .listKeys, "The keys; their secrets are not kept.", problems: [404],
            .value { interface, _ in Answer(API.Keys(keys: try interface.keyring().keys.map { API.Key($0) })) }),
        Endpoint(
            .post, "/v1/keys", .createKey, "Create a key. Only this answer contains its text.", problems: [404],
            .value(of: API.NewKey.self, limit: 64 << 10, status: 201) { try await $0.createKey($1, $2) }),
        Endpoint(
            .delete, "/v1/keys/{key}", .revokeKey,
            "Revoke a key. Its open subscriptions and requests end within five seconds.",
            parameters: [.path("key", "The id of the key.", Parameter.name)], problems: [404],
            .value { interface, call in
                guard try await interface.keyring().revoke(call.pathName("key"), by: call.principal.name) else {
                    throw Problem(404, .notFound, "there is no valid key with this id")
                }
                return Answer(API.Accepted())
            }),
        Endpoint(
            .get, "/v1/audit", .audit, "The actions of administrators, the newest first.", parameters: [.limit],
            problems: [404], .value { try await $0.acts($1) }),
        Endpoint(
            .post, "/v1/verification", .startVerification, "Start a verification of the whole store.",
            problems: [404, 409], .value(status: 202) { try await $0.startVerification($1) }),
        Endpoint(
            .get, "/v1/verification", .showVerification,
            "The progress of the verification, or the result of the last one.",
            problems: [404], .value { interface, _ in try interface.show(.verification) }),
        Endpoint(
            .post, "/v1/backup", .startBackup,
            "Start a backup of the store into the backup folder of the server.", problems: [404, 409],
            .value(status: 202) { try await $0.startBackup($1) }),
        Endpoint(
            .get, "/v1/backup", .showBackup, "The progress of the backup, or the result of the last one.",
            problems: [404],
            .value { interface, _ in try interface.show(.backup) }),
    ]
}

extension WebInterface {
    fileprivate func describe() -> Answer<API.Server> {
        let ofStore = Limits.settings.map { (name: $0.name, value: $0.value(store.limits)) }
        let ofServer = ServerLimits.settings.map { (name: $0.name, value: $0.value(limits)) }
        return Answer(API.Server(store: storeID, limits: Members(ofStore + ofServer)))
    }
}

// MARK: Keys and acts

extension WebInterface {
    fileprivate func keyring() throws -> Keyring {
        guard let keyring = gatekeeper.keyring else {
            throw Problem(404, .notConfigured, "the server requires no keys: start it with --auth keys")
        }
        return keyring
    }

    fileprivate func createKey(_ call: Call, _ input: API.NewKey) async throws -> Answer<API.CreatedKey> {
        let keyring = try keyring()
        let grant = try Grant(scopes: input.scopes, resources: input.resources ?? "*")
        guard (1...200).contains(input.name.utf8.count) else {
            throw Problem(400, .malformed, "\"name\" must describe the key in 1 to 200 bytes")
        }
        let (key, secret) = try await keyring.create(
            input.name, grant, expires: input.expires, by: call.principal.name)
        return Answer(API.CreatedKey(key, secret))
    }

    fileprivate func acts(_ call: Call) async throws -> Answer<API.Audit> {
        let acts = try await keyring().acts(limit: try call.limit(atMost: 1000, default: 100))
        return Answer(
            API.Audit(
                acts.map { API.Act(at: $0.at, by: $0.by, action: $0.action, target: $0.target, detail: $0.detail) }))
    }
}

extension Grant {
    /// Creates a grant from its text form: `read append` on `account-* order-7`.
    package init(scopes: String, resources: String) throws {
        let names = scopes.split { $0 == " " || $0 == "," }.map(String.init)
        let patterns = resources.split { $0 == " " || $0 == "," }.map { ResourcePattern(String($0)) }
        let known = try names.map { name in
            guard let scope = Scope(rawValue: name) else {
                throw InvalidLine("there is no scope \"\(name)\": read, append, subscribe, project, import, admin")
            }
            return scope
        }
        guard !known.isEmpty, !patterns.isEmpty else { throw InvalidLine("a grant needs a scope and a resource") }
        self.init(Set(known), on: patterns)
    }
}

// MARK: Long work

extension WebInterface {
    fileprivate func startVerification(_ call: Call) async throws -> Answer<API.Job> {
        guard let verify = served.tools.verify else {
            throw Problem(404, .notConfigured, "the server cannot verify this kind of store")
        }
        let isBegun = jobs.begin(.verification, by: call.principal.name, clock: clock) { progress in
            let report = try await verify(progress)
            let text = "\(report.events) events of \(report.streams) streams"
            return (text, report.isSound, report.findings.map(\.description))
        }
        return try await begun(isBegun, .verification, call)
    }

    fileprivate func startBackup(_ call: Call) async throws -> Answer<API.Job> {
        guard let backup = served.tools.backup else {
            throw Problem(404, .notConfigured, "the server has no place for backups: start it with --backups FOLDER")
        }
        let isBegun = jobs.begin(.backup, by: call.principal.name, clock: clock) { (try await backup($0), true, []) }
        return try await begun(isBegun, .backup, call)
    }

    private func begun(_ isBegun: Bool, _ kind: Jobs.Kind, _ call: Call) async throws -> Answer<API.Job> {
        guard isBegun else { throw Problem(409, .refused, "a \(kind.rawValue) is under way already") }
        try await audit(call, kind.rawValue, "")
        return try show(kind)
    }

    fileprivate func show(_ kind: Jobs.Kind) throws -> Answer<API.Job> {
        guard let job = jobs.job(kind) else { throw Problem(404, .notFound, "there was no \(kind.rawValue) yet") }
        return Answer(API.Job(job))
    }
}
