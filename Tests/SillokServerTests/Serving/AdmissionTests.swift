import HTTPTypes
import SillokGRPC
import Testing

@testable import SillokServer

@Suite("Admission of requests", .timeLimit(.minutes(10)))
struct AdmissionTests {
    @Test("C18: principals whose names Unicode calls equal have a share each")
    func equalNames() {
        let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}")
        var places = SharedPlaces(9)
        var isTaken = places.take(composed, 3)
        #expect(isTaken && places.held(by: decomposed) == 0)
        isTaken = places.take(decomposed, 3)
        #expect(isTaken)
        places.release(composed, 3)
        #expect(places.taken == 3 && places.held(by: decomposed) == 3)
        var line = WaitingLine<Int>(places: 1, waiting: 4)
        isTaken = line.take(composed)
        guard isTaken, case .waits(let number) = line.enter(decomposed, 1) else {
            Issue.record("it does not wait")
            return
        }
        var next = line.leave(composed, number)
        #expect(next == nil)
        next = line.release(composed)
        #expect(next == 1)
    }

    @Test func `a place that is given up is taken by one who waits, and the count stays right`() async {
        let admission = Admission(requests: 8, subscriptions: 1, timeout: .seconds(50))
        let taken = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<400 {
                group.addTask {
                    guard let place = await admission.begin("owner \(number % 3)") else { return false }
                    #expect(admission.requests <= 8)
                    await Task.yield()
                    place.end()
                    return true
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(taken == 400)
        #expect(admission.requests == 0)
    }

    @Test func `nobody waits for ever`() async {
        let admission = Admission(requests: 1, subscriptions: 1, timeout: .milliseconds(1))
        let first = await admission.begin("a")
        #expect(first != nil)
        let refused = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<50 { group.addTask { await admission.begin("a") == nil } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(refused == 50)
        first?.end()
        #expect(admission.requests == 0)
        #expect(await admission.begin("a") != nil)
    }

    @Test("W10: a principal has half of the places, two have a third each, and a place is given back once")
    func shares() async {
        let admission = Admission(requests: 8, subscriptions: 1, timeout: .zero)
        var places: [Admission.Place] = []
        func take(_ owner: String) async -> Int {
            var count = 0
            while let place = await admission.begin(owner) {
                places.append(place)
                count += 1
            }
            return count
        }
        #expect(await take("a") == 4)
        #expect(await take("b") == 2)
        #expect(await take("c") == 1)
        #expect(admission.requests == 7)
        let ofA = admission.places(of: "a")
        #expect(ofA.held == 4 && ofA.limit == 8)
        for place in places { place.end() }
        for place in places { place.end() }
        #expect(admission.requests == 0)
        places = []
        #expect(admission.requests == 0)
    }

    @Test("W10: of those who wait, the owner with the fewest places is next")
    func order() {
        var line = WaitingLine<String>(places: 6, waiting: 8)
        for owner in ["a", "a", "a", "b", "b", "c"] {
            let isTaken = line.take(owner)
            #expect(isTaken, "\(owner)")
        }
        for name in ["a1", "a2", "b1", "c1"] {
            guard case .waits = line.enter(String(name.prefix(1)), name) else {
                Issue.record("\(name) does not wait")
                return
            }
        }
        var next = line.release("b")
        // One is free, and each of them holds one already.
        #expect(next == nil)
        next = line.release("a")
        #expect(next == "b1")
        next = line.release("a")
        #expect(next == "a1")
        next = line.release("b")
        #expect(next == "c1")
        #expect(line.places.taken == 5)
    }
}
