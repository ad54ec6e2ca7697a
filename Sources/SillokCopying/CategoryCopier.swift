import Sillok
package import SillokCore
import SillokTerminal

/// Copies the events of one category into another log, which may have other categories.
///
/// The copy is a part of the category at any time: its first events, in the order of the source. So the last event of
/// the category in the target says where a later run continues. Each append has the condition that the target has no
/// newer event of the category, so a second copy or a writer in the target is a conflict.
package struct CategoryCopier: Sendable {
    /// Where a copy continues.
    package struct Start: Sendable {
        /// The mark in the source up to which the category is copied.
        package let mark: EventMark
        /// The mark in the target up to which the category was searched.
        let seen: EventMark
    }

    private let category: StreamCategory
    private let source: any EventStore
    private let target: any EventStore
    private let keepsTimes: Bool

    private var query: EventQuery { .category(category) }

    /// - Parameter keepsTimes: whether the copies keep their recorded times. Otherwise they get the current time.
    package init(
        of category: StreamCategory, from source: any EventStore, to target: any EventStore, keepsTimes: Bool
    ) throws {
        if category.isReserved {
            throw CommandFailure(
                .usage, "the category \(category.text.visible) is reserved for the runners of Sillok",
                hint: "Its events contain positions of this log, which mean other events in another log.")
        }
        (self.category, self.source, self.target, self.keepsTimes) = (category, source, target, keepsTimes)
    }

    /// Returns where the copy continues.
    package func start() async throws -> Start {
        let last = try await target.read(ReadRequest(query, direction: .backward, limit: 1)).events.first
        guard let last else { return Start(mark: .start, seen: .start) }
        guard let original = try await source.event(last.id), isCopy(last, of: original) else {
            throw CommandFailure(
                .conflict, "at position \(last.position) TO has an event of the category that FROM does not have",
                hint: "Writers have used TO since the last copy, or it has another category of this name. "
                    + "Nothing was changed.")
        }
        return Start(mark: EventMark(original), seen: EventMark(last))
    }

    /// Copies the events up to a position of the source, and returns how many. The next page is read while one is
    /// recorded.
    package func run(after start: Start, through end: Position, progress: (Position) -> Void) async throws -> UInt64 {
        var seen = start.seen
        var count: UInt64 = 0
        var batch = CopyBatch(after: start.mark.position)
        var revisions: [StreamID: Revision] = [:]
        let request = ReadRequest(
            query, after: .mark(start.mark), before: .position(end.next), limit: source.limits.pageEvents)
        var page: EventBatch? = try await source.read(request)
        while let current = page {
            async let following = read(request.next(after: current))
            for event in current.events {
                if !batch.add(event, limits: target.limits, keepsTime: keepsTimes) {
                    seen = try await record(batch, revisions, after: seen)
                    count += UInt64(batch.entries.count)
                    (batch, revisions) = (CopyBatch(after: event.position.previous), [:])
                    _ = batch.add(event, limits: target.limits, keepsTime: keepsTimes)
                }
                if let stream = event.stream, revisions[stream] == nil { revisions[stream] = event.revision.before }
            }
            progress(current.through)
            page = try await following
        }
        if batch.entries.isEmpty { return count }
        _ = try await record(batch, revisions, after: seen)
        return count + UInt64(batch.entries.count)
    }

    private func read(_ request: ReadRequest?) async throws -> EventBatch? {
        guard let request else { return nil }
        return try await source.read(request)
    }

    private func record(
        _ batch: CopyBatch, _ revisions: [StreamID: Revision], after seen: EventMark
    ) async throws -> EventMark {
        try Task.checkCancellation()
        let condition = AppendCondition.revisions(revisions).and(.unchanged(query, seen: seen))
        do {
            return try await target.append(
                AppendRequest(batch.entries, if: condition, tracking: batch.tracking)
            ).mark
        } catch {
            guard case .invalid(let invalid) = error, case .timeRunsBackwards = invalid.reason else { throw error }
            throw CommandFailure(
                .invalidData, "\(invalid)",
                hint: "TO already has later events. Copy into a log without them, or give --restamp: then the copies "
                    + "get the current time.")
        }
    }

    private func isCopy(_ copy: RecordedEvent, of original: RecordedEvent) -> Bool {
        copy.data == original.data && copy.stream == original.stream && copy.revision == original.revision
            && copy.tracking == original.tracking && (!keepsTimes || copy.recordedAt == original.recordedAt)
    }
}

extension CategoryCopier {
    /// What the comparison of both logs found to be the same.
    package struct Same: Hashable, Sendable {
        package var events: UInt64 = 0
        package var streams: UInt64 = 0
        /// The last copy in the target, with which its readers continue.
        package var mark = EventMark.start
        /// Whether the source has newer events of the category.
        package var isBehind = false
    }

    /// Reads the category in both logs, and throws at the first difference. Compares each event with its copy, and then
    /// the number of events of each stream.
    package func compare(through end: Position, progress: (Position) -> Void) async throws -> Same {
        var same = Same()
        var originals = PageReader(source, query, before: end.next)
        var copies = PageReader(target, query, before: nil)
        while true {
            try Task.checkCancellation()
            let (original, copy) = (try await originals.next(), try await copies.next())
            guard let original, let copy else {
                if let place = original?.position ?? copy?.position { throw Self.different(place) }
                break
            }
            guard isCopy(copy, of: original) else { throw Self.different(original.position) }
            same.events += 1
            same.mark = EventMark(copy)
            if same.events.isMultiple(of: 1000) { progress(original.position) }
        }
        same.isBehind = try await !source.read(query, after: end, limit: 1).events.isEmpty
        if !same.isBehind { same.streams = try await compareStreams(events: same.events) }
        return same
    }

    private func compareStreams(events: UInt64) async throws -> UInt64 {
        var (streams, sum): (UInt64, UInt64) = (0, 0)
        var last: StreamID?
        while true {
            let limit = min(1000, source.limits.pageEvents, target.limits.pageEvents)
            let left = try await source.streams(in: category, after: last, limit: limit)
            let right = try await target.streams(in: category, after: last, limit: limit)
            for (original, copy) in zip(left, right) {
                let isSame = original.id == copy.id && original.revision == copy.revision
                if !isSame { throw Self.different(original.lastPosition) }
            }
            guard left.count == right.count else { throw Self.different(left.last?.lastPosition ?? .start) }
            guard let next = left.last?.id else { break }
            streams += UInt64(left.count)
            sum += left.reduce(0) { $0 + $1.revision.value }
            last = next
        }
        guard sum == events else { throw Self.different(.start) }
        return streams
    }

    private static func different(_ position: Position) -> CommandFailure {
        CommandFailure(
            .conflict, "at position \(position) of FROM the category differs from its copy",
            hint: "TO had events of the category before the copy, or writers have used it since. "
                + "Do not start the writers on TO: copy into a log without the category.")
    }
}

/// The events of a query, one after the other.
private struct PageReader {
    private let store: any EventStore
    private var request: ReadRequest?
    private var events: ArraySlice<RecordedEvent> = []

    init(_ store: any EventStore, _ query: EventQuery, before end: Position?) {
        self.store = store
        request = ReadRequest(query, before: end.map { .position($0) }, limit: store.limits.pageEvents)
    }

    mutating func next() async throws -> RecordedEvent? {
        while events.isEmpty, let page = request {
            let batch = try await store.read(page)
            events = batch.events[...]
            request = page.next(after: batch)
        }
        return events.popFirst()
    }
}

extension Revision {
    /// The revision that the stream has before the event with this one.
    fileprivate var before: Revision { Revision(value == 0 ? 0 : value - 1) }
}
