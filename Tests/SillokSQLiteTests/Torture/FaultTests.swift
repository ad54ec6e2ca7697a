#if os(Linux)
import Foundation
import Testing

/// One call to the disk fails, wherever it is.
@Suite("faults", .serialized)
struct FaultTests {
    /// The kinds of fault that a class of calls can have. After a number of calls only some of the calls are tried.
    struct Class: CustomTestStringConvertible, Sendable {
        let name: String
        let kinds: [String]
        let dense: Int
        let stride: Int
        var testDescription: String { name }
    }

    static let classes = [
        Class(name: "sync", kinds: ["EIO", "ENOSPC", "EINTR"], dense: 8, stride: 7),
        Class(name: "truncate", kinds: ["EIO", "ENOSPC"], dense: 3, stride: 3),
        Class(name: "write", kinds: ["EIO", "ENOSPC", "TORN", "SHORT", "EINTR"], dense: 12, stride: 67),
    ]

    @Test("DUR-6: a failing call loses nothing, is reported correctly, and stops the store at once", arguments: classes)
    func faults(_ calls: Class) async throws { try await Self.run(calls, storeNamed: "store.sqlite") }

    /// Lets every call of a class fail in turn, on a store with this name.
    static func run(_ calls: Class, storeNamed name: String) async throws {
        let isFull = setting("SILLOK_FAULTS") == "full"
        var (call, made, slowest) = (1, 0, 0)
        var isReached = true
        while isReached {
            isReached = false
            for (index, kind) in calls.kinds.enumerated() where isFull || index == call % calls.kinds.count {
                let bench = try TortureBench(inMemory: true)
                let faults = ["FAULT_CLASS": calls.name, "FAULT_NTH": String(call), "FAULT_KIND": kind]
                let store = bench.path(name)
                let path = ["FAULT_PATH": store]
                let report = try bench.run(
                    "script", store: store,
                    environment: FaultShim.environment(bench, faults.merging(path) { $1 }))
                #expect(report.isClean, "\(calls.name) \(call) \(kind), seed \(bench.seed):\n\(report)")
                #expect(report.count("stopped-us") < 100_000, "\(calls.name) \(call) \(kind), seed \(bench.seed)")
                slowest = max(slowest, report.count("stopped-us"))
                if report.faults.isEmpty { continue }
                isReached = true
                made += 1
            }
            call += isFull || call < calls.dense ? 1 : calls.stride
        }
        #expect(made >= 3)
        print(
            "DUR-6, \(name): \(made) faults of \(calls.name), the last at call \(call);",
            "the store stopped in \(slowest) µs")
    }
}
#endif
