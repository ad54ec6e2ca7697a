import Sillok
import SillokCore
import Testing

@testable import SillokProjections

/// What the partitions of a projector read together.
@Suite("pages of partitions", .timeLimit(.minutes(10)))
struct PartitionPagesTests {
    private struct Broken: Error {}

    private let clock = StillClock()

    private func pages() -> PartitionPages { PartitionPages(ProjectorOptions(pollInterval: .seconds(1), clock: clock)) }

    /// A page that searched up to a position.
    private func page(through position: Position) -> EventBatch {
        EventBatch(events: [], mark: EventMark(position: position, id: nil), isEnd: true, head: position)
    }

    @Test("64 partitions at one place share a read, and those that come later use its page")
    func shares() async throws {
        let (pages, reads, page) = (pages(), Lock(0), page(through: 9))
        try await withThrowingTaskGroup(of: EventBatch.self) { group in
            for _ in 0..<64 {
                group.addTask {
                    try await pages.page(after: .start, isFresh: true) {
                        reads.withLock { $0 += 1 }
                        return page
                    }
                }
            }
            for try await shared in group { #expect(shared == page) }
        }
        #expect(reads.withLock { $0 } == 1)
    }

    @Test("a page with events is used for 5 s, so that an erased event is not projected long afterwards")
    func ages() async throws {
        let pages = pages()
        func read(_ position: Position) async throws -> Position {
            let made = page(through: position)
            return try await pages.page(after: .start, isFresh: false) { made }.through
        }
        #expect(try await read(1) == 1)
        clock.advance(by: .seconds(4))
        #expect(try await read(2) == 1)
        clock.advance(by: .seconds(1))
        #expect(try await read(3) == 3)
    }

    @Test("a page without events is used for half a poll interval, and never by a partition that knows of events")
    func empty() async throws {
        let (pages, reads, nothing) = (pages(), Lock(0), page(through: 0))
        func read(isFresh: Bool) async throws -> Int {
            _ = try await pages.page(after: .start, isFresh: isFresh) {
                reads.withLock { $0 += 1 }
                return nothing
            }
            return reads.withLock { $0 }
        }
        #expect(try await read(isFresh: false) == 1)
        #expect(try await read(isFresh: false) == 1)
        #expect(try await read(isFresh: true) == 2)
        clock.advance(by: .milliseconds(500))
        #expect(try await read(isFresh: false) == 3)
    }

    @Test("after a failed read the next one reads again")
    func fails() async throws {
        let (pages, page) = (pages(), page(through: 9))
        await #expect(throws: Broken.self) {
            try await pages.page(after: .start, isFresh: true) { throw Broken() }
        }
        #expect(try await pages.page(after: .start, isFresh: true) { page } == page)
    }

    @Test("four pages are kept")
    func bounded() async throws {
        let (pages, reads) = (pages(), Lock(0))
        func read(after position: Position) async throws {
            let made = page(through: position.next)
            _ = try await pages.page(after: EventMark(position: position, id: nil), isFresh: false) {
                reads.withLock { $0 += 1 }
                return made
            }
        }
        for position in 1...5 { try await read(after: Position(UInt64(position))) }
        for position in 2...5 { try await read(after: Position(UInt64(position))) }
        #expect(reads.withLock { $0 } == 5)
        try await read(after: 1)
        #expect(reads.withLock { $0 } == 6)
    }

    @Test("a read ends when all who wait for it were cancelled, and not when one of them was")
    func cancelled() async throws {
        let (pages, page) = (pages(), page(through: 9))
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let (go, start) = AsyncStream.makeStream(of: Void.self)
        let isCancelled = Lock(false)
        let read: @Sendable () async throws -> EventBatch = {
            begin.yield()
            for await _ in go { return page }
            isCancelled.withLock { $0 = true }
            throw CancellationError()
        }
        let one = Task { try await pages.page(after: .start, isFresh: true, read) }
        for await _ in begun { break }
        let other = Task { try await pages.page(after: .start, isFresh: true, read) }
        while pages.waiting(after: .start) < 2 { await Task.yield() }
        one.cancel()
        while pages.waiting(after: .start) > 1 { await Task.yield() }
        start.yield()
        #expect(try await other.value == page)
        #expect(!isCancelled.withLock { $0 })
        let alone = Task { try await pages.page(after: page.mark, isFresh: true, read) }
        while pages.waiting(after: page.mark) < 1 { await Task.yield() }
        alone.cancel()
        await #expect(throws: CancellationError.self) { try await alone.value }
        #expect(isCancelled.withLock { $0 })
    }
}

/// A clock that moves only by hand. Nothing sleeps on it.
private final class StillClock: Clock, Sendable {
    struct Instant: InstantProtocol {
        var time: Duration
        func advanced(by duration: Duration) -> Instant { Instant(time: time + duration) }
        func duration(to other: Instant) -> Duration { other.time - time }
        static func < (left: Instant, right: Instant) -> Bool { left.time < right.time }
    }

    private let time = Lock(Duration.zero)
    var now: Instant { Instant(time: time.withLock { $0 }) }
    var minimumResolution: Duration { .zero }
    func advance(by duration: Duration) { time.withLock { $0 += duration } }
    func sleep(until deadline: Instant, tolerance: Duration?) async throws {}
}
