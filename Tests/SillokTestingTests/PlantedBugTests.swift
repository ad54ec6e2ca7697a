import Sillok
import SillokConformance
import SillokTesting
import Testing

@Suite(.serialized) struct PlantedBugTests {
    private static func suite(_ bug: PlantedBug?, timeout: Duration) -> EventStoreSuite {
        let stores = Lock([String: MisbehavingStore]())
        return EventStoreSuite(
            sequences: 100, timeout: timeout,
            open: { place in
                if let store = stores.withLock({ $0[place.name] }) {
                    store.reopen()
                    return store
                }
                let store = MisbehavingStore(bug, place: (place.limits, place.clock))
                stores.withLock { $0[place.name] = store }
                return store
            },
            close: { _, _ in }, remove: { place in stores.withLock { $0[place.name] = nil } })
    }

    @Test(arguments: PlantedBug.allCases)
    func `the suite catches the bug`(_ bug: PlantedBug) async {
        let failure = await #expect(throws: ConformanceFailure.self, "nothing noticed that the store \(bug)") {
            try await Self.suite(bug, timeout: .seconds(2)).run()
        }
        print("planted bug \(bug): caught by \"\(failure?.check ?? "nothing")\"")
    }

    @Test func `the same store without a bug passes`() async throws {
        try await Self.suite(nil, timeout: .seconds(60)).run()
    }
}
