import Hummingbird
import Logging
import Sillok
import SillokAPI
import SillokCloudEvents
import SillokCore
import SillokReadSide
import SillokSQL

extension Endpoint {
    private static let projection = Parameter.path("projection", "The projection.", Parameter.name)
    private static let at = Parameter.path("position", "The position of the event.", Parameter.position)

    /// The endpoints that show projections.
    static let projections: [Endpoint] = [
        Endpoint(
            .get, "/v1/projections", .listProjections, "All builds of all projections, with their status.",
            .value { interface, _ in
                let all = try await interface.served.readSide?.status() ?? []
                return interface.answer(all)
            }),
        Endpoint(
            .get, "/v1/projections/{projection}", .showProjection, "The builds of a projection, with their status.",
            parameters: [projection], problems: [404],
            .value { interface, call in interface.answer(try await interface.known(call).builds) }),
        Endpoint(
            .get, "/v1/projections/{projection}/difference", .diffProjection,
            "The rows that differ between the live build and the new, or the previous, build.",
            parameters: [projection, .limit], problems: [404, 409], .value { try await $0.difference($1) }),
        Endpoint(
            .get, "/v1/projection-audit", .projectionAudit,
            "The actions of operators on projections, the newest first.",
            parameters: [.limit], problems: [404], .value { try await $0.projectionAudit($1) }),
        Endpoint(
            .get, "/v1/objectives", .objectives, "The objectives, as the application has last measured them.",
            .value { interface, _ in Answer(API.Objectives(try await interface.objectives())) }),
        Endpoint(
            .get, "/v1/dead-letters", .listDeadLetters,
            "The dead letters of the live builds, in the order of the log.",
            parameters: [.query("projection", "Only of this projection.", Parameter.name), .after, .limit],
            problems: [404], .value { try await $0.deadLetters($1) }),
        Endpoint(
            .get, "/v1/projections/{projection}/dead-letters/{position}", .showDeadLetter,
            "A dead letter with its event.", parameters: [projection, at], problems: [404, 409],
            .value { try await $0.deadLetter($1) }),
    ]

    /// The endpoints that operate projections. The application that runs the projections executes the requests.
    static let operating: [Endpoint] = [
        act("pause", .pauseProjection, "Stop all builds of a projection until it is resumed.") {
            try await $0.pause($1, by: $2)
        },
        act("resume", .resumeProjection, "Resume a paused projection.") { try await $0.resume($1, by: $2) },
        act("rebuild", .rebuildProjection, "Request a new build. The live build stays in use.") {
            try await $0.requestRebuild(of: $1, by: $2)
        },
        act("promote", .promoteProjection, "Let queries see the newest build.") { try await $0.promote($1, by: $2) },
        act("rollback", .rollbackProjection, "Let queries see the previous build again.") {
            try await $0.rollback($1, by: $2)
        },
        act("retry", .retryDeadLetters, "Retry the dead letters, in order and each once.") {
            try await $0.retry($1, by: $2)
        },
        letterAct("skip", .skipDeadLetter, "Skip an event permanently.", API.Reason.self) {
            try await $0.skip($1, at: $2, by: $4)
        },
        letterAct(
            "replace", .replaceDeadLetter, "Let the projection use another payload for an event.",
            API.Replacement.self
        ) { try await $0.replace($1, at: $2, with: $3.payload, by: $4) },
    ]

    private static func act(
        _ verb: String, _ operation: ServerOperation, _ summary: String,
        _ body: @escaping @Sendable (ReadSide, String, Operator) async throws -> Void
    ) -> Endpoint {
        Endpoint(
            .post, "/v1/projections/{projection}/\(verb)", operation, summary, parameters: [projection],
            problems: [404, 409],
            .value(of: API.Reason.self, limit: 2 << 20, status: 202, after: { _ = try $0.side() }) {
                interface, call, input in
                let name = call.pathName("projection")
                return try await interface.act(call, name, input) { try await body($0, name, $1) }
            })
    }

    private static func letterAct<Input: Reasoned>(
        _ verb: String, _ operation: ServerOperation, _ summary: String, _ input: Input.Type,
        _ body: @escaping @Sendable (ReadSide, String, Position, Input, Operator) async throws -> Void
    ) -> Endpoint {
        Endpoint(
            .post, "/v1/projections/{projection}/dead-letters/{position}/\(verb)", operation, summary,
            parameters: [projection, at], problems: [404, 409],
            .value(of: input, limit: 2 << 20, status: 202, after: { _ = try $0.side() }) { interface, call, input in
                let (name, at) = (call.pathName("projection"), try call.pathNumber("position"))
                return try await interface.act(call, "\(name) at \(at)", input) {
                    try await body($0, name, at, input, $1)
                }
            })
    }
}

