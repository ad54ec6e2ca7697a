import SillokCore
import SillokGRPC
import SillokWire

extension UmaDBService {
    /// `Append`: records events under a condition, or finds that they are recorded.
    func append(_ call: ServerCall, _ message: UmaDB.AppendRequest) async throws -> UmaDB.PositionResponse {
        guard !message.events.isEmpty else { return try await appendNothing(call, message) }
        let request = try message.request()
        try await authorize(call, .append(request))
        guard message.isRepeatable else { return UmaDB.PositionResponse(try await store.append(request).position) }
        let head = try await store.head()
        do {
            let receipt = try await store.append(request)
            // What was recorded before the call began is a repeat, which the protocol judges by the condition.
            if receipt.position > head { return UmaDB.PositionResponse(receipt.position) }
        } catch {
            switch error {
            // The same: the ids are known.
            case .knownID: break
            case .conflict(let conflict):
                // What broke the condition are the first matches, so that mostly nothing has to be read.
                if let first = conflict.events.first, let event = message.events.first,
                    let entry = request.entries.first, !event.isRepeated(by: first, entry)
                {
                    throw error
                }
                guard let position = try await repeated(message, request) else { throw error }
                return UmaDB.PositionResponse(position)
            case .invalid, .tracking, .refused, .failed: throw error
            }
        }
        if let position = try await repeated(message, request) { return UmaDB.PositionResponse(position) }
        return UmaDB.PositionResponse(try await store.append(message.renewed(request)).position)
    }

    /// Appends no events: returns 0 if the condition holds, and stores the tracking.
    private func appendNothing(
        _ call: ServerCall, _ message: UmaDB.AppendRequest
    ) async throws -> UmaDB.PositionResponse {
        let request = try message.request()
        try await authorize(call, .append(request))
        if message.tracking != nil {
            _ = try await store.append(request)
            return UmaDB.PositionResponse(.start)
        }
        if let unchanged = message.condition?.unchanged {
            let request = ReadRequest(unchanged.query, after: .position(unchanged.since), limit: 1)
            if let event = try await store.firstEvent(of: request) {
                throw UmaDB.status(.integrity, "\(event.type) at position \(event.position) matches the condition")
            }
        }
        return UmaDB.PositionResponse(.start)
    }

    /// The position of the last event if the first matches of the condition are the events of the request.
    ///
    /// Where events have ids, the protocol calls that a repeat for any contents. The id of zeros says nothing, so
    /// for events with it types, tags and data must be the same too.
    private func repeated(_ message: UmaDB.AppendRequest, _ request: AppendRequest) async throws -> Position? {
        guard let unchanged = message.condition?.unchanged else { return nil }
        var left = Array(zip(message.events, request.entries))[...]
        var last: Position?
        var next: ReadRequest? = ReadRequest(
            unchanged.query, after: .position(unchanged.since), limit: min(left.count, store.limits.pageEvents))
        while let page = next, !left.isEmpty {
            let batch = try await store.read(page)
            for event in batch.events.prefix(left.count) {
                guard let (asked, entry) = left.popFirst(), asked.isRepeated(by: event, entry) else { return nil }
                last = event.position
            }
            next = page.next(after: batch)
        }
        return left.isEmpty ? last : nil
    }
}

extension UmaDB.AppendRequest {
    /// A request of this message with new ids, which keep those that the client gave: a condition that finds nothing
    /// lets the protocol record known events again, and the store records no id twice.
    fileprivate func renewed(_ request: AppendRequest) -> AppendRequest {
        var renewed = request
        for (index, event) in events.enumerated() where !event.isNil {
            renewed.entries[index].event.metadata[UmaDB.uuidKey] = request.entries[index].event.id.description
            renewed.entries[index].event.id = EventID()
        }
        return renewed
    }

    /// Whether the protocol would look for a repeat: under a condition, when every event has an id, be it zeros.
    fileprivate var isRepeatable: Bool { condition != nil && !events.contains { $0.uuid == .none } }

    /// The same request in our words: events without a stream, found by their tags.
    func request() throws -> AppendRequest {
        var entries: [AppendRequest.Entry] = []
        entries.reserveCapacity(events.count)
        // A loop over the array would copy its elements.
        try events.withUnsafeBufferPointer { events in
            for index in events.indices {
                entries.append(AppendRequest.Entry(stream: nil, event: try events[index].data(index)))
            }
        }
        var unchanged: [AppendCondition.Unchanged] = []
        if let condition { unchanged.append(condition.unchanged) }
        return AppendRequest(
            entries, if: AppendCondition(unchanged: unchanged), tracking: tracking?.tracking)
    }
}

extension UmaDB.Event {
    /// The id that the client gave; `nil` if it gave none, or the one of zeros that stands for none.
    private func givenID(_ index: Int) throws -> EventID? {
        switch uuid {
        case .none, .zeros: return nil
        case .id(let id): return id
        case .malformed(let text):
            throw UmaDB.status(.corruption, "event \(index) of the append: \"\(text.cut(toBytes: 100))\" is no UUID")
        }
    }

    /// Whether a recorded event is this one, which the store would record as `entry`.
    fileprivate func isRepeated(by recorded: RecordedEvent, _ entry: AppendRequest.Entry) -> Bool {
        guard isNil else { return UmaDB.id(of: recorded) == entry.event.id }
        return recorded.type == entry.event.type && recorded.tags == entry.event.tags
            && recorded.payload == entry.event.payload
    }

    /// Whether the id is the one of zeros, which stands for none.
    fileprivate var isNil: Bool { uuid == .zeros }

    /// The same event in our words. One without an id gets one.
    fileprivate func data(_ index: Int) throws -> EventData {
        if !metadata.isEmpty, metadata.repeatsKey {
            throw UmaDB.status(.invalidArgument, "event \(index) of the append: a metadata key comes twice")
        }
        return EventData(
            id: try givenID(index) ?? EventID(), type: type, tags: tags, metadata: metadata,
            contentType: .bytes, payload: data)
    }
}
