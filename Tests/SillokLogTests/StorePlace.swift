import Foundation
import SillokCore
import SillokLog
import SillokTestSupport
import Testing

/// A folder with stores, which is removed when the test ends.
final class StorePlace: Sendable {
    let folder = TemporaryFolder()

    /// The path of a store.
    func callAsFunction(_ name: String = "bank.sillok") -> String { folder(name) }

    /// Opens a store, by default one at which everything happens all the time.
    func open(
        _ name: String = "bank.sillok", _ mode: LogEventStore.Mode = .create, _ tuning: LogTuning = .tiny
    ) throws -> LogEventStore {
        try LogEventStore(path: self(name), mode: mode, tuning: tuning)
    }

    /// Copies the folder of a store that is open: what another process finds after this one was killed.
    func image(_ name: String, of store: String = "bank.sillok") throws -> String {
        try FileManager.default.copyItem(atPath: self(store), toPath: self(name))
        return self(name)
    }
}

/// An event with a text, in a third of all events by its tag.
func note(_ number: Int) -> EventData {
    EventData(type: "noted", tags: [EventTag("third", "\(number % 3)")], text: "\(number)")
}

extension LogEventStore {
    /// Appends events with numbers, one or several at a time.
    func fill(_ numbers: Range<Int>, by step: Int = 1) async throws {
        for start in stride(from: numbers.lowerBound, to: numbers.upperBound, by: step) {
            let entries = (start..<min(start + step, numbers.upperBound)).map { number in
                AppendRequest.Entry(stream: StreamID("s-\(number % 5)"), event: note(number))
            }
            _ = try await append(AppendRequest(entries))
        }
    }

    /// Expects that the store has the events 0..<count, and finds them in every way.
    func expect(_ count: Int, _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation)
        async throws
    {
        var texts: [String] = []
        var ids: [EventID] = []
        for try await page in pages(.all) {
            for event in page.events {
                texts.append(String(decoding: event.payload, as: UTF8.self))
                ids.append(event.id)
            }
        }
        #expect(texts == (0..<count).map { "\($0)" }, comment, sourceLocation: sourceLocation)
        let tagged = try await read(ReadRequest(.tags(EventTag("third", "0"))))
        #expect(
            tagged.events.map(\.position.value) == stride(from: 1, through: UInt64(count), by: 3).map { $0 }, comment,
            sourceLocation: sourceLocation)
        // Until then a list of streams is refused.
        let isRebuilt = try await eventually(within: .seconds(120)) { indexRebuild == nil }
        #expect(isRebuilt, comment, sourceLocation: sourceLocation)
        let names = try await streams(in: "s", after: nil, limit: 10)
        #expect(
            names.map(\.revision.value).reduce(0, +) == UInt64(count), comment, sourceLocation: sourceLocation)
        for index in [0, count / 2, count - 1] where ids.indices.contains(index) {
            #expect(
                try await event(ids[index])?.position.value == UInt64(index + 1), comment,
                sourceLocation: sourceLocation)
        }
        let report = try await verify()
        #expect(report.findings == [], comment, sourceLocation: sourceLocation)
        #expect(report.events == UInt64(count), comment, sourceLocation: sourceLocation)
    }
}
