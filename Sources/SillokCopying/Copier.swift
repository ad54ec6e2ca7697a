import Sillok
package import SillokCore
package import SillokLog
import SillokTerminal

/// Copies a log into a store that is empty, or holds the first part of the same log.
package struct Copier: Sendable {
    private let source: any EventStore
    private let target: any EventStore
    /// The number of events in front of the next one that the source has lost.
    private var lost: UInt64 = 0

    package init(from source: any EventStore, to target: any EventStore) {
        self.source = source
        self.target = target
    }

    /// Up to where the target has the log already.
    package func resumePosition() async throws -> EventMark {
        let newest = try await target.read(ReadRequest(direction: .backward, limit: 1))
        guard let last = newest.events.first else { return .start }
        let same = try await source.read(.all, after: last.position.previous, limit: 1).events.first
        guard let same, same == last else { throw Self.foreign(last.position) }
        return EventMark(last)
    }

    /// Copies the readable events of a damaged log into an empty store.
    package func salvage(_ losses: [DamagedLog.Loss]) async throws {
        let head = try await source.head()
        guard try await target.head() == .start else { throw Self.foreign(.start.next) }
        let bar = ProgressBar("Copying", total: head.value)
        defer { bar.finish(quietly: true) }
        var (copier, start) = (self, Position.start)
        for loss in losses where loss.first <= head {
            let mark = EventMark(position: start, id: nil)
            try await copier.run(after: mark, through: loss.first.previous) { bar.update(to: $0.value) }
            start = loss.last ?? head
            copier.lost += start.value + 1 - loss.first.value
        }
        guard start < head else { return }
        try await copier.run(after: EventMark(position: start, id: nil), through: head) { bar.update(to: $0.value) }
    }

    /// Copies the events between two places. The next page is read while one is recorded.
    package func run(after start: EventMark, through end: Position, progress: (Position) -> Void) async throws {
        var batch = CopyBatch(after: start.position)
        let request = ReadRequest(
            after: .mark(start), before: .position(end.next), limit: source.limits.pageEvents)
        var page: EventBatch? = try await source.read(request)
        while let current = page {
            async let following = read(request.next(after: current))
            for event in current.events where !batch.add(event, limits: target.limits) {
                try await record(&batch, progress)
                _ = batch.add(event, limits: target.limits)
            }
            page = try await following
        }
        try await record(&batch, progress)
    }

    private func read(_ request: ReadRequest?) async throws -> EventBatch? {
        guard let request else { return nil }
        return try await source.read(request)
    }

    private func record(_ batch: inout CopyBatch, _ progress: (Position) -> Void) async throws {
        try Task.checkCancellation()
        guard !batch.entries.isEmpty else { return }
        let receipt = try await target.append(AppendRequest(batch.entries, tracking: batch.tracking))
        guard receipt.firstPosition.value + lost == batch.after.next.value else {
            throw Self.foreign(receipt.firstPosition)
        }
        batch = CopyBatch(after: Position(receipt.position.value + lost))
        progress(batch.after)
    }

    /// Reads both logs and throws at the first difference.
    package func compare(through end: Position, progress: (Position) -> Void) async throws {
        var seen = Position.start
        while seen < end {
            try Task.checkCancellation()
            let request = ReadRequest(
                after: .position(seen), before: .position(end.next),
                limit: min(source.limits.pageEvents, target.limits.pageEvents))
            async let original = source.read(request).events
            async let copied = target.read(request).events
            let (first, second) = try await (original, copied)
            for (left, right) in zip(first, second) where left != right { throw Self.foreign(left.position) }
            guard let last = first.prefix(second.count).last else { throw Self.foreign(seen.next) }
            seen = last.position
            progress(seen)
        }
    }

    private static func foreign(_ position: Position) -> CommandFailure {
        CommandFailure(
            .conflict, "at position \(position) the stores hold different events",
            hint: "A copy goes into a store that is empty, or that holds the first part of the same log. "
                + "sillok export and sillok import add events to a store that has others.")
    }
}

/// Events that are recorded together: events with the same tracked position stay together.
struct CopyBatch {
    let after: Position
    private(set) var entries: [AppendRequest.Entry] = []
    private(set) var tracking: Tracking?
    private var bytes = 0

    init(after: Position) { self.after = after }

    /// Adds an event, unless the batch must be recorded first.
    ///
    /// - Parameter keepsTime: whether the copy keeps the recorded time; otherwise the store uses its clock.
    mutating func add(_ event: RecordedEvent, limits: Limits, keepsTime: Bool = true) -> Bool {
        let size = event.data.size + (event.stream?.text.utf8.count ?? 0)
        if !entries.isEmpty {
            guard event.tracking == tracking else { return false }
            let isFull = entries.count >= limits.batchEvents || bytes + size > limits.batchBytes
            if isFull { return false }
        }
        tracking = event.tracking
        entries.append(
            .init(stream: event.stream, event: event.data, recordedAt: keepsTime ? event.recordedAt : nil))
        bytes += size
        return true
    }
}
