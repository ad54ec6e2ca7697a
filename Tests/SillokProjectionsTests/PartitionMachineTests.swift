import Sillok
import SillokCore
import SillokReadSide
import SillokSQL
import Testing

@testable import SillokProjectionMachine
@testable import SillokProjections

/// The engine of projections as a pure machine: no store, no read model, no clock.
@Suite("partition machine")
struct PartitionMachineTests {
    @Test("a page is written with its checkpoint, then the machine waits at the head")
    func page() throws {
        var story = try PartitionStory()
        #expect(story.tell(.started) == ["read after 0"])
        #expect(story.page("a1", "b1") == ["write row, row, checkpoint"])
        #expect(story.tell(.written) == ["reached head", "wait for 3, at most 60.0 seconds"])
        #expect(story.tell(.headMoved) == ["read after 2"])
    }

    @Test("while one page is written, the next is applied and the one after it read")
    func pipeline() throws {
        var story = try PartitionStory()
        #expect(story.tell(.started) == ["read after 0"])
        #expect(story.page("a1", isEnd: false) == ["write row, checkpoint", "read after 1"])
        #expect(story.page("a2", isEnd: false) == ["read after 2"])
        #expect(story.page("a3", isEnd: true) == [])
        #expect(story.tell(.written) == ["write row, checkpoint"])
        #expect(story.tell(.written) == ["write row, checkpoint"])
        #expect(story.tell(.written) == ["reached head", "wait for 4, at most 60.0 seconds"])
    }

    @Test("W7: an event that fails is parked at once and tried again later; other sequences do not wait")
    func retry() throws {
        var story = try PartitionStory()
        _ = story.tell(.started)
        #expect(story.page("a!", "b1", "a2") == ["write park, row, park, checkpoint"])
        #expect(story.tell(.written) == ["reached head", "wait for 4, at most 0.02 seconds"])
        #expect(story.tell(.headMoved, after: .milliseconds(5)) == ["read after 3"])
        #expect(story.page("b2") == ["write row, checkpoint"])
        #expect(story.tell(.written) == ["reached head", "wait for 5, at most 0.015 seconds"])
        #expect(story.tell(.timePassed, after: .milliseconds(15)) == ["load dead letters of a"])
        #expect(story.deadLetters(1, 3, attempts: 1) == ["write failed again, epoch"])
        #expect(story.tell(.written) == ["reached head", "wait for 5, at most 0.04 seconds"])
        #expect(story.tell(.timePassed, after: .milliseconds(40)) == ["load dead letters of a"])
        #expect(story.deadLetters(1, 3, attempts: 2) == ["write failed again, followers behind, epoch"])
        #expect(story.tell(.written) == ["reached head", "wait for 5, at most 59.94 seconds"])
        #expect(story.state.deadLetters == 2)
    }

    @Test("W7: between two retries a waiting page has its turn")
    func fairness() throws {
        var story = try PartitionStory()
        _ = story.tell(.started)
        _ = story.page("a!", "b!")
        _ = story.tell(.written)
        #expect(story.tell(.headMoved, after: .milliseconds(30)) == ["load dead letters of a", "read after 2"])
        #expect(story.page("c1", isEnd: false) == [])
        #expect(story.deadLetters(1, attempts: 1) == ["write failed again, epoch"])
        #expect(story.tell(.written) == ["write row, checkpoint", "read after 3"])
        #expect(story.tell(.written) == ["load dead letters of b"])
    }

    @Test("an event that can be projected at the second try is projected once, and its followers after it")
    func recovery() throws {
        var story = try PartitionStory(parked: ["a": 2], retries: ["a": .init(due: .zero, isRequested: true)])
        _ = story.page("a1", "a2")
        var later = try PartitionStory(parked: ["a": 2], retries: ["a": .init(due: .zero, isRequested: true)])
        #expect(later.tell(.started) == ["load dead letters of a", "read after 0"])
        let letters = story.log.map { ParkedDeadLetter(position: $0.position, attempts: 1, event: $0) }
        #expect(later.tell(.deadLetters(letters, total: 2)) == ["write row, unpark, row, unpark, epoch"])
        #expect(later.tell(.written) == [])
        #expect(later.state.deadLetters == 0)
    }

    @Test("a change that the read model refuses parks its event; the rest of the page is written")
    func refusedChange() throws {
        var story = try PartitionStory()
        _ = story.tell(.started)
        #expect(story.page("a1", "b1", "c1") == ["write row, row, row, checkpoint"])
        let refusal = ChangeFailed(index: 1, reason: "too long")
        #expect(story.tell(.changeFailed(refusal)) == ["write row, park, row, checkpoint"])
        #expect(story.tell(.written).first == "reached head")
        #expect(story.state.parked == ["b": 1])
    }

    @Test("with the policy stop, what lies before the event is written, and the machine ends at it")
    func stop() throws {
        var story = try PartitionStory(.stop)
        _ = story.tell(.started)
        #expect(story.page("a1", "b!", "c1") == ["write row, checkpoint"])
        #expect(story.tell(.written) == ["end: stopped at 2"])
        #expect(story.state.checkpoint.position == 1)
        var refused = try PartitionStory(.stop)
        _ = refused.tell(.started)
        _ = refused.page("a1", "b1")
        let refusal = ChangeFailed(index: 1, reason: "too long")
        #expect(refused.tell(.changeFailed(refusal)) == ["write row, checkpoint"])
        #expect(refused.tell(.written) == ["end: stopped at 2"])
    }

