/// A stored event in the memory of a reader, for a server that passes its bytes on without decoding them. Valid only
/// within the call that received it.
package struct EventBytes {
    package let position: Position
    /// The revision in the stream; `.none` without a stream.
    package let revision: Revision
    package let id: EventID
    package let recordedAt: Timestamp
    package let type: UnsafeRawBufferPointer
    /// `nil`: JSON.
    package let contentType: UnsafeRawBufferPointer?
    package let stream: UnsafeRawBufferPointer?
    package let tracking: (source: UnsafeRawBufferPointer, position: UInt64)?
    /// One tag after the other: its number of bytes as LEB128, and its UTF-8 bytes.
    package let tags: UnsafeRawBufferPointer
    /// The bytes of `Metadata`: each text in the form of a tag.
    package let metadata: UnsafeRawBufferPointer
    package let payload: UnsafeRawBufferPointer

    package init(
        position: Position, revision: Revision, id: EventID, recordedAt: Timestamp, type: UnsafeRawBufferPointer,
        contentType: UnsafeRawBufferPointer?, stream: UnsafeRawBufferPointer?,
        tracking: (source: UnsafeRawBufferPointer, position: UInt64)?, tags: UnsafeRawBufferPointer,
        metadata: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer
    ) {
        (self.position, self.revision, self.id, self.recordedAt) = (position, revision, id, recordedAt)
        (self.type, self.contentType, self.stream, self.tracking) = (type, contentType, stream, tracking)
        (self.tags, self.metadata, self.payload) = (tags, metadata, payload)
    }

    /// The texts of a list such as ``tags``. A text that does not fit ends the list.
    package struct Texts {
        private let list: UnsafeRawBufferPointer
        private var index = 0

        package init(_ list: UnsafeRawBufferPointer) { self.list = list }

        package mutating func next() -> UnsafeRawBufferPointer? {
            guard let length = length(), length <= list.count - index else { return nil }
            defer { index += length }
            return UnsafeRawBufferPointer(rebasing: list[index..<index + length])
        }

        private mutating func length() -> Int? {
            var (length, shift) = (0, 0)
            while index < list.count, shift < 56 {
                let byte = list[index]
                index += 1
                length |= Int(byte & 0x7F) << shift
                if byte < 0x80 { return length }
                shift += 7
            }
            return nil
        }
    }
}

/// An event as a store shows it while it reads a page. Valid only within the call that received it.
package enum StoredEvent {
    /// For stores, and parts of a store, that have no other form.
    case decoded(RecordedEvent)
    case bytes(EventBytes)

    package var mark: EventMark {
        switch self {
        case .decoded(let event): EventMark(event)
        case .bytes(let event): EventMark(position: event.position, id: event.id)
        }
    }

    package var revision: Revision {
        switch self {
        case .decoded(let event): event.revision
        case .bytes(let event): event.revision
        }
    }

    /// The bytes that count towards the limits.
    package var size: Int {
        switch self {
        case .decoded(let event): event.data.size
        case .bytes(let event): event.size
        }
    }

    /// Returns whether the event belongs to a stream.
    package func belongs(to stream: StreamID) -> Bool {
        switch self {
        case .decoded(let event): event.stream == stream
        case .bytes(let event): event.stream.map { stream.text.hasSameBytes(as: $0) } ?? false
        }
    }

    /// Returns whether the event matches a query.
    package func matches(_ query: EventQuery) -> Bool {
        switch self {
        case .decoded(let event): query.matches(event)
        case .bytes(let event): query.items.contains { event.matches($0) }
        }
    }

    /// Decodes the event, if it is not decoded.
    package func decoded() -> RecordedEvent {
        switch self {
        case .decoded(let event): event
        case .bytes(let event): RecordedEvent(event)
        }
    }
}

extension EventBytes {
    /// The bytes that count towards the limits.
    fileprivate var size: Int {
        var size = 16 + type.count + (contentType?.count ?? ContentType.json.text.utf8.count)
        size += metadata.count + payload.count
        var texts = Texts(tags)
        while let tag = texts.next() { size += tag.count }
        return size
    }

    fileprivate func matches(_ item: EventQuery.Item) -> Bool {
        if let wanted = item.stream, stream.map({ wanted.text.hasSameBytes(as: $0) }) != true { return false }
        if let category = item.category {
            guard let name = stream?.prefix(while: { $0 != UInt8(ascii: "-") }),
                category.text.hasSameBytes(as: UnsafeRawBufferPointer(rebasing: name))
            else { return false }
        }
        guard item.types.isEmpty || item.types.contains(where: { $0.text.hasSameBytes(as: type) }) else { return false }
        return item.tags.allSatisfy { tag in
            var texts = Texts(tags)
            while let text = texts.next() { if tag.text.hasSameBytes(as: text) { return true } }
            return false
        }
    }
}

extension RecordedEvent {
    /// Decodes the parts of an event.
    package init(_ event: EventBytes) {
        func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }
        var tags: [EventTag] = []
        var texts = EventBytes.Texts(event.tags)
        while let tag = texts.next() { tags.append(EventTag(text(tag))) }
        self.init(
            position: event.position, stream: event.stream.map { StreamID(text($0)) }, revision: event.revision,
            recordedAt: event.recordedAt,
            tracking: event.tracking.map { Tracking(source: TrackingSource(text($0.source)), position: $0.position) },
            data: EventData(
                id: event.id, type: EventType(text(event.type)), tags: tags,
                metadata: Metadata(trusted: Array(event.metadata)),
                contentType: event.contentType.map { ContentType(text($0)) } ?? .json, payload: Array(event.payload)))
    }
}

/// Reads a page: calls `add` with its events, in the order of the request, until it returns `false`, which ends the
/// page. Returns the page without its events.
package typealias PageReading = (_ add: (StoredEvent) throws -> Bool) throws -> EventBatch

/// A store that can show the bytes of its events.
package protocol ByteReadableStore: EventStore {
    /// Calls `make` on a thread that may block, with a function that reads the page. Returns what `make` returned.
    ///
    /// If the store finds damage while it reads the page, it may call `make` again, for a shorter page.
    /// - Returns: what the last call of `make` returned.
    /// - Throws: as ``EventStore/read(_:)``.
    func readBytes<Output: Sendable>(
        _ request: ReadRequest, _ make: @escaping @Sendable (PageReading) throws -> Output
    ) async throws -> Output
}

extension EventStore {
    /// Reads a page, and returns what `make` makes of its events: of their stored bytes, if the store can show them.
    package func readPage<Output: Sendable>(
        _ request: ReadRequest, _ make: @escaping @Sendable (PageReading) throws -> Output
    ) async throws -> Output {
        if let store = self as? any ByteReadableStore { return try await store.readBytes(request, make) }
        let page = try await read(request)
        return try make { add in
            for event in page.events {
                if try add(.decoded(event)) || event.position == page.events.last?.position { continue }
                return EventBatch(events: [], mark: EventMark(event), isEnd: false, head: page.head)
            }
            return EventBatch(events: [], mark: page.mark, isEnd: page.isEnd, head: page.head)
        }
    }
}

extension EventBatch {
    /// Reads a page with its events, decoded.
    package init(_ read: PageReading) throws {
        var events: [RecordedEvent] = []
        let page = try read { event in
            events.append(event.decoded())
            return true
        }
        self.init(events: events, mark: page.mark, isEnd: page.isEnd, head: page.head)
    }
}
