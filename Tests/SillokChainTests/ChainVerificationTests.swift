import Sillok
import SillokChain
import Testing

@Suite("Verifying a chain")
struct ChainVerificationTests {
    private func positions(_ log: FixedLog) async throws -> [Position?] {
        try #require(try await log.verifyChain()).findings.map(\.position)
    }

    @Test("a sound log is intact, empty or not, and covers all events", arguments: [0, 1, 6, 7, 8, 50])
    func sound(_ count: Int) async throws {
        let log = try await FixedLog(count: count)
        let report = try #require(try await log.verifyChain())
        #expect(report.isIntact)
        #expect(report.events == UInt64(count))
        #expect(report.link == log.stored.last?.digest ?? report.chain.genesis)
    }

    @Test("a changed event is named, and each of several", arguments: [[1], [7], [8], [50], [3, 4, 20, 21]])
    func changed(_ places: [Int]) async throws {
        var log = try await FixedLog(count: 50)
        for place in places { log.alter(Position(UInt64(place))) }
        #expect(try await positions(log) == places.map { Position(UInt64($0)) })
    }

    @Test("a changed link is named, and the events after it are not blamed", arguments: [1, 7, 8, 49, 50])
    func changedLink(_ place: Int) async throws {
        var log = try await FixedLog(count: 50)
        log.stored[place - 1] = ChainLink(
            position: Position(UInt64(place)), digest: Chain(of: StoreID(high: 1, low: 1), from: 1).genesis)
        #expect(try await positions(log) == [Position(UInt64(place))])
    }

    @Test("a missing link is named")
    func missingLink() async throws {
        var log = try await FixedLog(count: 50)
        log.stored.remove(at: 19)
        #expect(try await positions(log) == [20])
    }

    @Test("removed events are named, with their links or without")
    func removed() async throws {
        var log = try await FixedLog(count: 50)
        log.events.removeSubrange(9...11)
        #expect(try await positions(log) == [10])
        log.stored.removeSubrange(9...11)
        #expect(try await positions(log) == [10])
    }

    @Test("events that changed places are named")
    func swapped() async throws {
        var log = try await FixedLog(count: 50)
        let (first, second) = (log.events[9], log.events[10])
        log.events[9] = second.moved(to: 10)
        log.events[10] = first.moved(to: 11)
        #expect(try await positions(log) == [10, 11])
    }

    @Test("an inserted event is named")
    func inserted() async throws {
        var log = try await FixedLog(count: 50)
        let copy = log.events[9]
        log.events = log.events[..<9] + [copy] + log.events[9...].map { $0.moved(to: $0.position.next) }
        #expect(try await positions(log).first == 11)
    }

    @Test("events that cannot be read are named, and those after them checked")
    func damaged() async throws {
        var log = try await FixedLog(count: 50)
        log.damaged = [5, 14, 15]
        log.alter(30)
        #expect(try await positions(log) == [5, 14, 15, 30])
    }

    @Test("a chain that skips a step is caught")
    func skippedStep() async throws {
        var log = try await FixedLog(count: 50)
        log.stored[24] = ChainLink(
            position: 25, digest: Chain.link(after: log.stored[22].digest, to: log.events[24]))
        for index in 25..<50 {
            log.stored[index] = ChainLink(
                position: log.events[index].position,
                digest: Chain.link(after: log.stored[index - 1].digest, to: log.events[index]))
        }
        #expect(try await positions(log) == [25])
    }

    @Test("a chain that begins later covers what comes after, and a store without one has nothing to verify")
    func later() async throws {
        var log = try await FixedLog(count: 50)
        let chain = Chain(of: try await log.storeID(), from: 31)
        log.kept = chain
        var last = chain.genesis
        log.stored = log.events.dropFirst(30).map { event in
            last = Chain.link(after: last, to: event)
            return ChainLink(position: event.position, digest: last)
        }
        log.alter(10)
        #expect(try await log.verifyChain()?.isIntact == true)
        #expect(try await log.verifyChain()?.events == 20)
        log.alter(31)
        #expect(try await positions(log) == [31])
        log.kept = nil
        #expect(try await log.verifyChain() == nil)
    }

    @Test("not more than a hundred findings are kept")
    func many() async throws {
        var log = try await FixedLog(count: 200)
        for place in 1...200 { log.alter(Position(UInt64(place))) }
        #expect(try await positions(log) == (1...100).map { Position($0) })
    }
}
