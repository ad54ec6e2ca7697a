import NIOCore
import SillokCore
import SillokGRPC
import SillokWire

extension UmaDBService {
    /// `Read`: the events of a query up to the head that the first page saw. Answers with the last message.
    func read(_ call: ServerCall, _ message: UmaDB.ReadRequest) async throws -> ByteBuffer? {
        guard !message.isSubscription else {
            throw UmaDB.status(.invalidArgument, "subscribe is not an option of Read: call Subscribe")
        }
        let query = message.query?.query ?? .all
        try await authorize(call, .read(query))
        var judged = ContinuousClock.now
        var left = message.limit.map(Int.init) ?? .max
        if left == 0 { return nil }
        let size = batchSize(message.batchSize)
        let isLimited = message.limit != nil
        var isAnySent = false
        var batch = try await self.batch(message.request(query, limit: 1), of: min(left, size), isLimited)
        let head = batch.head
        while true {
            left -= min(left, batch.events)
            guard left > 0, let next = batch.request.next(after: batch.page) else { break }
            let size = min(left, size)
            try await judge(call, .read(query), &judged)
            // A page is read while the one before it is sent.
            async let following = self.batch(next, of: size, head: head, isLimited)
            if batch.events > 0 {
                try await call.send(batch.message)
                isAnySent = true
            }
            batch = try await following
        }
        return batch.events > 0 || !isAnySent ? batch.message : nil
    }

    /// The message of some events.
    private struct Batch: Sendable {
        var request: ReadRequest
        /// The last page without its events.
        var page: EventBatch
        var events: Int
        /// The head that the first page saw.
        let head: Position
        /// Has the head, or under a limit the position of its last event.
        var message: ByteBuffer

        /// Adds the next page. Two messages of Protocol Buffers after one another are one that has the events of both,
        /// and the head of the second, if it has one.
        mutating func add(_ next: Batch) {
            (request, page, events) = (next.request, next.page, events + next.events)
            var more = next.message
            more.moveReaderIndex(forwardBy: ProtobufWriter.frameBytes)
            message.writeBuffer(&more)
            let length = UInt32(clamping: message.readableBytes - ProtobufWriter.frameBytes)
            message.setInteger(length, at: message.readerIndex + 1)
        }
    }

    /// Clients accept messages of at most 4 MiB by default.
    private static let batchBytes = 1 << 20

    /// Returns the message of a number of events, which may be in several pages.
    private func batch(
        _ request: ReadRequest, of size: Int, head: Position? = nil, _ isLimited: Bool
    ) async throws -> Batch {
        let most = store.limits.pageEvents
        var (limit, before) = (min(size, most), 0)
        var batch = try await page(request, limit: limit, bytes: Self.batchBytes, head, isLimited)
        // A page that was ended by its bytes or by the length of its search is sent without waiting for more.
        while batch.events - before == limit, batch.events < size, batch.message.readableBytes < Self.batchBytes,
            let next = batch.request.next(after: batch.page)
        {
            (limit, before) = (min(size - batch.events, most), batch.events)
            let bytes = Self.batchBytes - batch.message.readableBytes
            batch.add(try await page(next, limit: limit, bytes: bytes, batch.head, isLimited))
        }
        return batch
    }

    private func page(
        _ request: ReadRequest, limit: Int, bytes: Int, _ head: Position?, _ isLimited: Bool
    ) async throws -> Batch {
        var request = request
        request.limit = limit
        return try await store.readPage(request) { [request] read in
            var writer = UmaDB.BatchWriter(capacity: 64 << 10)
            var last: Position?
            let page = try read { event in
                writer.append(event)
                last = event.mark.position
                return writer.bytes < bytes
            }
            let (events, head) = (writer.count, head ?? page.head)
            let shown = isLimited ? last : head == .start ? nil : head
            let message = writer.finish(head: shown?.value)
            return Batch(request: request, page: page, events: events, head: head, message: message)
        }
    }

