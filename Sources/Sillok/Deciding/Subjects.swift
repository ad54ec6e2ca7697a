/// What one or several decisions rest on: states, each the replay of what its query finds, and how far they have read.
///
/// Loading again reads only what is new. Many subjects are read with few queries, page by page. Either all of them are
/// streams or none is.
struct Subjects<D: Decider>: Sendable {
    /// One state and where it comes from.
    struct Subject: Sendable {
        let query: EventQuery
        /// The stream whose events they are, and to which new ones go.
        let stream: StreamID?
        var state = D()
        var revision = Revision.none

        init(stream: StreamID) { (self.stream, query) = (stream, .stream(stream)) }
        init(boundary: EventQuery) { (stream, query) = (nil, boundary) }
    }

    /// Subjects that are read together, and the position up to which they have been.
    private struct Group: Sendable {
        var members: Range<Int>
        var query: EventQuery
        /// The same, with the types as which its events may be stored.
        var stored: EventQuery = .all
        var through = Position.start
    }

    private(set) var all: [Subject]
    private var groups: [Group] = []
    private var indexes: [StreamID: Int] = [:]

    /// Subjects in their first state, grouped so that no query has more items than a store takes.
    init(_ subjects: [Subject], limits: Limits, schema: EventSchema) {
        all = subjects
        for (index, subject) in subjects.enumerated() {
            if let stream = subject.stream { indexes[stream] = index }
            if let last = groups.indices.last,
                groups[last].query.items.count + subject.query.items.count <= limits.queryItems
            {
                groups[last].query = groups[last].query.or(subject.query)
                groups[last].members = groups[last].members.lowerBound..<index + 1
            } else {
                groups.append(Group(members: index..<index + 1, query: subject.query))
            }
        }
        for index in groups.indices { groups[index].stored = schema.stored(groups[index].query) }
    }

    /// How far all subjects have been read.
    var through: Position { groups.map(\.through).min() ?? .start }

    /// That nothing has happened to any of them since they were read.
    var isUnchanged: AppendCondition {
        var condition = AppendCondition.always
        for group in groups {
            if indexes.isEmpty { condition.unchanged.append(.init(group.stored, since: group.through)) }
        }
        for (stream, index) in indexes {
            condition.revisions[stream] = all[index].revision
        }
        return condition
    }

    /// Whether an event is one that a command on these subjects appends.
    func own(_ event: RecordedEvent) -> Bool {
        guard let stream = event.stream else { return indexes.isEmpty }
        return indexes[stream] != nil
    }

    /// The subject of an event that they own.
    func index(of event: RecordedEvent) -> Int { event.stream.flatMap { indexes[$0] } ?? 0 }

    /// Whether an append took other places than those that follow what was read: an earlier one answered for it.
    func contradict(_ receipt: Receipt) -> Bool {
        receipt.revisions.contains { stream, revision in indexes[stream].map { all[$0].revision } != revision }
    }

    /// Reads what is new, up to the head or to the event before `end`.
    mutating func load(
        from store: any EventStore, coding: EventCoding<D.Event>, before end: Position? = nil
    ) async throws {
        for index in groups.indices {
            let group = groups[index]
            let request = ReadRequest(
                group.stored, after: group.through == .start ? nil : .position(group.through),
                before: end.map { .position($0) }, limit: store.limits.pageEvents)
            var head: Position?
            for try await page in store.pages(request) {
                head = head ?? page.head
                for event in page.events {
                    try coding.forEach(of: event, for: group.query) { payload, type in
                        evolve(payload, stream: event.stream, type: type, tags: event.tags, in: group.members)
                    }
                    pass(event.stream)
                }
            }
            groups[index].through = head ?? group.through
        }
    }

    /// Applies an event that is being recorded to all subjects that it is of.
    mutating func evolve(_ event: D.Event, of stream: StreamID?, as data: EventData) {
        evolve(event, stream: stream, type: data.type, tags: data.tags, in: all.indices)
        pass(stream)
    }

    /// Counts a stored event, whatever it became when it was read.
    private mutating func pass(_ stream: StreamID?) {
        if let index = stream.flatMap({ indexes[$0] }) { all[index].revision = all[index].revision.next }
    }

    private mutating func evolve(
        _ event: D.Event, stream: StreamID?, type: EventType, tags: [Tag], in members: Range<Int>
    ) {
        if let index = stream.flatMap({ indexes[$0] }) {
            all[index].state.evolve(event)
        } else if indexes.isEmpty {
            for index in members where all[index].query.matches(stream: stream, type: type, tags: tags) {
                all[index].state.evolve(event)
            }
        }
    }
}