    @Test("X2: a document that cannot be encoded parks one event, and all other documents are written")
    func document() throws {
        var story = try PartitionStory(documents: true)
        _ = story.tell(.started)
        #expect(story.page("a1", "b1", "bn", "b3", "c1") == ["load documents a b c"])
        let rows = ["a", "b", "c"].map { DocumentCache.Row(key: StreamID($0), text: nil) }
        // The page is cut before the second change of the document that cannot be encoded.
        #expect(story.tell(.documents(rows)) == ["load documents a b c"])
        #expect(story.tell(.documents(rows)) == ["write row, row, checkpoint"])
        #expect(story.tell(.written) == ["load documents a b c"])
        let stored = [("a", "1"), ("b", "1"), ("c", nil)].map { DocumentCache.Row(key: StreamID($0.0), text: $0.1) }
        #expect(story.tell(.documents(stored)) == ["write park, park, row, checkpoint"])
        #expect(story.tell(.written).first == "reached head")
        #expect(story.state.parked == ["b": 2])
        #expect(story.state.checkpoint.position == 5)
    }

    @Test("X2: a document that the read model refuses parks the event that changed it last")
    func refusedDocument() throws {
        var story = try PartitionStory(documents: true)
        _ = story.tell(.started)
        _ = story.page("a1", "b1", "b2")
        let rows = ["a", "b"].map { DocumentCache.Row(key: StreamID($0), text: nil) }
        #expect(story.tell(.documents(rows)) == ["write row, row, checkpoint"])
        let refusal = ChangeFailed(index: 1, reason: "too large")
        #expect(story.tell(.changeFailed(refusal)) == ["load documents a b"])
        #expect(story.tell(.documents(rows)) == ["write row, row, checkpoint"])
        #expect(story.tell(.written) == ["write row, checkpoint"])
        #expect(story.tell(.changeFailed(ChangeFailed(index: 0, reason: "too large"))) == ["load documents a b"])
        let stored = ["a", "b"].map { DocumentCache.Row(key: StreamID($0), text: "1") }
        #expect(story.tell(.documents(stored)) == ["write park, checkpoint"])
        #expect(story.tell(.written).first == "reached head")
        #expect(story.state.parked == ["b": 1])
    }

    @Test("W9: progress without a row is stored at most once a second")
    func idle() throws {
        var story = try PartitionStory()
        _ = story.tell(.started)
        #expect(story.emptyPage(through: 5) == ["write checkpoint"])
        #expect(story.tell(.written) == ["reached head", "wait for 6, at most 60.0 seconds"])
        for position in 6...20 {
            #expect(story.tell(.headMoved, after: .milliseconds(10)) == ["read after \(position - 1)"])
            let actions = story.emptyPage(through: Position(UInt64(position)))
            #expect(actions.count == 1 && actions[0].hasPrefix("wait for \(position + 1)"))
            #expect(story.state.checkpoint.position == Position(UInt64(position)))
        }
        #expect(story.tell(.timePassed, after: .seconds(1)) == ["write checkpoint"])
        #expect(story.tell(.written) == ["reached head", "wait for 21, at most 58.85 seconds"])
        #expect(story.state.row.checkpoint.position == 20)
    }

    @Test("a runner that lost the lease, or whose build an operator changed, writes nothing and ends")
    func conflicts() throws {
        let row = try PartitionStory().state.row
        let cases: [(PartitionRow?, String)] = [
            (nil, "end: control moved"), (row.with(token: 7), "end: lease lost"),
            (row.with(epoch: 7), "end: control moved"), (row, "end: CheckpointMoved"),
        ]
        for (found, ending) in cases {
            var story = try PartitionStory()
            _ = story.tell(.started)
            _ = story.page("a1")
            #expect(story.tell(.conditionFailed) == ["read row"])
            #expect(story.tell(.row(found)) == [ending])
        }
    }

    @Test("a wake-up and a poll look at the row, and read again what a lost wake-up may have hidden")
    func looks() throws {
        var story = try PartitionStory()
        _ = story.tell(.started)
        _ = story.page("a1")
        _ = story.tell(.written)
        #expect(story.tell(.woken) == ["read row"])
        #expect(story.tell(.row(story.state.row)) == ["read after 1"])
        #expect(story.emptyPage(through: 1) == ["wait for 2, at most 60.0 seconds"])
        #expect(story.tell(.timePassed, after: .seconds(60)) == ["read row"])
    }

    @Test("a goal ends the machine when everything up to it is stored")
    func goal() throws {
        var story = try PartitionStory(goal: 2)
        #expect(story.tell(.started) == ["read after 0"])
        #expect(story.page("a1", "a2", isEnd: false) == ["write row, row, checkpoint"])
        #expect(story.tell(.written) == ["end: caught up"])
        var empty = try PartitionStory(goal: .start)
        #expect(empty.tell(.started) == ["end: caught up"])
    }

    @Test("an empty page that was cut short is progress and no end")
    func cutShort() throws {
        var story = try PartitionStory()
        _ = story.tell(.started)
        let page = EventBatch(events: [], through: 500, isEnd: false, head: 900)
        #expect(story.tell(.page(page)) == ["write checkpoint", "read after 500"])
    }
}

extension PartitionRow {
    fileprivate func with(epoch: Int64? = nil, token: Int64? = nil) -> PartitionRow {
        PartitionRow(
            number: number, checkpoint: checkpoint, epoch: epoch ?? self.epoch, owner: owner,
            token: token ?? self.token, beat: beat)
    }
}
