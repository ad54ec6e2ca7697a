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
        if query == .all, !message.isBackwards, let page = try await readBytes(message, left) {
            return try await send(page, to: call, &judged)
        }

        var pages = PageSize(limit: store.limits.pageEvents, first: store.limits.pageEvents, bytes: 1 << 20)
        var batch = Batching(size: batchSize(message.batchSize), bytes: 1 << 20, isLimited: message.limit != nil)
        var next: ReadRequest? = message.request(query, limit: min(left, pages.events))
        while let request = next, left > 0 {
            try await judge(call, .read(query), &judged)
            let page = try await store.read(request)
            batch.head = batch.head ?? page.head
            for event in page.events.prefix(left) {
                batch.add(event)
                if batch.isFull { try await call.send(batch.finish()) }
            }
            left -= min(left, page.events.count)
            pages.learn(from: page)
            next = request.next(after: page)
            next?.limit = max(1, min(left, pages.events))
        }
        return batch.finishAtEnd()
    }

    /// Sends pages and returns the message of the last one. A page is read while the one before it is sent.
    private func send(
        _ first: EncodedPage, to call: ServerCall, _ judged: inout ContinuousClock.Instant
    ) async throws -> ByteBuffer {
        var page = first
        while !page.isLast {
            try await judge(call, .read(.all), &judged)
            let request = page.next
            async let next = bytes(of: request)
            try await call.send(page.message)
            // A store that has shown the bytes of one page does so for all.
            guard let following = try await next else { break }
            page = following
        }
        return page.message
    }

    /// Reads the first page of the whole log as bytes; `nil` if the store cannot show them.
    private func readBytes(_ message: UmaDB.ReadRequest, _ left: Int) async throws -> EncodedPage? {
        let start = message.start.map { Position($0).previous } ?? .start
        return try await bytes(
            of: EncodedPage.Request(
                after: start, through: nil, left: left, size: batchSize(message.batchSize),
                isLimited: message.limit != nil))
    }

    private func bytes(of request: EncodedPage.Request) async throws -> EncodedPage? {
        guard let store = store as? any ByteReadableStore else { return nil }
        let page = try await store.readBytes(after: request.after, through: request.through) {
            try EncodedPage(request, head: $0, $1)
        }
        return page?.output
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
        var pages = PageSize(limit: min(store.limits.pageEvents, batchSize), first: 64, bytes: 128 << 10)
        var batch = Batching(size: batchSize, bytes: 128 << 10, isLimited: true)
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
                    batch.add(event)
                    if batch.isFull { try await call.send(batch.finishEvents()) }
                }
                if batch.isStarted { try await call.send(batch.finishEvents()) }
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

/// Collects the encoded events of a batch, and decides when to send it.
private struct Batching: ~Copyable {
    private var writer = UmaDB.BatchWriter()
    private let size: Int
    /// Clients accept messages of at most 4 MiB by default.
    private let bytes: Int
    private let isLimited: Bool
    private var last: Position?
    private var isAnySent = false
    /// The head of the store when the read began.
    var head: Position?

    init(size: Int, bytes: Int, isLimited: Bool) {
        self.size = size
        self.bytes = bytes
        self.isLimited = isLimited
    }

    var isStarted: Bool { writer.count > 0 }
    var isFull: Bool { writer.count >= size || writer.bytes >= bytes }

    mutating func add(_ event: RecordedEvent) {
        writer.append(event)
        last = event.position
    }

    /// The message of a read: with the head, or under a limit with the position of its last event.
    mutating func finish() -> ByteBuffer {
        isAnySent = true
        let head = isLimited ? last : self.head.flatMap { $0 == .start ? nil : $0 }
        return writer.finish(head: head?.value)
    }

    /// The message of a subscription.
    mutating func finishEvents() -> ByteBuffer { writer.finish() }

    /// What is left at the end; a read that finds nothing sends one message without events.
    mutating func finishAtEnd() -> ByteBuffer? { isStarted || !isAnySent ? finish() : nil }
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
