import Testing

@testable import SillokServer

@Suite("Admission of requests", .timeLimit(.minutes(1)))
struct AdmissionTests {
    @Test func `a place that is given up is taken by one who waits, and the count stays right`() async {
        let admission = Admission(requests: 8, subscriptions: 1, patience: .seconds(50))
        let taken = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<400 {
                group.addTask {
                    guard await admission.begin() else { return false }
                    #expect(admission.requests <= 8)
                    await Task.yield()
                    admission.end()
                    return true
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(taken == 400)
        #expect(admission.requests == 0)
    }

    @Test func `nobody waits for ever`() async {
        let admission = Admission(requests: 1, subscriptions: 1, patience: .milliseconds(1))
        #expect(await admission.begin())
        let refused = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<50 { group.addTask { await admission.begin() } }
            return await group.reduce(0) { $0 + ($1 ? 0 : 1) }
        }
        #expect(refused == 50)
        admission.end()
        #expect(admission.requests == 0)
        #expect(await admission.begin())
    }
}
