import SillokCore
import SillokStorage
import Testing

/// What every store on a disk checks in the same way before it records an append.
@Suite struct AppendRuleTests {
    private func event(_ text: String) -> EventData { EventData(type: "noted", text: text) }

    private func request(_ events: [EventData], at times: [Int64?]? = nil) -> AppendRequest {
        AppendRequest(
            events.enumerated().map { index, event in
                let time = times?[index].map { Timestamp(microsecondsSince1970: $0) }
                return AppendRequest.Entry(stream: "a-1", event: event, recordedAt: time)
            })
    }

    private func recorded(_ event: EventData, at position: UInt64) -> RecordedEvent {
        RecordedEvent(
            position: Position(position), stream: "a-1", revision: Revision(position),
            recordedAt: Timestamp(microsecondsSince1970: 7), tracking: nil, data: event)
    }

    @Test func `recorded times never decrease, whatever the clock says`() throws {
        let three = request([event("1"), event("2"), event("3")], at: [nil, 50, nil])
        let now = Timestamp(microsecondsSince1970: 20)
        #expect(try three.recordedTimes(after: 10, now: now) == [20, 50, 50])
        #expect(try three.recordedTimes(after: 30, now: now) == [30, 50, 50])
        let error = #expect(throws: InvalidRequest.self) { try three.recordedTimes(after: 60, now: now) }
        #expect(error?.index == 1)
    }

    @Test func `a repeat gets its receipt, and ids that are certainly new are not looked up`() throws {
        let (first, second) = (event("1"), event("2"))
        let append = request([first, second])
        #expect(try append.firstReceipt(unless: { _ in true }, find: { _ in throw CancellationError() }) == nil)
        #expect(try append.firstReceipt(unless: { _ in false }, find: { _ in nil }) == nil)
        let stored = [first.id: recorded(first, at: 4), second.id: recorded(second, at: 5)]
        let receipt = try append.firstReceipt(unless: { _ in false }, find: { stored[$0] })
        #expect(receipt?.firstPosition == 4)
        #expect(receipt?.mark == EventMark(position: 5, id: second.id))
        #expect(throws: EventIDConflict.self) {
            try append.firstReceipt(unless: { $0 == second.id }, find: { stored[$0] })
        }
    }

    @Test func `a tracked position must be after the recorded one`() throws {
        let source: TrackingSource = "other"
        let append = AppendRequest([], tracking: Tracking(source: source, position: 5))
        try append.checkTracking { _ in nil }
        try append.checkTracking { Tracking(source: $0, position: 4) }
        #expect(throws: TrackingConflict.self) { try append.checkTracking { Tracking(source: $0, position: 5) } }
    }
}
