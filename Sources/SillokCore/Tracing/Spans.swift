import CSillok
import SillokEvents

/// What starts and ends spans. `SillokTracing` has the one for swift-distributed-tracing.
package protocol SpanTracer: Sendable {
    /// Runs `body` within a span.
    func within<Value, Failure: Error>(
        _ span: SpanDescription, _ body: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value

    /// The current span as a `traceparent` of W3C Trace Context; `nil` without one.
    var traceparent: String? { get }
}

/// What a span is about.
package struct SpanDescription: Sendable {
    package enum Kind: String, Sendable {
        /// A command is executed.
        case execute
        /// Events are appended to a store.
        case append
        /// Rows of a projection are written.
        case project
        /// A process calls another system.
        case effect
        /// A publisher passes events on.
        case delivery
    }

    package let kind: Kind
    /// The stream, the projection, the publisher, or the process and its effect.
    package let subject: String
    /// The recorded spans that led to this one, as `traceparent`.
    package let links: [String]
}

/// The spans of the library. Without a tracer a span costs one load and a call.
package enum Spans {
    /// The tracer of the task, for tests.
    @TaskLocal package static var ofTask: (any SpanTracer)?

    private static let installed = Lock<(any SpanTracer)?>(nil)
    /// The most links of a span.
    private static let linkLimit = 32

    /// Installs the tracer of the process; `nil` removes it.
    package static func install(_ tracer: (any SpanTracer)?) {
        installed.withLock { $0 = tracer }
        sillok_set_tracing(tracer == nil ? 0 : 1)
    }

    /// Lets tasks have tracers of their own. For tests, so that tests that run at the same time have no spans.
    package static func traceTasks() { sillok_set_tracing(1) }

    private static var tracer: (any SpanTracer)? {
        if sillok_is_tracing() == 0 { return nil }
        return ofTask ?? installed.withLock { $0 }
    }

    /// The current span as a `traceparent`; `nil` without one.
    package static var traceparent: String? { tracer?.traceparent }

    /// Runs `body` within a span if the application traces.
    package static func within<Value, Failure: Error>(
        _ kind: SpanDescription.Kind, _ subject: @autoclosure () -> String,
        links: @autoclosure () -> [String] = [],
        _ body: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        guard let tracer else { return try await body() }
        let description = SpanDescription(
            kind: kind, subject: subject(), links: Array(links().prefix(linkLimit)))
        return try await tracer.within(description, body)
    }
}
