import HTTPTypes
import Hummingbird
import Sillok
import SillokCloudEvents
import SillokHistory
import SillokReadSide
import SillokSQL
import SillokWire

extension Endpoint {
    /// The endpoints for monitoring.
    static let watching = [
        Endpoint(
            method: .get, route: "/health/live", operation: .live, summary: "Whether the process answers.",
            answers: [200: [.json("Health")]], handle: { _, _ in .health("live") }),
        Endpoint(
            method: .get, route: "/health/ready", operation: .ready, summary: "Whether the server takes requests.",
            answers: [200: [.json("Health")]],
            handle: { interface, _ in
                if interface.admission.isClosing { throw Problem(503, .unavailable, "the server is ending") }
                _ = try await interface.store.read(.all, limit: 1)
                return .health("ready")
            }),
        Endpoint(
            method: .get, route: "/v1/server", operation: .describeServer,
            summary: "The store that is served, and the limits of requests.", answers: [200: [.json("Server")]],
            handle: { interface, _ in interface.describe() }),
        Endpoint(
            method: .get, route: "/metrics", operation: .metrics, summary: "Metrics, as Prometheus reads them.",
            answers: [200: [Content(mediaType: "text/plain", schema: "Text")]],
            handle: { interface, _ in
                .bytes(Array(try await interface.metricsText().utf8), "text/plain; version=0.0.4; charset=utf-8")
            }),
        Endpoint(
            method: .get, route: "/v1/overview", operation: .overview,
            summary: "How the server, its subscriptions, projections and objectives are, and the last seconds.",
            parameters: [
                .query("seconds", "The number of latest seconds.", #"{"type":"integer","minimum":1,"maximum":600}"#)
            ],
            answers: [200: [.json("Overview")]], handle: { try await $0.overview($1) }),
    ]

    /// The endpoints for administrators.
    static let administering = [
        Endpoint(
            method: .get, route: "/v1/keys", operation: .listKeys, summary: "The keys; their secrets are not kept.",
            answers: [200: [.json("Keys")]], problems: [404], handle: { interface, _ in try interface.listKeys() }),
        Endpoint(
            method: .post, route: "/v1/keys", operation: .createKey,
            summary: "Make a key; its text is shown this once.",
            body: .json("NewKey"), answers: [201: [.json("CreatedKey")]], problems: [404, 408, 413, 415],
            handle: { try await $0.createKey($1) }),
        Endpoint(
            method: .delete, route: "/v1/keys/{key}", operation: .revokeKey,
            summary: "Revoke a key: what is open under it ends within five seconds.",
            parameters: [.path("key", "The id of the key.", Parameter.name)], answers: [200: [.json("Accepted")]],
            problems: [404], handle: { try await $0.revokeKey($1) }),
        Endpoint(
            method: .get, route: "/v1/audit", operation: .audit, summary: "What administrators did, the newest first.",
            parameters: [.limit], answers: [200: [.json("Audit")]], problems: [404], handle: { try await $0.acts($1) }),
        Endpoint(
            method: .post, route: "/v1/verification", operation: .startVerification,
            summary: "Have everything that is stored checked.", answers: [202: [.json("Job")]], problems: [404, 409],
            handle: { try await $0.startVerification($1) }),
        Endpoint(
            method: .get, route: "/v1/verification", operation: .showVerification,
            summary: "How far the check is, or what the last one found.", answers: [200: [.json("Job")]],
            problems: [404], handle: { interface, _ in try interface.show(.verification) }),
        Endpoint(
            method: .post, route: "/v1/backup", operation: .startBackup,
            summary: "Have a copy of the store written where the server keeps its backups.",
            answers: [202: [.json("Job")]], problems: [404, 409], handle: { try await $0.startBackup($1) }),
        Endpoint(
            method: .get, route: "/v1/backup", operation: .showBackup, summary: "How far the copy is, or the last one.",
            answers: [200: [.json("Job")]], problems: [404], handle: { interface, _ in try interface.show(.backup) }),
    ]
}

extension WebInterface {
    fileprivate func describe() -> Response {
        var json = JSONWriter()
        json.beginObject()
        json.field("store", storeID.description)
        json.key("limits")
        json.beginObject()
        for setting in Limits.settings { json.field(setting.name, setting.value(store.limits)) }
        for setting in ServerLimits.settings { json.field(setting.name, setting.value(limits)) }
        json.endObject()
        json.endObject()
        return .json(json)
    }
}

extension Response {
    fileprivate static func health(_ status: String) -> Response {
        var json = JSONWriter()
        json.beginObject()
        json.field("status", status)
        json.endObject()
        return .json(json)
    }
}

extension SQLRow {
    /// The row as one line, for people.
    var words: String { zip(columns, values).map { "\($0): \($1)" }.joined(separator: ", ") }
}

// MARK: Keys and acts

extension WebInterface {
    private func keyring() throws -> Keyring {
        guard let keyring = gatekeeper.keyring else {
            throw Problem(404, .notConfigured, "the server requires no keys: start it with --auth keys")
        }
        return keyring
    }

    fileprivate func listKeys() throws -> Response {
        var json = JSONWriter()
        json.beginObject()
        json.key("keys")
        json.beginArray()
        for key in try keyring().keys { json.write(key) }
        json.endArray()
        json.endObject()
        return .json(json)
    }

