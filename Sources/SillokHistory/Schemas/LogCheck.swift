public import Sillok
public import SillokCore
import SillokJSON

/// Reads a log with the code of the next deployment, and compares its states with those of the code that runs now.
///
/// ```swift
/// let states = try await LogCheck<Meter>(in: store, category: "meter").keepStates(8)
/// ```
public struct LogCheck<D: Decider & Encodable>: Sendable {
    private let category: StreamCategory?
    private let store: any EventStore
    private let coding = EventCoding<D.Event>()

    /// Creates a check of the streams of a category.
    ///
    /// - Parameters:
    ///   - store: the log; a copy of the real one.
    ///   - category: the part of the streams' names before the first dash; `nil`: all streams.
    public init(in store: any EventStore, category: StreamCategory? = nil) {
        self.category = category
        self.store = store
    }

    /// Returns the states of some streams, computed by this code. Keep them before a deployment, and give them to
    /// ``run(against:progress:)`` of the new code.
    ///
    /// - Parameters:
    ///   - count: the maximum number of streams. Each call takes the same ones, spread over all names.
    ///   - progress: called with the number of streams that were read.
    /// - Throws: the errors of the store and of decoding events.
    public func keepStates(
        _ count: Int = 100, progress: (WorkProgress) -> Void = { _ in }
    ) async throws -> [KeptState] {
        var states: [KeptState] = []
        for stream in try await sampleStreams(count, progress: progress) {
            let (state, revision) = try await state(of: stream, through: nil)
            states.append(KeptState(stream: stream, revision: revision.value, state: try PlainCoding.encode(state)))
        }
        return states
    }

    /// Decodes and upcasts every event, folds the streams of `states` again, and compares the results. Writes nothing.
    ///
    /// All members of an old state must still exist with the same values. New members are not compared.
    /// - Parameters:
    ///   - states: the states of some streams that the running code computed.
    ///   - progress: called at intervals with the progress.
    /// - Returns: all types and versions, events that cannot be read, and states that differ. The check does not stop
    ///   at the first fault.
    /// - Throws: the errors of the store.
    public func run(
        against states: [KeptState] = [], progress: (WorkProgress) -> Void = { _ in }
    ) async throws -> LogCheckReport {
        var report = LogCheckReport()
        report.kinds = try await decodeAll(progress)
        for (index, kept) in states.enumerated() {
            progress(WorkProgress(step: "states", done: UInt64(index), total: UInt64(states.count)))
            report.states += 1
            let revision = Revision(kept.revision)
            func differs(_ message: String) {
                report.differences.append(.init(stream: kept.stream, revision: revision, message: message))
            }
            do {
                let (state, reached) = try await state(of: kept.stream, through: revision)
                guard reached == revision else {
                    differs("the stream ends at revision \(reached)")
                    continue
                }
                guard let was = JSONValue(parsing: kept.state),
                    let now = JSONValue(parsing: try PlainCoding.encode(state))
                else {
                    differs("the stored state is not JSON")
                    continue
                }
                for difference in now.differences(from: was) { differs(difference) }
            } catch let error as StoreError {
                throw error
            } catch let error as CancellationError {
                throw error
            } catch {
                differs("the state cannot be computed: \(error)")
            }
        }
        progress(WorkProgress(step: "states", done: UInt64(states.count), total: UInt64(states.count)))
        return report
    }

    private func decodeAll(_ progress: (WorkProgress) -> Void) async throws -> [LogCheckReport.Kind] {
        var kinds: [EventType: [Int: LogCheckReport.Kind]] = [:]
        let head = try await store.head()
        for try await page in store.pages(category.map { .category($0) } ?? .all) {
            for event in page.events {
                let version = (try? event.schemaVersion) ?? 0
                var kind = kinds[event.type]?[version] ?? .init(type: event.type, version: version)
                kind.count += 1
                do {
                    try coding.forEach(of: event) { _, _ in }
                } catch {
                    kind.failures += 1
                    if kind.firstFailure == nil { (kind.firstFailure, kind.reason) = (event.position, "\(error)") }
                }
                kinds[event.type, default: [:]][version] = kind
            }
            progress(WorkProgress(step: "events", done: min(page.through, head).value, total: head.value))
        }
        return kinds.values.flatMap(\.values).sorted { ($0.type, $0.version) < ($1.type, $1.version) }
    }

    /// The state of a stream up to a revision, or to its end, and the revision that was reached.
    private func state(of stream: StreamID, through revision: Revision?) async throws -> (state: D, revision: Revision)
    {
        var state = D()
        var reached = Revision.none
        for try await page in store.pages(.stream(stream)) {
            for event in page.events {
                if let revision, event.revision > revision { return (state, reached) }
                try coding.forEach(of: event) { payload, _ in state.evolve(payload) }
                reached = event.revision
            }
        }
        return (state, reached)
    }

    /// Streams whose names have the smallest hashes: a sample that is spread evenly and does not depend on order.
    private func sampleStreams(_ count: Int, progress: (WorkProgress) -> Void) async throws -> [StreamID] {
        var sample: [(hash: UInt64, stream: StreamID)] = []
        var (after, seen): (StreamID?, UInt64) = (nil, 0)
        while count > 0 {
            let page = try await store.streams(in: category, after: after, limit: store.limits.pageEvents)
            guard let last = page.last else { break }
            sample += page.map { ($0.id.stableHash, $0.id) }
            if sample.count > count { sample = Array(sample.sorted { $0.hash < $1.hash }.prefix(count)) }
            seen += UInt64(page.count)
            after = last.id
            progress(WorkProgress(step: "streams", done: seen, total: seen))
        }
        return sample.map(\.stream).sorted()
    }
}

extension StreamID {
    fileprivate var stableHash: UInt64 {
        let sum = text.fnv1a
        return sum ^ sum >> 32
    }
}
