import Foundation
import Sillok
import SillokCore
import SillokReadSide
import SillokSQL
import Testing

@testable import SillokProjectionMachine
@testable import SillokProjections

@Suite struct DocumentCacheTests {
    @Test("C4: a document in memory continues as the table has it, also if storing changes a value in it")
    func storedDocuments() throws {
        let rule = ProjectionRule(documents: Times())
        var cache = DocumentCache(try #require(rule.documents), capacity: 1 << 20)
        try cache.insert([.init(key: "a", text: nil)])
        let fine = Date(timeIntervalSinceReferenceDate: 700_000_000.000_000_3)
        try cache.evolve([.init(key: "a") { _ in Times.Document(time: fine) }])
        let row = PartitionRow(
            number: 0, checkpoint: Checkpoint(store: StoreID(high: 1, low: 1)), epoch: 0, owner: "", token: 0, beat: 0)
        let page = EventBatch(events: [], through: .start, isEnd: true, head: .start)
        var batch = Batch(page, after: PartitionState(row: row, parked: [:], decisions: try Decisions()))
        try cache.flush(into: &batch, ProjectionID("times", version: 1))
        #expect(batch.changes.count == 1)
        var seen: Times.Document?
        try cache.evolve([
            .init(key: "a") { document in
                seen = document as? Times.Document
                return document
            }
        ])
        let time = try #require(seen?.time)
        #expect(time != fine && abs(time.timeIntervalSince(fine)) < 0.000_001)
    }
}

/// A document with a date.
private struct Times: DocumentProjection {
    enum Event: Codable, Sendable { case happened }
    struct Document: Codable, Sendable { let time: Date }

    let name = "times"
    let version = 1
    var source: EventQuery { .all }

    func evolve(_ document: Document?, _ event: Recorded<Event>) -> Document? { document }
}