    fileprivate func createKey(_ call: Call) async throws -> Response {
        let fields = try Asking.texts(
            try await call.jsonBody(limit: 64 << 10), ["name", "scopes", "resources", "expires"])
        let keyring = try keyring()
        let grant = try Grant(scopes: fields["scopes"] ?? "", resources: fields["resources"] ?? "*")
        guard let name = fields["name"], (1...200).contains(name.utf8.count) else {
            throw Problem(400, .malformed, "\"name\" says what the key is for, in 1 to 200 bytes")
        }
        let expires = try fields["expires"].map { text in
            guard let time = Timestamp(text) else {
                throw Problem(400, .malformed, "\"expires\" is no time of RFC 3339")
            }
            return time
        }
        let (key, secret) = try await keyring.create(name, grant, expires: expires, by: call.principal.name)
        var json = JSONWriter()
        json.beginObject()
        json.writeFields(of: key)
        json.field("key", secret.revealed)
        json.endObject()
        return .json(json, status: 201)
    }

    fileprivate func revokeKey(_ call: Call) async throws -> Response {
        guard try await keyring().revoke(call.pathName("key"), by: call.principal.name) else {
            throw Problem(404, .notFound, "there is no such key that still opens anything")
        }
        var json = JSONWriter()
        json.beginObject()
        json.field("accepted", true)
        json.endObject()
        return .json(json)
    }

    fileprivate func acts(_ call: Call) async throws -> Response {
        let acts = try await keyring().acts(limit: try call.limit(atMost: 1000, default: 100))
        var json = JSONWriter()
        json.beginObject()
        json.key("acts")
        json.beginArray()
        for act in acts {
            json.beginObject()
            json.field("at", act.at.description)
            json.field("by", act.by)
            json.field("action", act.action)
            json.field("target", act.target)
            json.field("detail", act.detail)
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return .json(json)
    }
}

extension Grant {
    /// Creates a grant from its text form: `read append` on `account-* order-7`.
    package init(scopes: String, resources: String) throws {
        let names = scopes.split { $0 == " " || $0 == "," }.map(String.init)
        let patterns = resources.split { $0 == " " || $0 == "," }.map { ResourcePattern(String($0)) }
        let known = try names.map { name in
            guard let scope = Scope(rawValue: name) else {
                throw InvalidLine("there is no scope \"\(name)\": read, append, subscribe, admin, project")
            }
            return scope
        }
        guard !known.isEmpty, !patterns.isEmpty else { throw InvalidLine("a grant needs a scope and a resource") }
        self.init(Set(known), on: patterns)
    }
}

extension JSONWriter {
    fileprivate mutating func write(_ key: AccessKey) {
        beginObject()
        writeFields(of: key)
        endObject()
    }

    fileprivate mutating func writeFields(of key: AccessKey) {
        field("id", key.id)
        field("name", key.name)
        field("scopes", key.grant.scopes.map(\.rawValue).sorted().joined(separator: " "))
        field("resources", key.grant.resources.map(\.description).joined(separator: " "))
        field("created", key.created.description)
        if let expires = key.expires { field("expires", expires.description) }
        if let revoked = key.revoked { field("revoked", revoked.description) }
    }
}

// MARK: Long work

extension WebInterface {
    fileprivate func startVerification(_ call: Call) async throws -> Response {
        guard let verify = served.tools.verify else {
            throw Problem(404, .notConfigured, "this kind of store cannot be checked from here")
        }
        let isBegun = jobs.begin(.verification, by: call.principal.name, clock: clock) { progress in
            let report = try await verify(progress)
            let text = "\(report.events) events of \(report.streams) streams"
            return (text, report.isSound, report.findings.map(\.description))
        }
        return try await begun(isBegun, .verification, call)
    }

    fileprivate func startBackup(_ call: Call) async throws -> Response {
        guard let backup = served.tools.backup else {
            throw Problem(404, .notConfigured, "the server has no place for backups: start it with --backups FOLDER")
        }
        let isBegun = jobs.begin(.backup, by: call.principal.name, clock: clock) { (try await backup($0), true, []) }
        return try await begun(isBegun, .backup, call)
    }

    private func begun(_ isBegun: Bool, _ kind: Jobs.Kind, _ call: Call) async throws -> Response {
        guard isBegun else { throw Problem(409, .refused, "a \(kind.rawValue) is under way already") }
        try await audit(call, kind.rawValue, "")
        var response = try show(kind)
        response.status = .accepted
        return response
    }

    fileprivate func show(_ kind: Jobs.Kind) throws -> Response {
        guard let job = jobs.job(kind) else { throw Problem(404, .notFound, "there was no \(kind.rawValue) yet") }
        var json = JSONWriter()
        json.beginObject()
        json.field("by", job.by)
        json.field("begun", job.begun.description)
        if let ended = job.ended { json.field("ended", ended.description) }
        switch job.outcome {
        case .running(let progress):
            json.field("state", "running")
            if let progress {
                json.field("step", progress.step)
                json.field("done", progress.done)
                json.field("total", progress.total)
            }
        case .done(let text, let isGood):
            json.field("state", isGood ? "done" : "found")
            json.field("result", text)
        case .failed(let why):
            json.field("state", "failed")
            json.field("result", why)
        }
        json.key("findings")
        json.beginArray()
        for finding in job.findings { json.string(finding) }
        json.endArray()
        json.endObject()
        return .json(json)
    }
}
