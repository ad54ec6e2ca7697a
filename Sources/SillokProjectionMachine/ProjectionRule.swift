package import SillokCore
import SillokReadSide
package import SillokSQL

/// What a machine needs of a projection of either kind: which events, in which order, and what each of them changes.
package struct ProjectionRule: Sendable {
    /// The effect of an event.
    package enum Effect {
        case changes([SQL])
        /// Documents to change, in order. All changes are made, or none.
        case documents([DocumentChange])
        case nothing
    }

    /// The effect of an event on one document.
    package struct DocumentChange {
        let key: String
        let evolve: (_ document: (any Sendable)?) throws -> (any Sendable)?

        package init(key: String, evolve: @escaping (_ document: (any Sendable)?) throws -> (any Sendable)?) {
            self.key = key
            self.evolve = evolve
        }
    }

    /// The functions that read and write documents.
    package struct Documents: Sendable {
        /// The name of the table that keeps the documents.
        package let table: String
        let decode: @Sendable (String) throws -> any Sendable
        /// The text of a document, and whether no value in it is one that a reader decodes as another one.
        let encode: @Sendable (any Sendable) throws -> (text: String, isKept: Bool)

        package init(
            table: String, decode: @escaping @Sendable (String) throws -> any Sendable,
            encode: @escaping @Sendable (any Sendable) throws -> (text: String, isKept: Bool)
        ) {
            self.table = table
            self.decode = decode
            self.encode = encode
        }
    }

    /// How the events of a publisher leave this process: to a sink, before their batch is made.
    package struct Delivery: Sendable {
        /// Passes events on. Each list is the next part of a sequence, in order. Returns the events that the sink did
        /// not take and the reasons; the events behind one in its list were not passed on.
        package let deliver: @Sendable (_ sequences: [[RecordedEvent]]) async throws -> [Position: any Error]
        /// Returns the pause after an attempt, from 1, to pass an event on; `nil` after the last. With `nil` instead of
        /// a function, the pauses are those of the failure policy.
        package let pause: (@Sendable (_ attempt: Int, _ event: EventID) -> Duration?)?
        /// Returns the place after which a new publisher starts.
        package let start: @Sendable (any EventStore) async throws -> EventMark

        package init(
            start: @escaping @Sendable (any EventStore) async throws -> EventMark,
            pause: (@Sendable (_ attempt: Int, _ event: EventID) -> Duration?)? = nil,
            deliver: @escaping @Sendable (_ sequences: [[RecordedEvent]]) async throws -> [Position: any Error]
        ) {
            self.deliver = deliver
            self.pause = pause
            self.start = start
        }
    }

    package let name: String
    package let version: Int
    package let source: EventQuery
    package let schema: [SQL]
    /// The name of the sequencing, which is stored with a build.
    package let sequencing: String
    /// Returns the sequence of an event.
    package let sequence: @Sendable (RecordedEvent) -> String
    /// Whether an event of an unknown type is parked. Otherwise the projection stops, unless the effect ignores it.
    package var parksUnknownTypes: Bool
    /// Whether an event of a newer version than the code is parked. Otherwise the projection stops.
    package var parksNewerVersions: Bool
    /// `nil` for a projection that writes SQL.
    package let documents: Documents?
    /// `nil` for a projection.
    package let delivery: Delivery?
    package let effect: @Sendable (RecordedEvent) throws -> Effect
    package let clear: @Sendable (_ sequence: String) -> [SQL]?

    package init(
        name: String, version: Int, source: EventQuery, schema: [SQL], sequencing: String,
        sequence: @escaping @Sendable (RecordedEvent) -> String, parksUnknownTypes: Bool, parksNewerVersions: Bool,
        documents: Documents? = nil, delivery: Delivery? = nil,
        effect: @escaping @Sendable (RecordedEvent) throws -> Effect,
        clear: @escaping @Sendable (_ sequence: String) -> [SQL]?
    ) {
        self.name = name
        self.version = version
        self.source = source
        self.schema = schema
        self.sequencing = sequencing
        self.sequence = sequence
        self.parksUnknownTypes = parksUnknownTypes
        self.parksNewerVersions = parksNewerVersions
        self.documents = documents
        self.delivery = delivery
        self.effect = effect
        self.clear = clear
    }

    /// Returns the partition for an event, from 0 to `partitions` − 1.
    package func partition(of event: RecordedEvent, among partitions: Int) -> Int {
        partitions > 1 ? Self.partition(ofSequence: sequence(event), among: partitions) : 0
    }

    /// Returns the partition for a sequence, from 0 to `partitions` − 1. It is the same everywhere and never changes.
    package static func partition(ofSequence sequence: String, among partitions: Int) -> Int {
        guard partitions > 1 else { return 0 }
        let sum = sequence.fnv1a
        let hash = sum ^ sum >> 32
        return Int(truncatingIfNeeded: hash % UInt64(partitions))
    }

    /// Returns the keys of the documents that an event changes. If they cannot be computed there are none, and the
    /// event fails when it is applied.
    func documentKeys(of event: RecordedEvent) -> [StreamID] {
        guard documents != nil, case .documents(let changes)? = try? effect(event) else { return [] }
        return changes.map { StreamID($0.key) }
    }
}

/// How often a failing event is tried before it is parked, and how many events may be parked.
package struct Parking: Hashable, Sendable {
    let attempts: Int
    let pause: Duration
    let capacity: Int

    package init(attempts: Int, pause: Duration, capacity: Int) {
        self.attempts = attempts
        self.pause = pause
        self.capacity = capacity
    }

    /// Returns the error of a projection that has as many dead letters as it may have, or `nil`.
    func whenFull(_ deadLetters: Int) -> DeadLettersFull? {
        deadLetters >= capacity ? DeadLettersFull(capacity: capacity) : nil
    }

    /// Returns the pause before the next try, or `nil` if the given number of attempts was the last.
    func pause(afterAttempt attempts: Int) -> Duration? {
        attempts < self.attempts ? pause * (1 << min(max(0, attempts - 1), 10)) : nil
    }
}
