import Hummingbird
import Logging
import Sillok
import SillokCloudEvents
import SillokReadSide
import SillokSQL
import SillokWire

extension Endpoint {
    private static let projection = Parameter.path("projection", "The projection.", Parameter.name)
    private static let at = Parameter.path("position", "Where the event is.", Parameter.position)

    /// The endpoints that show projections.
    static let projections = [
        Endpoint(
            method: .get, route: "/v1/projections", operation: .listProjections,
            summary: "All builds of all projections, and how they are.", answers: [200: [.json("Projections")]],
            handle: { interface, call in try await interface.projections(nil) }),
        Endpoint(
            method: .get, route: "/v1/projections/{projection}", operation: .showProjection,
            summary: "The builds of a projection, and how they are.", parameters: [projection],
            answers: [200: [.json("Projections")]], problems: [404],
            handle: { interface, call in try await interface.projections(call.pathName("projection")) }),
        Endpoint(
            method: .get, route: "/v1/projections/{projection}/difference", operation: .diffProjection,
            summary: "The rows that differ between the live build and the new, or the previous, build.",
            parameters: [projection, .limit], answers: [200: [.json("Difference")]], problems: [404, 409],
            handle: { try await $0.difference($1) }),
        Endpoint(
            method: .get, route: "/v1/projection-audit", operation: .projectionAudit,
            summary: "What operators did to projections, the newest first.", parameters: [.limit],
            answers: [200: [.json("ProjectionAudit")]], problems: [404], handle: { try await $0.projectionAudit($1) }),
        Endpoint(
            method: .get, route: "/v1/objectives", operation: .objectives,
            summary: "The objectives, as the application has last measured them.",
            answers: [200: [.json("Objectives")]],
            handle: { interface, _ in
                var json = JSONWriter()
                json.beginObject()
                try await interface.writeObjectives(&json)
                json.endObject()
                return .json(json)
            }),
        Endpoint(
            method: .get, route: "/v1/dead-letters", operation: .listDeadLetters,
            summary: "The dead letters of the live builds, in the order of the log.",
            parameters: [.query("projection", "Only of this projection.", Parameter.name), .after, .limit],
            answers: [200: [.json("DeadLetters")]], problems: [404], handle: { try await $0.deadLetters($1) }),
        Endpoint(
            method: .get, route: "/v1/projections/{projection}/dead-letters/{position}", operation: .showDeadLetter,
            summary: "A dead letter with its event.", parameters: [projection, at],
            answers: [200: [.json("DeadLetterWithEvent")]], problems: [404, 409],
            handle: { try await $0.deadLetter($1) }),
    ]

    /// The endpoints that operate projections. The application that runs the projections executes the requests.
    static let operating = [
        act("pause", .pauseProjection, "Stop all builds of a projection until it is resumed.") {
            try await $0.pause($1, by: $2)
        },
        act("resume", .resumeProjection, "Resume a paused projection.") { try await $0.resume($1, by: $2) },
        act("rebuild", .rebuildProjection, "Request a new build. The live build stays in use.") {
            try await $0.requestRebuild(of: $1, by: $2)
        },
        act("promote", .promoteProjection, "Let queries see the newest build.") { try await $0.promote($1, by: $2) },
        act("rollback", .rollbackProjection, "Let queries see the build before again.") {
            try await $0.rollback($1, by: $2)
        },
        act("retry", .retryDeadLetters, "Have the dead letters tried again, in order and each once.") {
            try await $0.retry($1, by: $2)
        },
        letterAct("skip", .skipDeadLetter, "Say that an event is never to be projected.") {
            side, name, at, fields, whom in
            try await side.skip(name, at: at, by: whom)
        },
        letterAct("replace", .replaceDeadLetter, "Have another payload projected instead of an event's own.") {
            side, name, at, fields, whom in
            guard let payload = fields["payload"] else { throw Problem(400, .malformed, "\"payload\" is missing") }
            try await side.replace(name, at: at, with: payload, by: whom)
        },
    ]

