import CSQLite
import Sillok
import SillokCore
import SillokIndex
import SillokSQLiteConnections
import SillokStorage
import SillokTesting
import Testing

@testable import SillokSQLite

/// A log in a file, with what is inside a store to count the steps of.
final class Budgeted {
    let folder: TemporaryFolder
    let path: String
    private let opening: StoreOpening

    /// - Parameter entries: the events, which are appended by fifty.
    init(
        _ entries: [AppendRequest.Entry], limits: Limits = Limits(), tuning: Tuning = Tuning()
    ) async throws {
        folder = TemporaryFolder()
        path = folder()
        let store = try SQLiteEventStore(path: path, mode: .create, limits: limits, clock: .system, tuning: tuning)
        for start in stride(from: 0, to: entries.count, by: 50) {
            _ = try await store.append(AppendRequest(Array(entries[start..<min(start + 50, entries.count)])))
        }
        await store.close()
        opening = StoreOpening(path: path, mode: .existing, limits: limits, tuning: tuning)
    }

    /// A connection that reads.
    func reader() throws -> EventReader {
        try #require(try opening.readers(nil).readers.first)
    }

    /// The connection that writes, on the thread of the caller.
    func writer() throws -> Writer {
        let origins = Schema.Origins(
            ids: .system, random: SystemRandomNumberGenerator(), clock: .system, keepsChain: nil, progress: { _ in })
        return try opening.writer(origins, clock: .system)
    }
}

extension EventReader {
    /// All pages of a request, each with this number of steps.
    func pages(of request: ReadRequest, steps: Int) throws -> [EventBatch] {
        var pages: [EventBatch] = []
        var next: ReadRequest? = request
        while let current = next {
            let page = try connection.reading { try pageAsOfNow(current, StepBudget(steps: steps)) }
            pages.append(page)
            next = current.next(after: page)
            if pages.count > 10_000 { throw EndlessPages() }
        }
        return pages
    }

    /// The steps that finding all positions of a query takes, and the positions.
    func walk(
        _ items: [EventQuery.Item], _ direction: ReadRequest.Direction
    ) throws -> (steps: Int, positions: [Int64]) {
        try connection.reading {
            let budget = StepBudget(steps: .max / 2)
            let plan = QueryPlan(items, direction, self, budget)
            let head = try head()
            var places =
                direction == .forward
                ? PlaceSearch(plan, from: 1, through: head, budget)
                : PlaceSearch(plan, from: -head, through: -1, budget)
            var found: [Int64] = []
            while let place = try places.next() { found.append(abs(place)) }
            return (budget.used, found)
        }
    }
}

struct EndlessPages: Error {}

/// An event in a stream with tags.
func entry(_ number: Int, in stream: StreamID? = nil, type: EventType = "noted", tags: [EventTag] = [])
    -> AppendRequest.Entry
{
    AppendRequest.Entry(stream: stream, event: EventData(type: type, tags: tags, text: "\(number)"))
}

/// Two tags that every other event has, and that never meet.
func halves(_ count: Int) -> [AppendRequest.Entry] {
    (0..<count).map { entry($0, tags: [$0.isMultiple(of: 2) ? "half:a" : "half:b"]) }
}

/// The item that both tags are on no event for.
let meeting = EventQuery.Item(tags: ["half:a", "half:b"])

extension Array {
    /// All orders of the elements.
    var permutations: [[Element]] {
        if count < 2 { return [self] }
        return indices.flatMap { index -> [[Element]] in
            var rest = self
            let first = rest.remove(at: index)
            return rest.permutations.map { [first] + $0 }
        }
    }
}
