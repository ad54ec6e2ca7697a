import SillokCore
import Testing

@Suite struct AppendErrorTests {
    private struct Surprise: Error {}

    private static let refusal = InlineProjectionFailed(
        projection: "balances v1",
        event: RecordedEvent(
            position: 3, stream: "account-1", revision: 2, recordedAt: Timestamp(microsecondsSince1970: 0),
            data: EventData(type: "poisoned", payload: [])), cause: Surprise())

    static let all: [AppendError] = [
        .invalid(InvalidRequest(.emptyBatch)),
        .conflict(AppendConflict(streams: ["a": .init(expected: 1, actual: 2)], events: [], head: 2)),
        .knownID(EventIDConflict(id: EventID(high: 1, low: 2), reason: .otherContents)),
        .tracking(TrackingConflict(given: Tracking(source: "log", position: 3), recorded: 4)),
        .refused(refusal),
        .failed(StoreError(.full, "no space is left.")),
    ]

    @Test("an error that a case has becomes that case again, and says the same", arguments: all)
    func known(_ error: AppendError) {
        let again = AppendError(error.underlyingError)
        #expect(type(of: again.underlyingError) == type(of: error.underlyingError))
        #expect("\(again)" == "\(error)" && "\(error)" == "\(error.underlyingError)")
        #expect("\(AppendError(error))" == "\(error)")
        #expect((error.failure == nil) == !(error.underlyingError is StoreError))
    }

    @Test func `an error that no store should throw leaves the outcome unknown`() {
        let failure = AppendError(Surprise()).failure
        #expect(failure?.code == .ioFailure && failure?.outcome == .unknown && failure?.cause is Surprise)
        #expect(AppendError(known: Surprise())?.failure == nil)
    }

    @Test func `a cancellation leaves the outcome unknown, and has a code of its own`() {
        let failure = AppendError(CancellationError()).failure
        #expect(failure?.code == .cancelled && failure?.outcome == .unknown)
    }

    @Test func `a refusal of an inline projection names the projection, the event and the cause`() {
        let text = "\(AppendError.refused(Self.refusal))"
        #expect(text.contains("balances v1 is inline and cannot project poisoned of account-1: Surprise()"))
        #expect(text.contains("Nothing was stored."))
    }

    @Test func `every code has a name of its own, which is the name on the wire`() {
        let names = StoreError.Code.allCases.map(\.rawValue)
        #expect(Set(names).count == names.count && names.contains("file-replaced") && names.contains("read-only"))
        #expect(StoreError.Code.allCases.map(\.description) == names)
    }
}
