/// The operations of a server, over HTTP and gRPC.
///
/// ``rule`` is the only policy table. A route or an RPC is served only if it belongs to one of these operations, so
/// anything that is not declared is denied.
public enum ServerOperation: String, CaseIterable, Hashable, Sendable {
    // Public: whether the server is alive, and pages without contents.
    case live, ready, dashboard, assets, documentation, openAPI
    // Signing in, and who is signed in.
    case signIn, signOut, session
    // The log.
    case appendEvents, appendToStream, readEvents, queryEvents, readEvent, readEventInBinaryMode, readPosition
    case eventRelations
    case readStream, streamEvents, streamState, listStreams, listCategories, head, tracking, subscribe
    // Rights that a request needs in addition to its own.
    case showPayloads, setRecordedTime
    // Projections.
    case listProjections, showProjection, diffProjection, projectionAudit, objectives, listDeadLetters, showDeadLetter
    case pauseProjection, resumeProjection, rebuildProjection, promoteProjection, rollbackProjection
    case retryDeadLetters, skipDeadLetter, replaceDeadLetter
    // Processes and webhooks.
    case listProcesses, showProcess, listInstances, showInstance, listDeadlines, listFailingSteps
    case releaseInstance, endInstance, undoInstance, retryStep, skipStep, answerStep, resumeEffects
    case listWebhooks, showWebhook, listDeliveries, pauseWebhook, resumeWebhook, redriveWebhook
    // Operations.
    case describeServer, overview, measurements, metrics, listKeys, createKey, revokeKey, audit
    case startVerification, showVerification, startBackup, showBackup

    /// The requirements of an operation.
    public struct Rule: Hashable, Sendable {
        /// The part of the log that the grant must cover.
        public enum Reach: Hashable, Sendable {
            /// No part of the log is shown or changed.
            case server
            /// The streams that the request names or shows; each must be within the grant.
            case streams
            /// The whole log.
            case all
        }

        /// The required scope; `nil` means that the operation is allowed without credentials.
        public let scope: Scope?
        /// The part of the log that the grant must cover.
        public let reach: Reach

        static let everybody = Rule(scope: nil, reach: .server)

        static func needs(_ scope: Scope, _ reach: Reach) -> Rule { Rule(scope: scope, reach: reach) }
    }

    /// The rule of the operation in the policy table.
    public var rule: Rule {
        switch self {
        case .live, .ready, .dashboard, .assets, .documentation, .openAPI: .everybody
        case .signIn, .signOut, .session: .everybody
        case .appendEvents, .appendToStream: .needs(.append, .streams)
        // A condition is broken by events, whose payloads an answer may show.
        case .showPayloads: .needs(.read, .streams)
        // A recorded time affects all later events, in all streams.
        case .setRecordedTime: .needs(.import, .streams)
        case .readEvents, .queryEvents, .readEvent, .readEventInBinaryMode: .needs(.read, .streams)
        case .readPosition, .eventRelations: .needs(.read, .streams)
        case .readStream, .streamEvents, .streamState, .listStreams, .listCategories: .needs(.read, .streams)
        case .head, .tracking, .describeServer: .needs(.read, .server)
        case .subscribe: .needs(.subscribe, .streams)
        case .listProjections, .showProjection, .diffProjection, .projectionAudit, .objectives: .needs(.read, .all)
        case .listDeadLetters, .showDeadLetter: .needs(.read, .all)
        case .pauseProjection, .resumeProjection, .rebuildProjection, .promoteProjection: .needs(.project, .all)
        case .rollbackProjection, .retryDeadLetters, .skipDeadLetter, .replaceDeadLetter: .needs(.project, .all)
        case .listProcesses, .showProcess, .listInstances, .showInstance, .listDeadlines: .needs(.read, .all)
        case .listFailingSteps, .listWebhooks, .showWebhook, .listDeliveries: .needs(.read, .all)
        case .releaseInstance, .endInstance, .undoInstance, .retryStep, .skipStep: .needs(.project, .all)
        case .answerStep, .resumeEffects, .pauseWebhook, .resumeWebhook, .redriveWebhook: .needs(.project, .all)
        case .overview, .measurements, .metrics: .needs(.read, .all)
        case .listKeys, .createKey, .revokeKey, .audit: .needs(.admin, .all)
        case .startVerification, .showVerification, .startBackup, .showBackup: .needs(.admin, .all)
        }
    }

    /// Returns whether the scope and the reach of a principal's grant allow the operation. Streams are checked later,
    /// after the request is parsed.
    public func allows(_ principal: Principal) -> Bool {
        guard let scope = rule.scope else { return true }
        return principal.grant.allows(scope) && (rule.reach != .all || principal.grant.reachesAll)
    }

    /// Returns why a principal may not execute the operation on a resource, or `nil`. Every protocol calls this.
    public func refusal(of principal: Principal, on resource: Resource) -> String? {
        guard allows(principal) else {
            let scope = rule.scope?.rawValue ?? ""
            return rule.scope.map { principal.grant.allows($0) } ?? true
                ? "\(rawValue) needs a grant on everything (\"*\")" : "\(rawValue) needs the scope \"\(scope)\""
        }
        guard rule.reach == .streams else { return nil }
        if case .append(let request) = resource { return principal.grant.refusal(of: request) }
        return principal.grant.reaches(resource) ? nil : Grant.uncovered
    }
}
