import Hummingbird
import Sillok
import SillokAPI
import SillokCore
import SillokProcessOperations
import SillokReadSide

extension Endpoint {
    private static let process = Parameter.path("process", "The process.", Parameter.name)
    private static let key = Parameter.path("key", "The key of the instance.", Parameter.name)
    private static let next = Parameter.query("after", "Where the page starts: `next` of the page before.")

    /// The endpoints that show processes.
    static let processes: [Endpoint] = [
        Endpoint(
            .get, "/v1/processes", .listProcesses, "All processes, with counts of their instances and of their work.",
            .value { interface, _ in
                let all = try await interface.served.processes?.processes() ?? []
                return Answer(API.Processes(all, hasReadModel: interface.served.processes != nil))
            }),
        Endpoint(
            .get, "/v1/processes/{process}", .showProcess, "A process, with counts of its instances and of its work.",
            parameters: [process], problems: [404],
            .value { interface, call in
                Answer(API.Process(try await interface.operations().process(call.pathName("process"))))
            }),
        Endpoint(
            .get, "/v1/processes/{process}/instances", .listInstances,
            "The instances of a process, the most recently started first.",
            parameters: [
                process,
                .query(
                    "state", "Only instances in this state.",
                    ["type": "string", "enum": .array(InstanceState.allCases.map { .string($0.rawValue) })]),
                .query("search", "Only instances whose keys begin with this text."), next, .limit,
            ], problems: [404, 409], .value { try await $0.instances($1) }),
        Endpoint(
            .get, "/v1/processes/{process}/instances/{key}", .showInstance,
            "An instance with its open work, and a page of its records in their order.",
            parameters: [process, key, next, .limit], problems: [404, 409], .value { try await $0.instance($1) }),
        Endpoint(
            .get, "/v1/processes/{process}/deadlines", .listDeadlines,
            "The waiting deadlines of a process in the order of their times.",
            parameters: [process, next, .limit], problems: [404, 409],
            .value { try await $0.work($1) { try await $0.deadlines(of: $1, after: $2, limit: $3) } }),
        Endpoint(
            .get, "/v1/processes/{process}/effects", .listFailingSteps,
            "The steps of a process whose last attempt failed, and effects whose outcome is unknown, oldest first.",
            parameters: [process, next, .limit], problems: [404, 409],
            .value { try await $0.work($1) { try await $0.failures(of: $1, after: $2, limit: $3) } }),
    ]

    /// The endpoints that operate processes. The application that runs the process executes what they record.
    static let operatingProcesses: [Endpoint] = [
        act("release", .releaseInstance, "Let a parked instance continue.", API.Release.self) {
            try await $0.release($1.key, in: $1.process, skippingInput: $2.skippingInput ?? false, by: $3)
        },
        act("end", .endInstance, "End a running instance. Its deadlines are cancelled.", API.Reason.self) {
            try await $0.end($1.key, in: $1.process, by: $3)
        },
        act("undo", .undoInstance, "Undo the executed steps of an instance, and end it.", API.Reason.self) {
            try await $0.undo($1.key, in: $1.process, by: $3)
        },
        act("steps/{step}/retry", .retryStep, "Try a step again now.", API.Reason.self) {
            try await $0.retry($1.step(), of: $1.key, in: $1.process, by: $3)
        },
        act("steps/{step}/skip", .skipStep, "Settle a step without executing it.", API.Reason.self) {
            try await $0.skip($1.step(), of: $1.key, in: $1.process, by: $3)
        },
        act(
            "steps/{step}/answer", .answerStep, "Settle an effect as executed, with its result.", API.EffectAnswer.self
        ) { try await $0.answer($1.step(), with: $2.result, of: $1.key, in: $1.process, by: $3) },
        Endpoint(
            .post, "/v1/processes/{process}/kinds/{kind}/resume", .resumeEffects,
            "Let a paused kind of effect continue.",
            parameters: [process, .path("kind", "The name of the effect.", Parameter.name)], problems: [404, 409],
            .value(of: API.Reason.self, limit: 2 << 20, status: 202, after: { _ = try $0.operations() }) {
                interface, call, input in
                let (operations, kind) = (try interface.operations(), call.pathName("kind"))
                return try await interface.operate(call, "\(call.pathName("process")) \(kind)", input) { whom in
                    try await operations.resume(effects: kind, of: call.pathName("process"), by: whom)
                    return API.Accepted()
                }
            }),
    ]

