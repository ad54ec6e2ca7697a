public import SillokCore

/// An event enum whose events have changed since the first of them was stored.
///
/// ```swift
/// static let schema = EventSchema(
/// ```
/// Opt in when the first change comes; an enum that is not one is at version 1 in all of its types.
public protocol EvolvingEvent {
    /// The versions of its types, and how older ones are read.
    static var schema: EventSchema { get }
}

/// Which version of each type the code writes, and what turns older ones into it.
///
/// The version of an event is kept in its metadata (`Metadata.schemaVersion`) and is 1 where there is
/// none. Reading applies the upcasters one after the other until all is of today: on every way out of the log, for
/// there is one place only where a stored event becomes one of the code's. A version without an upcaster to the next
/// one is a ``SchemaFault``, which ends the program where a handler or a projector is made.
public struct EventSchema: Sendable {
    /// The version that is written today of each type that has had another one. All others are at 1.
    public let versions: [EventType: Int]

    /// Raised when an upcaster was mended, so that what was kept of its results, such as snapshots, is not used again.
    public let edition: Int

    /// What is wrong with it; nothing is good.
    public let faults: [String]

    package let steps: [EventType: [Int: Upcaster]]
    /// The newest version of each type that has had more than one, or is no more.
    private let newest: [EventType: Int]
    /// For each type, the other types as which it may be stored.
    private let origins: [EventType: Set<EventType>]

    /// A schema.
    ///
    /// - Parameters:
    ///   - versions: the version that is written today, of each type that is not at 1.
    ///   - upcasters: one for each step from an old version to the next.
    ///   - edition: raised when an upcaster was mended.
    public init(versions: [EventType: Int] = [:], upcasters: [Upcaster] = [], edition: Int = 1) {
        self.versions = versions
        self.edition = edition
        var steps: [EventType: [Int: Upcaster]] = [:]
        var faults: [String] = []
        for upcaster in upcasters {
            if steps[upcaster.type, default: [:]].updateValue(upcaster, forKey: upcaster.version) != nil {
                faults.append("\"\(upcaster.type)\" has two upcasters from version \(upcaster.version)")
            }
        }
        self.steps = steps
        let check = SchemaCheck(versions: versions, steps: steps)
        self.faults = (faults + check.faults).sorted()
        origins = self.faults.isEmpty ? check.origins : [:]
        newest = check.newest
    }

    /// The schema of an event type.
    public static func of(_ event: any Any.Type) -> EventSchema { (event as? any EvolvingEvent.Type)?.schema ?? plain }

    private static let plain = EventSchema()

    /// The newest version of a type that the code can read.
    public func newestVersion(of type: EventType) -> Int { newest.isEmpty ? 1 : newest[type] ?? 1 }

    /// The query for the stored events that become events of `query`: with the types as which they may be stored.
    public func stored(_ query: EventQuery) -> EventQuery {
        if origins.isEmpty { return query }
        return EventQuery(
            query.items.map { item in
                var item = item
                let others = item.types.reduce(into: Set<EventType>()) { $0.formUnion(origins[$1] ?? []) }
                item.types += others.subtracting(item.types).sorted()
                return item
            })
    }

    /// A short text that differs when what is read may differ: for those who keep what was made of events.
    public var fingerprint: String {
        var parts = ["edition \(edition)"]
        parts += versions.map { "\($0.key) \($0.value)" }.sorted()
        for upcaster in steps.values.flatMap(\.values) {
            let results = upcaster.results.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ",")
            parts.append("\(upcaster.type) \(upcaster.version)>\(results)")
        }
        return String(parts.sorted().joined(separator: "\n").fnv1a, radix: 16)
    }

    /// Whether an event is of today as it is stored.
    func isCurrent(_ type: EventType, _ version: Int) -> Bool {
        version == newestVersion(of: type) && (steps.isEmpty || steps[type]?[version] == nil)
    }

    /// What an event is today: each type with its payload, in order.
    ///
    /// - Throws: ``NewerEventVersion``; ``DamagedPayload`` if an upcaster cannot read it.
    func upcast(_ recorded: RecordedEvent, _ version: Int) throws -> [Upcaster.Part] {
        let newest = newestVersion(of: recorded.type)
        guard version <= newest else { throw NewerEventVersion(recorded, version: version, known: newest) }
        guard recorded.contentType == .json else {
            throw DamagedPayload(recorded, path: "", "it is \(recorded.contentType), not \(ContentType.json)")
        }
        let value: JSONValue
        do {
            value = JSONValue(try JSONReader(recorded.payload).root)
        } catch {
            throw DamagedPayload(recorded, path: "", error.description)
        }
        guard case .object(let payload) = value else { throw DamagedPayload(recorded, path: "", "it is no object") }
        return try upcast(Upcaster.Part(recorded.type, payload), version, recorded)
    }

    private func upcast(
        _ part: Upcaster.Part, _ version: Int, _ recorded: RecordedEvent
    ) throws -> [Upcaster.Part] {
        guard let step = steps[part.type]?[version] else { return [part] }
        let parts: [Upcaster.Part]
        do {
            parts = try step.apply(OldEvent(payload: part.payload, recorded: recorded))
        } catch {
            throw DamagedPayload(
                recorded, path: "", "the upcaster of \(part.type) from version \(version) failed: \(error)")
        }
        return try parts.flatMap { next in
            guard let version = step.results[next.type] else {
                throw DamagedPayload(
                    recorded, path: "",
                    "the upcaster of \(part.type) from version \(version) made a \"\(next.type)\", which it does not name"
                )
            }
            return try upcast(next, version, recorded)
        }
    }
}
