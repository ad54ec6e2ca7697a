import Foundation
import Sillok
import SillokChain
import SillokSQLite
import SillokTesting
import Testing

@Suite("Tampering")
struct TamperingTests {
    private let folder = TemporaryFolder()

    /// A closed store of 60 events with everything that an event can have.
    private func fill() async throws {
        let store = try SQLiteEventStore(path: folder())
        for number in 0..<30 {
            let entries = (0..<2).map { index in
                let metadata = Metadata(actor: "actor \(number)", correlationID: "c\(number % 4)")
                let event = EventData(
                    type: EventType("\(number % 7)-kind-\(number % 7)"),
                    tags: index == 0 ? [] : [EventTag("tag", "\(number % 5)")],
                    metadata: number % 4 == 0 ? Metadata() : metadata, contentType: number % 3 == 0 ? .bytes : .json,
                    text: "{\"number\":\(number)}")
                return AppendRequest.Entry(
                    stream: number % 6 == 0 ? nil : StreamID("stream-\(number % 5)"), event: event)
            }
            let tracking = number % 2 == 0 ? Tracking(source: "feed", position: UInt64(number)) : nil
            _ = try await store.append(AppendRequest(entries, tracking: tracking))
        }
        await store.close()
    }

    @Test("for a change of any single byte of an event, the chain names the event, also when the checksum fits")
    func bytes() async throws {
        try await fill()
        let tampering = try Tampering(path: folder())
        let seed = Environment.seed
        var random = SeededGenerator(seed: seed)
        let count = Environment.count("SILLOK_TAMPERINGS", default: 300)
        var perColumn: [String: Int] = [:]
        while perColumn.values.reduce(0, +) < count {
            guard let change = try tampering.change(using: &random) else { continue }
            perColumn[change.column, default: 0] += 1
            try await tampering.with(change) { position in
                let store = try SQLiteEventStore(
                    path: folder(), mode: .readOnly, limits: Limits(), clock: .system, tuning: .tiny)
                let report = try await store.verifyChain()
                await store.close()
                #expect(
                    report?.findings.first?.position == Position(position),
                    "seed \(seed): \(change): \(report?.findings.first?.description ?? "nothing")")
            }
        }
        let store = try SQLiteEventStore(path: folder(), mode: .readOnly)
        #expect(try await store.verifyChain()?.isIntact == true)
        await store.close()
        let counts = perColumn.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        print("tampering: seed \(seed), \(count) changed bytes, each named at its position: \(counts)")
    }
}
