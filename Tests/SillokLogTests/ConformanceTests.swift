import Foundation
import Sillok
import SillokConformance
import SillokSegments
import SillokTestSupport
import SillokTesting
import Testing

@testable import SillokLog

@Suite(.serialized) struct ConformanceTests {
    private let folder = TemporaryFolder()

    /// The usual sizes; sizes at which everything happens all the time; and hashes of which many are equal.
    private static let tunings: [(String, LogTuning)] = {
        var colliding = LogTuning.tiny
        colliding.hashBits = 8
        return [("usual", LogTuning()), ("tiny", .tiny), ("colliding", colliding)]
    }()

    @Test(arguments: EventStoreSuite.checks, tunings.indices)
    func `the store in a folder keeps its promises`(_ check: EventStoreSuite.Check, _ index: Int) async throws {
        var tuning = Self.tunings[index].1
        // A condition or a page that is cut short by few steps is checked elsewhere.
        tuning.writerSteps = LogTuning().writerSteps
        tuning.segments.firstSegmentBytes = 1 << 16
        let suite = EventStoreSuite(
            sequences: Environment.count("SILLOK_SEQUENCES", default: 60),
            open: { [tuning] place in
                try LogEventStore(
                    path: folder(place.name), mode: .create, limits: place.limits, clock: place.clock, tuning: tuning)
            },
            close: { store, _ in await (store as? LogEventStore)?.close() },
            remove: { place in try? FileManager.default.removeItem(atPath: folder(place.name)) })
        try await suite.run(check)
    }

    @Test(arguments: EventStoreSuite.checks, [0, 1])
    func `the store in a folder keeps its promises with an inline projection, which tells all of it`(
        _ check: EventStoreSuite.Check, _ index: Int
    ) async throws {
        var tuning = Self.tunings[index].1
        tuning.writerSteps = LogTuning().writerSteps
        tuning.segments.firstSegmentBytes = 1 << 16
        let suite = EventStoreSuite(
            sequences: Environment.count("SILLOK_SEQUENCES", default: 30),
            open: { [tuning] place in
                let store = try LogEventStore(
                    path: folder(place.name), mode: .create, limits: place.limits, clock: place.clock, tuning: tuning)
                try await StreamLengths.attach(to: store.readModel)
                return store
            },
            close: { store, _ in
                guard let store = store as? LogEventStore else { return }
                do {
                    let findings = try await StreamLengths.findings(store, store.readModel)
                    #expect(findings == [])
                } catch let error as StoreError where error.code == .closed {
                    // The check has closed it, to see what it says.
                }
                await store.close()
            },
            remove: { place in try? FileManager.default.removeItem(atPath: folder(place.name)) })
        try await suite.run(check)
    }
}