    private static func act(
        _ verb: String, _ operation: ServerOperation, _ summary: String,
        _ body: @escaping @Sendable (ReadSide, String, Operator) async throws -> Void
    ) -> Endpoint {
        Endpoint(
            method: .post, route: "/v1/projections/{projection}/\(verb)", operation: operation, summary: summary,
            parameters: [projection], body: .json("Reason"), answers: [202: [.json("Accepted")]],
            problems: [404, 408, 409, 413, 415],
            handle: { interface, call in
                let name = call.pathName("projection")
                return try await interface.act(call, name, ["reason"]) { side, _, whom in
                    try await body(side, name, whom)
                }
            })
    }

    private static func letterAct(
        _ verb: String, _ operation: ServerOperation, _ summary: String,
        _ body: @escaping @Sendable (ReadSide, String, Position, [String: String], Operator) async throws -> Void
    ) -> Endpoint {
        Endpoint(
            method: .post, route: "/v1/projections/{projection}/dead-letters/{position}/\(verb)", operation: operation,
            summary: summary, parameters: [projection, at], body: .json(verb == "replace" ? "Replacement" : "Reason"),
            answers: [202: [.json("Accepted")]], problems: [404, 408, 409, 413, 415],
            handle: { interface, call in
                let (name, at) = (call.pathName("projection"), try call.pathNumber("position"))
                let known: Set = verb == "replace" ? ["reason", "payload"] : ["reason"]
                return try await interface.act(call, "\(name) at \(at)", known) { side, fields, whom in
                    try await body(side, name, at, fields, whom)
                }
            })
    }
}

extension WebInterface {
    private func side() throws -> ReadSide {
        guard let side = served.readSide else {
            throw Problem(404, .notConfigured, "the server was started without a read model: --read-model FILE")
        }
        return side
    }

    /// Executes an operation on a projection in the name of the caller, and records it.
    fileprivate func act(
        _ call: Call, _ target: String, _ known: Set<String>,
        _ body: @Sendable (ReadSide, [String: String], Operator) async throws -> Void
    ) async throws -> Response {
        let side = try side()
        let fields = try Asking.texts(try await call.jsonBody(limit: 2 << 20), known)
        guard let reason = fields["reason"], !reason.isEmpty, reason.utf8.count <= 1000 else {
            throw Problem(400, .malformed, "\"reason\" says why, in 1 to 1,000 bytes")
        }
        if let name = call.path["projection"], try await side.status(of: name).isEmpty {
            throw Problem(404, .notFound, "there is no such projection")
        }
        try await body(side, fields, Operator(call.principal.name, because: reason))
        try await audit(call, target, reason)
        var json = JSONWriter()
        json.beginObject()
        json.field("accepted", true)
        json.endObject()
        return .json(json, status: 202)
    }

    /// Records an act in the log of the keys, if there is one.
    func audit(_ call: Call, _ target: String, _ detail: String) async throws {
        logger.notice(
            "an administrative act",
            metadata: ["by": "\(call.principal.name)", "act": "\(call.operation.rawValue)", "target": "\(target)"])
        try await gatekeeper.keyring?.record(call.operation.rawValue, target, detail, by: call.principal.name)
    }

    fileprivate func projections(_ name: String?) async throws -> Response {
        let all = name == nil ? try await served.readSide?.status() ?? [] : try await side().status(of: name)
        if name != nil, all.isEmpty { throw Problem(404, .notFound, "there is no such projection") }
        var json = JSONWriter()
        json.beginObject()
        json.field("hasReadModel", served.readSide != nil)
        json.key("projections")
        json.beginArray()
        for status in all { json.write(status) }
        json.endArray()
        json.endObject()
        return .json(json)
    }

