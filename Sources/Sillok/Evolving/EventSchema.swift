public import SillokCore

/// An event enum whose events have changed since the first of them was stored.
///
/// ```swift
/// static let schema = EventSchema(
///     versions: ["deposited": 2],
///     upcasters: [.change("deposited", from: 1) { old in old.payload.rename("amount", to: "cents") }])
/// ```
/// Conform to it when the first type changes; until then all types are at version 1. An enum that reads the events of
/// another enum, as a projection does, uses the schema of that enum: `EventSchema.of(Order.Event.self)`.
public protocol EvolvingEvent {
    /// The versions of the types and the upcasters for older ones.
    static var schema: EventSchema { get }
}

/// The version of each type that the code writes, and the upcasters that turn older versions into it.
///
/// The version of an event is kept in its metadata (`Metadata.schemaVersion`); an event without one is at version 1. A
/// reader applies the upcasters in order until the event is current. All readers do so, because only one place turns a
/// stored event into an event of the code. A version without an upcaster to the next one is a ``SchemaFault``, which
/// ends the program when a handler or a projector is created.
public struct EventSchema: Sendable {
    /// The current version of each type that is not at version 1.
    public let versions: [EventType: Int]

    /// The edition of the upcasters. Raise it after a fix, so that old results, such as snapshots, are not used again.
    public let edition: Int

    /// The faults of the schema; empty if it is correct.
    public let faults: [String]

    package let steps: [EventType: [Int: Upcaster]]
    /// The newest version of each type that has had more than one version, or no longer exists.
    private let newest: [EventType: Int]
    /// For each type, the other types under which it may be stored.
    private let origins: [EventType: Set<EventType>]

    /// Creates a schema.
    ///
    /// - Parameters:
    ///   - versions: the current version of each type that is not at version 1.
    ///   - upcasters: one for each step from an old version to the next.
    ///   - edition: raise it after an upcaster was fixed.
    public init(versions: [EventType: Int] = [:], upcasters: [Upcaster] = [], edition: Int = 1) {
        self.init(versions: versions, upcasters: upcasters, edition: edition, faults: [])
    }

    private init(versions: [EventType: Int], upcasters: [Upcaster], edition: Int, faults given: [String]) {
        self.versions = versions
        self.edition = edition
        var steps: [EventType: [Int: Upcaster]] = [:]
        var faults = given
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

    /// Returns the combined schema of several event enums, for an enum that reads the events of all of them.
    ///
    /// ```swift
    /// enum Event: Codable, EvolvingEvent {
    ///     case orderPlaced(cents: Int)
    ///     case chargeRecorded(cents: Int)
    ///     static let schema = EventSchema.of(Order.Event.self, Settlement.Event.self)
    /// }
    /// ```
    /// Two versions of one type, or two upcasters from one version of a type, are a fault, see ``SchemaFault``.
    public static func of(_ first: any Any.Type, _ second: any Any.Type, _ more: any Any.Type...) -> EventSchema {
        var seen: Set<ObjectIdentifier> = []
        var versions: [EventType: Int] = [:]
        var upcasters: [Upcaster] = []
        var (edition, faults) = (0, [String]())
        for event in [first, second] + more where seen.insert(ObjectIdentifier(event)).inserted {
            let schema = of(event)
            for (type, version) in schema.versions.sorted(by: { $0.key < $1.key }) {
                if let other = versions.updateValue(version, forKey: type), other != version {
                    faults.append("\"\(type)\" is at version \(other), but at \(version) in \(readableName(event))")
                }
            }
            upcasters += schema.steps.values.flatMap(\.values)
            edition += schema.edition
        }
        return EventSchema(versions: versions, upcasters: upcasters, edition: edition, faults: faults)
    }

    /// Returns the schema of an event enum, for another enum that reads the same events.
    public static func of(_ event: any Any.Type) -> EventSchema { (event as? any EvolvingEvent.Type)?.schema ?? plain }

    private static let plain = EventSchema()

    /// Returns the newest version of a type that the code can read.
    public func newestVersion(of type: EventType) -> Int { newest.isEmpty ? 1 : newest[type] ?? 1 }

    /// Returns the query for the stored events that become events of `query`, with all types under which they may be
    /// stored.
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

    /// A short text of the versions, the types that upcasters read and write, and the edition. Caches compare it.
    public var fingerprint: String {
        var parts = ["edition \(edition)"]
        parts += versions.map { "\($0.key) \($0.value)" }.sorted()
        for upcaster in steps.values.flatMap(\.values) {
            let results = upcaster.results.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ",")
            parts.append("\(upcaster.type) \(upcaster.version)>\(results)")
        }
        return String(parts.sorted().joined(separator: "\n").fnv1a, radix: 16)
    }

    /// Returns whether a stored event is current, so that it needs no upcasting.
    func isCurrent(_ type: EventType, _ version: Int) -> Bool {
        version == newestVersion(of: type) && (steps.isEmpty || steps[type]?[version] == nil)
    }

    /// Returns the current form of an event: each type with its payload, in order.
    ///
    /// - Throws: ``NewerEventVersion``; ``DamagedPayload`` if an upcaster cannot read the event.
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
        guard case .object(let payload) = value else { throw DamagedPayload(recorded, path: "", "it is not an object") }
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
                    "the upcaster of \(part.type) from version \(version) returned the type \"\(next.type)\", which "
                        + "is not among its results")
            }
            return try upcast(next, version, recorded)
        }
    }
}
