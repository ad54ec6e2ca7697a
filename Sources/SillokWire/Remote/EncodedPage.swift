package import NIOCore
package import SillokCore

extension Remote {
    /// Returns the framed answer to a read. A page of the whole log is made from the stored bytes, on a thread of the
    /// store, if the store can show them.
    package static func page(_ request: ReadRequest, of store: any EventStore) async throws -> ByteBuffer {
        if let page = try await encodedPage(request, of: store) { return page }
        return Answer<ReadResponse>(try await store.read(request)).framed()
    }

    private static func encodedPage(_ request: ReadRequest, of store: any EventStore) async throws -> ByteBuffer? {
        guard let store = store as? any ByteReadableStore, let page = EncodedPage(request, store.limits) else {
            return nil
        }
        try store.limits.check(request)
        let answer = try await store.readBytes(after: page.start, through: page.last) { try page.message($0, $1) }
        return answer?.output
    }
}

/// A forward page of all events. Its message is the one of the decoded page.
private struct EncodedPage: Sendable {
    /// The last position that is not visited.
    let start: Position
    /// The last position of the request; `nil`: the head.
    let last: Position?
    /// The mark whose event is visited first, and is not part of the page.
    private let mark: EventMark?
    private let request: ReadRequest
    private let pageBytes: Int

    init?(_ request: ReadRequest, _ limits: Limits) {
        guard request.query == .all, request.direction == .forward else { return nil }
        switch request.after {
        case nil: (start, mark) = (.start, nil)
        case .position(let position)?: (start, mark) = (position, nil)
        case .mark(let mark)?:
            guard mark.id != nil, mark.position > .start else { return nil }
            (start, self.mark) = (mark.position.previous, mark)
        case .revision?, .time?: return nil
        }
        switch request.before {
        case nil: last = nil
        case .position(let position)?: last = position.previous
        case .mark?, .revision?, .time?: return nil
        }
        (self.request, pageBytes) = (request, limits.pageBytes)
    }

    /// Returns the message; `nil` if the log has another event at the mark, or the page would have no events.
    func message(_ head: Position, _ visit: EventBytesVisit) throws -> ByteBuffer? {
        var writer = ProtobufWriter(framed: true, capacity: 64 << 10)
        var (count, bytes, isAtMark, isCut) = (0, 0, mark != nil, false)
        var end: EventMark?
        try visit { event in
            if isAtMark {
                isAtMark = false
                return event.position == mark?.position && event.id == mark?.id
            }
            isCut = count == request.limit || bytes >= pageBytes
            if isCut { return false }
            bytes += RecordedEvent.write(Remote.ReadResponse.events, event, &writer)
            count += 1
            end = EventMark(position: event.position, id: event.id)
            return true
        }
        guard let end, isCut || end.position == request.throughAtEnd(last: end.position, head: head) else {
            return nil
        }
        writer.write(Remote.ReadResponse(EventBatch(events: [], mark: end, isEnd: !isCut, head: head)))
        return writer.finished()
    }
}
