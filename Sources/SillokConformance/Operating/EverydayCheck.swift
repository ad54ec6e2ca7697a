/// A check of any store, at a size for every day.
package enum EverydayCheck: String, CaseIterable, Sendable {
    case hotStream = "CON-1: many clients on one stream"
    case overlappingDecisions = "CON-2: many clients with overlapping decisions"
    case droppedResponses = "IDM-2: lost responses and retries"
    case subscribers = "SUB-1: subscribers next to writers"
    case idleSubscribers = "W4: idle subscribers read nothing while others append"

    /// Runs the check. `scale` multiplies its size.
    package func run(_ checks: OperationalChecks, scale: Int) async throws -> OperationalReport {
        switch self {
        case .hotStream: try await checks.hotStream(clients: 64, appends: 3 * scale)
        case .overlappingDecisions: try await checks.overlappingDecisions(clients: 32, attempts: 20 * scale)
        case .droppedResponses: try await checks.droppedResponses(clients: 16, appends: 20 * scale)
        case .subscribers:
            try await checks.subscribe(subscribers: 100 * scale, writers: 8, appendsPerWriter: 20 * scale)
        case .idleSubscribers: try await checks.idle(subscribers: 200, appends: 100 * scale)
        }
    }
}
