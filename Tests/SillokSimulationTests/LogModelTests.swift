import Testing

@testable import SillokSimulation

/// What the model of a log allows.
@Suite struct LogModelTests {
    private func records(_ positions: ClosedRange<UInt64>) -> [LogModel.Record] {
        positions.map {
            LogModel.Record(
                position: $0, isEvent: true, append: 0, index: 0, revision: 0, recorded: 0, link: nil)
        }
    }

    private func place(_ start: Int, _ path: String = "a") -> LogModel.Place {
        LogModel.Place(path: path, range: start..<start + 100)
    }

    /// Three groups of two events, of which the first two are acknowledged one after the other.
    private func model() -> LogModel {
        var model = LogModel()
        model.add(records(1...2), at: place(0), isWhole: true)
        model.acknowledge()
        model.add(records(3...4), at: place(100), isWhole: true)
        model.acknowledge()
        model.add(records(5...6), at: place(200), isWhole: true)
        return model
    }

    @Test("a group of unknown outcome may be there or not, but whole")
    func unknown() {
        var model = model()
        #expect(model.settle(shown: 5) != nil)
        #expect(model.settle(shown: 6) == nil)
        #expect(model.acknowledgedHead == 6)
        model = self.model()
        #expect(model.settle(shown: 4) == nil)
        #expect(model.head == 4)
    }

    @Test("an acknowledged group may not be missing")
    func missing() {
        var model = model()
        #expect(model.settle(shown: 2)?.contains("missing") == true)
    }

    @Test("damage may hide a group only if no sound header proves it")
    func damage() {
        var model = model()
        model.acknowledge()
        // The third group says that the first two were durable.
        #expect(model.settle(shown: 2, damaged: [1])?.contains("not reported") == true)
        #expect(model.settle(shown: 4, damaged: [2]) == nil)
        model = self.model()
        model.acknowledge()
        #expect(model.settle(shown: 2, damaged: [1, 2]) == nil)
    }

    @Test("a group in a later file proves all before it")
    func laterFile() {
        var model = LogModel()
        model.add(records(1...1), at: place(0), isWhole: true)
        model.add(records(2...2), at: place(64, "b"), isWhole: true)
        model.acknowledge()
        #expect(model.settle(shown: 0, damaged: [0])?.contains("not reported") == true)
    }

    @Test("a durable position acknowledges the groups up to it, but no tracking behind it")
    func durablePosition() {
        var model = model()
        model.add([], at: place(300), isWhole: true)
        model.acknowledge(through: 5)
        #expect(model.acknowledgedHead == 4)
        model.acknowledge(through: 6)
        #expect(model.acknowledged == 3)
    }

    @Test("events are found by their positions")
    func positions() {
        let model = model()
        for position in 1...6 as ClosedRange<UInt64> {
            #expect(model.event(at: position) == Int(position) - 1)
            #expect(model.entry(of: position) == (Int(position) - 1) / 2)
        }
        #expect(model.event(at: 0) == nil && model.event(at: 7) == nil)
    }
}
