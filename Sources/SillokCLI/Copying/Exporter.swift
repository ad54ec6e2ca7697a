import Sillok
import SillokCloudEvents
import SillokTerminal

/// Writes the events of a store as lines, from the first to the head at the start: while a page is written, the next
/// one is read.
struct Exporter {
    let store: any EventStore
    let output: Output

    /// Writes the events after a place, and returns the place of the last event that is written out.
    ///
    /// Stops between two pages when the task is cancelled.
    func export(after start: EventMark = .start, progress: (EventMark) -> Void) async throws -> EventMark {
        var writer = CloudEventWriter(store: try await store.storeID())
        var last = start
        let after: ReadRequest.Bound = start.id == nil ? .position(start.position) : .mark(start)
        var request: ReadRequest? = ReadRequest(after: after, limit: store.limits.pageEvents)
        var page = try await read(request)
        while let batch = page {
            let following = request?.next(after: batch)
            async let next = read(following)
            for event in batch.events { writer.write(event) }
            try output.write(writer.take())
            last = batch.events.last.map { EventMark($0) } ?? last
            progress(last)
            request = following
            page = try await next
            if Task.isCancelled { break }
        }
        try output.flush()
        return last
    }

    private func read(_ request: ReadRequest?) async throws -> EventBatch? {
        guard let request else { return nil }
        return try await store.read(request)
    }
}
