import Foundation
import Sillok
import SillokHistory
import SillokSnapshots
import Testing

/// What a state in memory takes is what a reader of the log decodes.
@Suite struct StoredValueTests {
    private let store = MemoryEventStore()
    private var plain: CommandHandler<Lease> { CommandHandler("lease", in: store) }
    private var cached: CommandHandler<Lease> { CommandHandler("lease", in: store, options: .init(cache: AggregateCache())) }
    /// A date with a fraction of a microsecond.
    private let fine = Date(timeIntervalSinceReferenceDate: 700_000_000.000_000_3)

    @Test("C4: a command decides the same with a cached state as without one")
    func cache() async throws {
        let leases = cached
        try await leases.execute(.grant(until: fine), on: "1")
        let stored = try #require(try await plain.state(of: "1").state.until)
        #expect(stored != fine)
        await #expect(throws: Lease.Refusal.other) { try await plain.execute(.renew(known: fine), on: "1") }
        await #expect(throws: Lease.Refusal.other) { try await leases.execute(.renew(known: fine), on: "1") }
        try await leases.execute(.renew(known: stored), on: "1")
    }

    @Test("C4: a command answers the events and the state that a reader decodes, the first time and again")
    func answers() async throws {
        let id = CommandID()
        let first = try await plain.execute(.grant(until: fine), on: "1", id: id)
        #expect(try await first.state == plain.state(of: "1").state)
        let again = try await plain.execute(.grant(until: fine), on: "1", id: id)
        #expect(again.isRepeat && again.events == first.events && again.state == first.state)
        let priced = try await plain.execute(.price(Rounded(1.6)), on: "1")
        #expect(priced.events == [.priced(Rounded(2))])
        #expect(try await priced.state == plain.state(of: "1").state)
    }

    @Test("C4: a command of a batch is decided on what the commands before it have stored")
    func batches() async throws {
        await #expect(throws: Lease.Refusal.other) {
            try await plain.execute([("1", .grant(until: fine)), ("1", .renew(known: fine))])
        }
        let exact = Date(timeIntervalSince1970: 1_700_000_000.25)
        try await plain.execute([("1", .grant(until: exact)), ("1", .renew(known: exact))])
    }

    @Test("C4: an event that cannot be decoded again is refused, and nothing is stored")
    func unreadable() async throws {
        await #expect(throws: UnstorableEvent.self) { try await plain.execute(.spoil, on: "1") }
        #expect(try await store.head() == 0)
    }

    @Test("C4: what would have been decided is folded as it would have been stored")
    func trials() async throws {
        let leases = plain.recordingCommands()
        try await leases.execute(.extend, on: "1")
        let report = try await store.past().compare(
            deciders: Lease.self, with: Lease.self, over: .category("lease"), course: .decided)
        #expect(report.isSame)
    }
}

/// A lease until a date, renewed by those who know the date.
private struct Lease: Decider, Equatable {
    enum Command: Codable, Sendable { case grant(until: Date), renew(known: Date), price(Rounded), extend, spoil }
    enum Event: Codable, Equatable, Sendable {
        case granted(until: Date)
        case renewed
        case priced(Rounded)
        case spoiled(Unreadable)
    }
    enum Refusal: Error { case other }

    private(set) var until: Date?
    private(set) var price: Rounded?

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .grant(let date): return [.granted(until: date)]
        case .renew(let known):
            guard known == until else { throw .other }
            return [.renewed]
        case .price(let price): return [.priced(price)]
        case .extend: return [.granted(until: Date(timeIntervalSinceReferenceDate: 700_000_000.000_000_3))]
        case .spoil: return [.spoiled(Unreadable())]
        }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .granted(let date): until = date
        case .priced(let price): self.price = price
        case .renewed, .spoiled: break
        }
    }
}

/// A number that is stored without its fraction.
private struct Rounded: Codable, Equatable, Sendable {
    let value: Double

    init(_ value: Double) { self.value = value }
    init(from decoder: any Decoder) throws {
        value = Double(try decoder.singleValueContainer().decode(Int.self))
    }
    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Int(value.rounded()))
    }
}

/// A value that is written as a text and read as a number.
private struct Unreadable: Codable, Equatable, Sendable {
    init() {}
    init(from decoder: any Decoder) throws { _ = try decoder.singleValueContainer().decode(Int.self) }
    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode("text")
    }
}