    private static func act<Input: Reasoned>(
        _ path: String, _ operation: ServerOperation, _ summary: String, _ input: Input.Type,
        _ body: @escaping @Sendable (ProcessOperations, ProcessPlace, Input, Operator) async throws -> ProcessActReport
    ) -> Endpoint {
        let step = path.contains("{step}") ? [Parameter.path("step", "The id of the step.")] : []
        return Endpoint(
            .post, "/v1/processes/{process}/instances/{key}/\(path)", operation, summary,
            parameters: [process, key] + step, problems: [404, 409],
            .value(of: input, limit: 2 << 20, status: 202, after: { _ = try $0.operations() }) {
                interface, call, input in
                let (operations, place) = (try interface.operations(), ProcessPlace(call))
                return try await interface.operate(call, "\(place)", input) { whom in
                    API.ProcessAct(try await body(operations, place, input, whom))
                }
            })
    }
}

/// The instance, and the step, that a path names.
private struct ProcessPlace: CustomStringConvertible {
    let process, key, stepText: String

    init(_ call: Call) {
        (process, key, stepText) = (call.pathName("process"), call.pathName("key"), call.pathName("step"))
    }

    var description: String { "\(process) \(key)\(stepText.isEmpty ? "" : " \(stepText)")" }

    func step() throws -> EventID {
        guard let step = EventID(stepText) else {
            throw Problem(404, .notFound, "\(process) \(key) has no step \"\(stepText)\"")
        }
        return step
    }
}

extension API.Release: Reasoned {}
extension API.EffectAnswer: Reasoned {}

extension WebInterface {
    fileprivate func operations() throws -> ProcessOperations { try configured(served.processes) }

    fileprivate func instances(_ call: Call) async throws -> Answer<API.Instances> {
        let state = try call.text("state").map { text in
            guard let state = InstanceState(rawValue: text) else {
                let names = InstanceState.allCases.map(\.rawValue).joined(separator: ", ")
                throw Problem(400, .malformed, "\"state\" must be one of \(names)")
            }
            return state
        }
        let page = try await operations().instances(
            of: call.pathName("process"), in: state, keysFrom: try call.text("search") ?? "", after: try call.cursor(),
            limit: try call.limit(atMost: 1000, default: 100))
        return Answer(API.Instances(page))
    }

    fileprivate func instance(_ call: Call) async throws -> Answer<API.InstanceHistory> {
        let (operations, place) = (try operations(), ProcessPlace(call))
        let limit = try call.limit(atMost: 1000, default: 100)
        let detail = try await operations.instance(place.key, of: place.process)
        let page =
            detail.revision == .none
            ? nil
            : try await operations.timeline(of: place.key, in: place.process, after: try call.cursor(), limit: limit)
        var sources: [EventID: RecordedEvent] = [:]
        for id in Set(page?.elements.compactMap { $0.source?.event } ?? []) { sources[id] = try await store.event(id) }
        return Answer(API.InstanceHistory(of: place.process, detail, page, sources: sources, at: clock.now()))
    }

    fileprivate func work(
        _ call: Call,
        _ body: (ProcessOperations, String, PageCursor?, Int) async throws -> ProcessPage<ProcessWork>
    ) async throws -> Answer<API.WorkPage> {
        let limit = try call.limit(atMost: 1000, default: 100)
        let page = try await body(try operations(), call.pathName("process"), try call.cursor(), limit)
        return Answer(API.WorkPage(page, at: clock.now()))
    }
}

extension Call {
    /// Returns the place where a page of a list of processes starts.
    fileprivate func cursor() throws -> PageCursor? {
        guard let text = try text("after") else { return nil }
        guard let cursor = PageCursor(text) else {
            throw Problem(400, .malformed, "\"after\" is not the \"next\" of a page")
        }
        return cursor
    }
}
