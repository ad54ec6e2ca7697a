import SillokCore
import SillokProjections
import Testing

@testable import SillokProjectionMachine

/// The engine as it runs a publisher: events are passed on before their page is written.
@Suite("partition machine of a publisher")
struct PublishingMachineTests {
    private struct Refused: Error {}

    @Test("the page is written after its events were passed on, and the next page is passed on after that")
    func order() throws {
        var story = try PartitionStory(publishes: true)
        #expect(story.tell(.started) == ["read after 0"])
        #expect(story.page("a1", "b1", "a2", isEnd: false) == ["deliver 1 3, 2"])
        #expect(story.tell(.delivered([:])) == ["write checkpoint", "read after 3"])
        #expect(story.page("a3") == [])
        #expect(story.tell(.written) == ["deliver 4"])
        #expect(story.tell(.delivered([:])) == ["write checkpoint"])
        #expect(story.tell(.written) == ["reached head", "wait for 5, at most 60.0 seconds"])
    }

    @Test("PRC-28: what was not taken is parked with its followers, which are not passed on; then it is retried first")
    func failure() throws {
        var story = try PartitionStory(publishes: true)
        _ = story.tell(.started)
        #expect(story.page("a1", "b1", "a2") == ["deliver 1 3, 2"])
        #expect(story.tell(.delivered([1: Refused()])) == ["write park, park, checkpoint"])
        #expect(story.tell(.written) == ["reached head", "wait for 4, at most 0.02 seconds"])
        #expect(story.tell(.headMoved, after: .milliseconds(5)) == ["read after 3"])
        #expect(story.page("a3", "b2") == ["deliver 5"])
        #expect(story.tell(.delivered([:])) == ["write park, checkpoint"])
        _ = story.tell(.written)
        #expect(story.tell(.timePassed, after: .milliseconds(15)) == ["load dead letters of a"])
        #expect(story.deadLetters(1, 3, 4, attempts: 1) == ["deliver 1 3 4"])
        #expect(story.tell(.delivered([3: Refused()])) == ["write unpark, failed again, epoch"])
        _ = story.tell(.written)
        #expect(story.state.deadLetters == 2)
    }

    @Test("PRC-28: a due retry waits until a page that was passed on is written, so what was held back is parked")
    func retryBetween() throws {
        var story = try PartitionStory(publishes: true)
        _ = story.tell(.started)
        #expect(story.page("a1") == ["deliver 1"])
        #expect(story.tell(.delivered([1: Refused()])) == ["write park, checkpoint"])
        _ = story.tell(.written)
        _ = story.tell(.headMoved)
        #expect(story.page("a2", "b1") == ["deliver 3"])
        // The retry could empty stream a, and then the page would count event 2 as passed on.
        #expect(story.tell(.delivered([:]), after: .milliseconds(30)) == ["write park, checkpoint"])
        #expect(story.tell(.written) == ["load dead letters of a"])
        #expect(story.deadLetters(1, 2, attempts: 1) == ["deliver 1 2"])
        #expect(story.tell(.delivered([:])) == ["write unpark, unpark, epoch"])
        _ = story.tell(.written)
        #expect(story.state.deadLetters == 0)
    }

    @Test("a publisher with as many dead letters as it may have passes nothing on")
    func full() throws {
        var story = try PartitionStory(
            .park(attempts: 1, pause: .zero, capacity: 1), parked: ["a": 1], publishes: true)
        _ = story.tell(.started)
        #expect(story.page("b1").first?.hasPrefix("end: ") == true)
    }
}