/// A request that says why.
protocol Reasoned: Message {
    var reason: String { get }
}

extension API.Reason: Reasoned {}
extension API.Replacement: Reasoned {}

extension WebInterface {
    fileprivate func side() throws -> ReadSide { try configured(served.readSide) }

    /// Returns what needs a read model, or throws if the server has none.
    func configured<Operations>(_ operations: Operations?) throws -> Operations {
        guard let operations else {
            throw Problem(404, .notConfigured, "the server was started without a read model: --read-model FILE")
        }
        return operations
    }

    /// Returns the read side and the builds of the projection that a path names.
    fileprivate func known(_ call: Call) async throws -> (side: ReadSide, builds: [ProjectionStatus]) {
        let side = try side()
        let builds = try await side.status(of: call.pathName("projection"))
        if builds.isEmpty { throw Problem(404, .notFound, "there is no such projection") }
        return (side, builds)
    }

    /// Executes an operation on a projection in the name of the caller, and records it.
    fileprivate func act(
        _ call: Call, _ target: String, _ input: some Reasoned,
        _ body: @Sendable (ReadSide, Operator) async throws -> Void
    ) async throws -> Answer<API.Accepted> {
        try await operate(call, target, input) { whom in
            try await body(try await known(call).side, whom)
            return API.Accepted()
        }
    }

    /// Executes an operation in the name of the caller, and records it.
    func operate<Output>(
        _ call: Call, _ target: String, _ input: some Reasoned, _ body: (Operator) async throws -> Output
    ) async throws -> Answer<Output> {
        let reason = input.reason
        guard !reason.isEmpty, reason.utf8.count <= 1000 else {
            throw Problem(400, .malformed, "\"reason\" must have 1 to 1,000 bytes")
        }
        let output = try await body(Operator(call.principal.name, because: reason))
        try await audit(call, target, reason)
        return Answer(output)
    }

    /// Records an act in the log of the keys, if there is one.
    func audit(_ call: Call, _ target: String, _ detail: String) async throws {
        logger.notice(
            "an administrative action",
            metadata: ["by": "\(call.principal.name)", "act": "\(call.operation.rawValue)", "target": "\(target)"])
        try await gatekeeper.keyring?.record(call.operation.rawValue, target, detail, by: call.principal.name)
    }

    fileprivate func answer(_ builds: [ProjectionStatus]) -> Answer<API.Projections> {
        Answer(API.Projections(builds, hasReadModel: served.readSide != nil))
    }

    fileprivate func difference(_ call: Call) async throws -> Answer<API.Difference> {
        let limit = try call.limit(atMost: 1000, default: 100)
        let found = try await known(call).side.diff(call.pathName("projection"), limit: limit)
        return Answer(API.Difference(found))
    }

    fileprivate func projectionAudit(_ call: Call) async throws -> Answer<API.ProjectionAudit> {
        let entries = try await side().audit(limit: try call.limit(atMost: 1000, default: 100))
        return Answer(API.ProjectionAudit(entries))
    }

    /// Returns the objectives, and whether each is out of date now.
    func objectives() async throws -> [API.Objective] {
        try await (served.readSide?.objectives() ?? []).map { API.Objective($0, at: clock.now()) }
    }

    fileprivate func deadLetters(_ call: Call) async throws -> Answer<API.DeadLetters> {
        let limit = try call.limit(atMost: 1000, default: 100)
        let after = Position(try call.number("after") ?? 0)
        let letters =
            try await served.readSide?.deadLetters(
                of: try call.text("projection"), after: after, limit: limit) ?? []
        return Answer(API.DeadLetters(letters.prefix(limit)))
    }

    fileprivate func deadLetter(_ call: Call) async throws -> Answer<API.DeadLetterWithEvent> {
        let (name, at) = (call.pathName("projection"), try call.pathNumber("position"))
        do {
            let (letter, event) = try await side().deadLetter(of: name, at: at)
            return Answer(API.DeadLetterWithEvent(letter, event, of: storeID))
        } catch let refusal as ProjectionRefusal {
            throw Problem(404, .notFound, "\(refusal)")
        }
    }
}
