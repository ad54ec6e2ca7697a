import SillokCore
import SillokTesting
import Testing

@testable import SillokWebhooks

@Suite("retries of webhooks")
struct RetryTests {
    private let now: Timestamp = "1994-11-06T08:49:00Z"

    @Test(
        "Retry-After is read in seconds and in the three forms of a date",
        arguments: [
            ("0", 0), ("120", 120), (" 120", 120), ("86400", 86_400), ("86401", 86_400),
            ("99999999999999999999999", 86_400), ("Sun, 06 Nov 1994 08:49:37 GMT", 37),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 37), ("Sun Nov  6 08:49:37 1994", 37),
            ("Sat, 05 Nov 1994 08:49:37 GMT", 0), ("Mon, 07 Nov 1994 09:00:00 GMT", 86_400),
            ("Thu, 31 Dec 2099 23:59:59 GMT", 86_400),
        ])
    func retryAfter(_ text: String, _ seconds: Int) {
        #expect(RetryAfter.delay(text, at: now) == .seconds(seconds))
    }

    @Test(
        "Retry-After that is neither is ignored",
        arguments: [
            "", " ", "-1", "+5", "1.5", "1e3", "0x10", "１２", "soon", "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT", "1994-11-06T08:49:37Z", "Sun, 006 Nov 1994 08:49:37 GMT", "1;2",
            "Sun, 06 Nov 19945 08:49:37 GMT",
        ])
    func garbage(_ text: String) {
        #expect(RetryAfter.delay(text, at: now) == nil)
    }

    @Test("the schedule lasts three days, and its jitter is a fifth and depends on event and attempt alone")
    func schedule() throws {
        let schedule = RetrySchedule.standard
        var random = SeededGenerator(seed: Environment.seed)
        var spread: Set<Duration> = []
        for _ in 0..<500 {
            let event = EventID(high: random.next(), low: random.next())
            var total = Duration.zero
            for (index, exact) in schedule.pauses.enumerated() {
                let pause = try #require(schedule.pause(afterAttempt: index + 1, of: event))
                #expect(pause >= exact * 0.8 && pause <= exact * 1.2)
                #expect(pause == schedule.pause(afterAttempt: index + 1, of: event))
                total += pause
            }
            #expect(total > .seconds(60 * 3600) && total < .seconds(91 * 3600))
            #expect(schedule.pause(afterAttempt: 0, of: event) == nil)
            #expect(schedule.pause(afterAttempt: 10, of: event) == nil)
            spread.insert(try #require(schedule.pause(afterAttempt: 1, of: event)))
        }
        #expect(spread.count > 200)
    }
}
