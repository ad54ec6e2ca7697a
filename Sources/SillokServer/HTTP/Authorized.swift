import SillokCore

/// A value that the grant of the caller covers. Only the checks of this file make one. An operation on streams has to
/// answer with one, so its code does not compile without a check.
struct Authorized<Value: Sendable>: Sendable {
    let value: Value

    fileprivate init(_ value: Value) { self.value = value }

    /// Returns what is answered of the value.
    func map<Result>(_ transform: (Value) async throws -> Result) async rethrows -> Authorized<Result> {
        Authorized<Result>(try await transform(value))
    }
}

extension Call {
    /// Returns a query, if the grant covers every event that it can match.
    func authorized(_ query: EventQuery) throws -> Authorized<EventQuery> {
        try authorized(query, principal.grant.reaches(query))
    }

    /// Returns a stream that the grant covers.
    func authorized(_ stream: StreamID) throws -> Authorized<StreamID> {
        try authorized(stream, principal.grant.reaches(stream))
    }

    /// Returns an append, if the grant covers all that it writes to or has conditions on.
    func authorized(_ request: AppendRequest) throws -> Authorized<AppendRequest> {
        if let refusal = principal.grant.refusal(of: request) { throw Gatekeeper.Refusal.forbidden(refusal) }
        return Authorized(request)
    }

    /// Returns an event that exists and is within the grant. The error does not disclose events outside it.
    func authorized(_ event: RecordedEvent?, _ what: String) throws -> Authorized<RecordedEvent> {
        guard let event, principal.grant.reaches(event.stream) else {
            throw Problem(404, .notFound, "there is no \(what)")
        }
        return Authorized(event)
    }

    /// The grant, for an answer that shows only what it covers.
    var filter: Authorized<Grant> { Authorized(principal.grant) }

    private func authorized<Value>(_ value: Value, _ isReached: Bool) throws -> Authorized<Value> {
        guard isReached else {
            throw Gatekeeper.Refusal.forbidden(Grant.uncovered)
        }
        return Authorized(value)
    }
}
