import Sillok
import SillokTerminal
import SillokWire

/// Writes the events of a store as lines, from the first to the head at the start: while a page is written, the next
/// one is read.
struct Exporter {
    let store: any EventStore
    let output: Output

    /// Writes what comes after a position, and answers the position of the last event that is written out.
    ///
    /// Stops between two pages when the task is cancelled.
    func export(after position: Position = .start, progress: (Position) -> Void) async throws -> Position {
        var writer = CloudEventWriter(store: try await store.storeID())
        var last = position
        var request: ReadRequest? = ReadRequest(after: .position(position), limit: store.limits.pageEvents)
        var page = try await read(request)
        while let batch = page {
            let following = request?.next(after: batch)
            async let next = read(following)
            for event in batch.events { writer.write(event) }
            try output.write(writer.take())
            last = batch.events.last?.position ?? last
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
