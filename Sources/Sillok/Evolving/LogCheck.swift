public import SillokCore

/// The state of a stream as some code made it: what newer code is compared with.
public struct KeptState: Codable, Hashable, Sendable {
    /// The stream.
    public let stream: StreamID
    /// Up to which of its events, by revision.
    public let revision: UInt64
    /// The state, as JSON.
    public let state: String

    /// A state of a stream.
    public init(stream: StreamID, revision: UInt64, state: String) {
        self.stream = stream
        self.revision = revision
        self.state = state
    }
}

/// What a check of a log by new code found.
public struct LogCheckReport: Sendable {
    /// The events of one type and version.
    public struct Kind: Hashable, Sendable {
        /// The type, as stored.
        public let type: EventType
        /// The version, as stored.
        public let version: Int
        /// How many there are.
        public internal(set) var count = 0
        /// How many of them the code cannot read.
        public internal(set) var failures = 0
        /// Where the first of those is.
        public internal(set) var firstFailure: Position?
        /// Why it cannot be read.
        public internal(set) var reason: String?
    }

    /// A state that the code makes otherwise.
    public struct Difference: Hashable, Sendable {
        /// The stream.
        public let stream: StreamID
        /// Up to which of its events, by revision.
        public let revision: Revision
        /// What differs: a path in the state, what it was and what it is now.
        public let message: String
    }

    /// All types and versions of the log, by name.
    public internal(set) var kinds: [Kind] = []
    /// How many streams were folded and compared.
    public internal(set) var states = 0
    /// The states that differ.
    public internal(set) var differences: [Difference] = []

    /// Whether the code reads all events and makes the states that were kept.
    public var isCompatible: Bool { differences.isEmpty && kinds.allSatisfy { $0.failures == 0 } }
}

extension CommandHandler where D: Encodable {
    /// States of some streams of the category, as this code makes them: kept before a deployment, for
    /// ``checkLog(against:progress:)`` of the code that is to come.
    ///
    /// - Parameters:
    ///   - count: how many streams at most: the same ones each time, spread over all names.
    ///   - progress: told how many streams have been looked at.
    /// - Throws: what reading a state throws.
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

    /// Reads the whole log of the category with this code, before it is deployed: decodes and upcasts every event, folds
    /// the streams whose states were kept, and compares. Nothing is written.
    ///
    /// Of a state, what was kept must be there and the same; what is new in it is not compared.
    /// - Parameters:
    ///   - states: what the code that runs now made of some streams.
    ///   - progress: told now and then how far it is.
    /// - Returns: all types and versions with what cannot be read, and the states that differ. It does not end at the
    ///   first.
    /// - Throws: what the store throws.
    public func checkLog(
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
                    differs("the kept state is no JSON")
                    continue
                }
                for difference in now.differences(from: was) { differs(difference) }
            } catch let error as StoreError {
                throw error
            } catch let error as CancellationError {
                throw error
            } catch {
                differs("it cannot be made: \(error)")
            }
        }
        progress(WorkProgress(step: "states", done: UInt64(states.count), total: UInt64(states.count)))
        return report
    }
}

extension CommandHandler {
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
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash ^ hash >> 32
    }
}

extension JSONValue {
    /// Where this value is not what another one was, as sentences; members that are new are let pass.
    package func differences(from was: JSONValue, at path: String = "") -> [String] {
        if self == was { return [] }
        switch (was, self) {
        case (.object(let was), .object(let now)):
            return was.members.flatMap { member -> [String] in
                let inner = path.isEmpty ? member.name : "\(path).\(member.name)"
                guard let value = now[member.name] else { return ["\(inner) is gone, and was \(member.value)"] }
                return value.differences(from: member.value, at: inner)
            }
        case (.array(let was), .array(let now)) where was.count == now.count:
            return zip(was, now).enumerated().flatMap { $1.1.differences(from: $1.0, at: "\(path).\($0)") }
        default: return ["\(path.isEmpty ? "the state" : path) is \(self) and was \(was)"]
        }
    }
}
