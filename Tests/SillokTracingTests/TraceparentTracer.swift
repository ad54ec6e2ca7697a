import InMemoryTracing
import SillokCore
import Tracing

/// A tracer in memory that names spans by W3C Trace Context.
struct TraceparentTracer: Tracer {
    let base: InMemoryTracer

    init() {
        let number = Lock(0)
        let next: @Sendable (Int) -> String = { digits in
            let text = number.withLock { number in
                number += 1
                return String(number, radix: 16)
            }
            return String(repeating: "0", count: digits - text.count) + text
        }
        base = InMemoryTracer(idGenerator: .init(nextTraceID: { next(32) }, nextSpanID: { next(16) }))
    }

    func startSpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
    ) -> InMemorySpan {
        base.startSpan(
            operationName, context: context(), ofKind: kind, at: instant(), function: function, file: fileID,
            line: line)
    }

    func forceFlush() {}

    func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
    ) where Carrier == Extract.Carrier {
        let parts = (extractor.extract(key: "traceparent", from: carrier) ?? "").split(separator: "-").map(String.init)
        guard parts.count == 4 else { return }
        context.inMemorySpanContext = InMemorySpanContext(traceID: parts[1], spanID: parts[2], parentSpanID: nil)
    }

    func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
    ) where Carrier == Inject.Carrier {
        guard let span = context.inMemorySpanContext else { return }
        injector.inject("00-\(span.traceID)-\(span.spanID)-01", forKey: "traceparent", into: &carrier)
    }

    /// The finished spans with a name.
    func spans(_ name: String) -> [FinishedInMemorySpan] { base.finishedSpans.filter { $0.operationName == name } }
}

extension FinishedInMemorySpan {
    /// The span in the form that metadata records.
    var traceparent: String { "00-\(traceID)-\(spanID)-01" }

    /// The ids of the spans that it is linked to.
    var linkedSpans: [String] { links.compactMap { $0.context.inMemorySpanContext?.spanID } }

    var subject: String {
        if case .string(let text) = attributes["sillok.subject"]?.toSpanAttribute() { text } else { "" }
    }
}
