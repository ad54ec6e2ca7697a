package import SillokCore
public import Tracing

/// Spans of swift-distributed-tracing for the work of this library.
///
/// ```swift
/// InstrumentationSystem.bootstrap(tracer)
/// SillokSpans.start()
/// ```
/// The spans are `sillok.execute` for a command, `sillok.append` within it, `sillok.project` for a write of a
/// projection, `sillok.effect` for a call of a process, and `sillok.delivery` for events that a publisher passes on.
/// The attribute `sillok.subject` is the stream, the projection, the publisher, or the process and its effect.
///
/// The events of a command record the span that executed it, as `traceparent`. Spans of effects and deliveries are
/// linked to the recorded spans of the events that led to them. Until ``start(with:)`` is called, no span is started.
public enum SillokSpans {
    /// Starts spans from now on.
    ///
    /// - Parameter tracer: the tracer; by default that of `InstrumentationSystem`.
    public static func start(with tracer: (any Tracer)? = nil) { Spans.install(DistributedTracer(given: tracer)) }

    /// Starts no more spans.
    public static func stop() { Spans.install(nil) }
}

/// A tracer of swift-distributed-tracing as the library uses it.
package struct DistributedTracer: SpanTracer {
    private static let key = "traceparent"

    private let given: (any Tracer)?

    package init(given: (any Tracer)?) { self.given = given }

    private var tracer: any Tracer { given ?? InstrumentationSystem.tracer }

    package var traceparent: String? {
        guard let context = ServiceContext.current else { return nil }
        var carrier: [String: String] = [:]
        tracer.inject(context, into: &carrier, using: Carrier())
        return carrier[Self.key]
    }

    package func within<Value, Failure: Error>(
        _ description: SpanDescription, _ body: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let span = tracer.startAnySpan(
            "sillok.\(description.kind.rawValue)", context: .current ?? .topLevel, ofKind: description.kind.spanKind)
        defer { span.end() }
        span.attributes["sillok.subject"] = description.subject
        for link in description.links {
            var context = ServiceContext.topLevel
            tracer.extract([Self.key: link], into: &context, using: Carrier())
            span.addLink(SpanLink(context: context, attributes: [:]))
        }
        let result: Result<Value, Failure> = await ServiceContext.$current.withValue(span.context) {
            do throws(Failure) {
                return .success(try await body())
            } catch {
                span.recordError(error)
                span.setStatus(SpanStatus(code: .error))
                return .failure(error)
            }
        }
        return try result.get()
    }
}

extension SpanDescription.Kind {
    fileprivate var spanKind: SpanKind {
        switch self {
        case .execute, .append, .project: .internal
        case .effect: .client
        case .delivery: .producer
        }
    }
}

/// Headers as a dictionary.
private struct Carrier: Injector, Extractor {
    func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) { carrier[key] = value }

    func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
}
