import SillokTesting
import Testing

@testable import sillok_fuzz

@Suite("the JSON coder compared with Foundation's")
struct FuzzTests {
    @Test("random values and texts are read alike, but for the differences that are written down")
    func agrees() {
        // The same cases each time, unless more are requested: a random find should not block an unrelated change.
        let cases = Environment.count("SILLOK_FUZZ_CASES", default: 20_000)
        let seed = cases == 20_000 ? 1_613_370_000 : Environment.seed
        print("fuzz: SILLOK_SEED=\(seed)")
        var report = FuzzReport()
        for number in 0..<UInt64(cases) { report.take(FuzzCase(seed: seed &+ number)) }
        #expect(report.unknown.isEmpty, "\(report)")
        #expect(report.agreed > cases / 3 && report.refusedByBoth > cases / 20, "\(report)")
    }
}