    fileprivate func difference(_ call: Call) async throws -> Response {
        let name = call.pathName("projection")
        let limit = try call.limit(atMost: 1000, default: 100)
        let side = try side()
        if try await side.status(of: name).isEmpty { throw Problem(404, .notFound, "there is no such projection") }
        let found = try await side.diff(name, limit: limit)
        var json = JSONWriter()
        json.beginObject()
        json.field("live", "\(found.live)")
        json.field("other", "\(found.other)")
        json.field("apart", found.apart)
        json.field("rows", found.rows)
        json.field("isCut", found.isCut)
        json.key("differences")
        json.beginArray()
        for difference in found.differences {
            json.beginObject()
            json.field("table", difference.table)
            if let row = difference.live { json.field("live", row.words) }
            if let row = difference.other { json.field("other", row.words) }
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return .json(json)
    }

    fileprivate func projectionAudit(_ call: Call) async throws -> Response {
        let entries = try await side().audit(limit: try call.limit(atMost: 1000, default: 100))
        var json = JSONWriter()
        json.beginObject()
        json.key("acts")
        json.beginArray()
        for entry in entries {
            json.beginObject()
            json.field("at", entry.at.description)
            json.field("by", entry.actor)
            json.field("action", entry.action)
            json.field("target", "\(entry.projection)")
            json.field("detail", entry.detail)
            json.field("reason", entry.reason)
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return .json(json)
    }

    func writeObjectives(_ json: inout JSONWriter) async throws {
        json.key("objectives")
        json.beginArray()
        for objective in try await served.readSide?.objectives() ?? [] {
            json.beginObject()
            json.field("subject", objective.subject)
            json.field("objective", objective.objective)
            json.field("measured", objective.measured)
            json.field("budgetLeft", objective.budgetLeft)
            json.field("burnRate", objective.burnRate)
            json.field("isMet", objective.isMet)
            json.field("isStale", objective.isStale(at: clock.now()))
            json.field("at", objective.at.description)
            json.endObject()
        }
        json.endArray()
    }

    fileprivate func deadLetters(_ call: Call) async throws -> Response {
        let limit = try call.limit(atMost: 1000, default: 100)
        let after = Position(try call.number("after") ?? 0)
        let letters =
            try await served.readSide?.deadLetters(
                of: try call.text("projection"), after: after, limit: limit) ?? []
        var json = JSONWriter()
        json.beginObject()
        json.key("deadLetters")
        json.beginArray()
        for letter in letters.prefix(limit) { json.write(letter) }
        json.endArray()
        json.endObject()
        return .json(json)
    }

    fileprivate func deadLetter(_ call: Call) async throws -> Response {
        let (name, at) = (call.pathName("projection"), try call.pathNumber("position"))
        let found: (letter: DeadLetter, event: RecordedEvent)
        do {
            found = try await side().deadLetter(of: name, at: at)
        } catch let refusal as ProjectionRefusal {
            throw Problem(404, .notFound, "\(refusal)")
        }
        var writer = CloudEventWriter(store: storeID)
        writer.json.beginObject()
        writer.json.key("deadLetter")
        writer.json.write(found.letter)
        writer.json.key("event")
        writer.writeObject(found.event)
        writer.json.endObject()
        return .bytes(writer.take(), "application/json")
    }
}

extension JSONWriter {
    fileprivate mutating func write(_ letter: DeadLetter) {
        beginObject()
        field("projection", letter.projection.name)
        field("position", letter.position.value)
        field("event", letter.event.description)
        field("type", letter.type.text)
        if let stream = letter.stream { field("stream", stream.text) }
        field("sequence", letter.sequence)
        field("state", letter.state.rawValue)
        field("reason", letter.reason)
        field("attempts", letter.attempts)
        field("parkedAt", letter.parkedAt.description)
        if let replacement = letter.replacement { field("replacement", replacement) }
        endObject()
    }

    mutating func write(_ status: ProjectionStatus) {
        let build = status.build
        beginObject()
        field("projection", build.id.name)
        field("version", build.id.version)
        field("build", build.id.build)
        field("state", build.state.rawValue)
        field("lifecycle", build.lifecycle.rawValue)
        field("partitions", build.partitions)
        field("position", status.position.value)
        field("head", status.head.value)
        field("behind", status.behind)
        field("lagSeconds", status.lagTime.seconds)
        field("events", status.count)
        field("deadLetters", status.deadLetters)
        field("isPaused", build.isPaused)
        field("progress", status.progress)
        field("begun", build.begun.description)
        if let caughtUp = build.caughtUp { field("caughtUp", caughtUp.description) }
        if let failure = build.failure { field("failure", failure) }
        endObject()
    }
}