    /// `Subscribe`: the existing events of a query, and then new ones, until the caller ends the call.
    func subscribe(_ call: ServerCall, _ message: UmaDB.SubscribeRequest) async throws {
        let query = message.query?.query ?? .all
        let principal = try await authorize(call, .subscribe(query))
        try store.limits.check(query)
        call.sendHeaders()
        // There is no position after the last one.
        if message.after == .max { return }
        try await call.context.subscribing(call, principal) {
            try await follow(call, query, after: Position(message.after ?? 0), batchSize(message.batchSize))
        }
    }

    /// The number of events of a batch: 1,024 unless asked for, from 1 to 4,096.
    private func batchSize(_ asked: UInt32?) -> Int { min(max(Int(asked ?? 1024), 1), 4096) }

    private func follow(
        _ call: ServerCall, _ query: EventQuery, after start: Position, _ batchSize: Int
    ) async throws {
        // Many may stall at once, each with a page and a message.
        let bytes = 128 << 10
        var pages = PageSize(limit: min(store.limits.pageEvents, batchSize), first: 64, bytes: bytes)
        var writer = UmaDB.BatchWriter()
        var through = start
        // From the first page on it is known which event is at `through`: a log that goes back ends the subscription.
        var mark: EventMark?
        var judged = ContinuousClock.now
        while true {
            try Task.checkCancellation()
            try await judge(call, .subscribe(query), &judged)
            let page =
                if let mark {
                    try await store.read(query, resumingAfter: mark, limit: pages.events)
                } else {
                    try await store.read(query, after: through, limit: pages.events)
                }
            if page.through >= through { mark = page.mark }
            if page.through > through {
                through = page.through
                pages.learn(from: page)
                for event in page.events {
                    writer.append(event)
                    if writer.bytes >= bytes { try await call.send(writer.finish()) }
                }
                if writer.count > 0 { try await call.send(writer.finish()) }
                if !page.isEnd { continue }
            }
            try await wait(for: through.next, query, call, &judged)
        }
    }

    /// Authorizes the caller again once a second, so that a revoked key ends open calls.
    private func judge(_ call: ServerCall, _ access: Access, _ judged: inout ContinuousClock.Instant) async throws {
        guard judged.duration(to: .now) >= .seconds(1) else { return }
        try await authorize(call, access)
        judged = .now
    }

    /// Waits until there may be a matching event, but no longer than ten seconds, and judges the caller meanwhile.
    private func wait(
        for position: Position, _ query: EventQuery, _ call: ServerCall, _ judged: inout ContinuousClock.Instant
    ) async throws {
        judged = try await withThrowingTaskGroup(of: ContinuousClock.Instant?.self) { [judged] group in
            group.addTask { [store] in
                try await store.reach(position, for: query)
                return nil
            }
            group.addTask {
                var last = judged
                for _ in 0..<10 {
                    try await Task.sleep(for: .seconds(1))
                    try await judge(call, .subscribe(query), &last)
                }
                return last
            }
            defer { group.cancelAll() }
            return try await group.next().flatMap { $0 } ?? judged
        }
    }
}

/// How many events to ask of the store at once, so that pages are about as large however large the events are.
private struct PageSize {
    private let bytes: Int
    let limit: Int
    private(set) var events: Int

    init(limit: Int, first: Int, bytes: Int) {
        self.bytes = bytes
        self.limit = limit
        events = min(limit, first)
    }

    mutating func learn(from page: EventBatch) {
        guard let first = page.events.first else { return }
        // The size of the first event is taken for the others; a page that ended early was too large.
        let size = max(1, first.data.size)
        let fitting = max(1, bytes / size)
        let wanted = page.isEnd || page.events.count >= events ? fitting : min(fitting, page.events.count)
        if wanted < events || wanted >= events * 2 { events = min(limit, max(1, wanted)) }
    }
}

extension UmaDB.ReadRequest {
    /// The first page of the read in our words: `start` is inclusive in both directions.
    fileprivate func request(_ query: EventQuery, limit: Int) -> ReadRequest {
        var request = ReadRequest(query, direction: isBackwards ? .backward : .forward, limit: limit)
        guard let start else { return request }
        if isBackwards {
            request.before = .position(Position(start).next)
        } else {
            request.after = .position(Position(start).previous)
        }
        return request
    }
}
