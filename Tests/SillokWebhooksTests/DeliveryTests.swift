import SillokCore
import SillokProjections
import SillokTesting
import Testing

@testable import SillokWebhooks

@Suite("delivery of webhooks")
struct DeliveryTests {
    private static let down: @Sendable (String, String, Int) async throws -> WebhookAnswer = { _, _, _ in
        WebhookAnswer(status: 500)
    }

    @Test("events after the registration are sent in order, signed, and are in the delivery log")
    func sending() async throws {
        let play = try WebhookPlay()
        let webhooks = try play.webhooks()
        try await play.note("before")
        try await play.register("shop", webhooks)
        try await play.note("one")
        try await play.store.append([EventData(type: "noted", text: #"{"note":"no"}"#)], to: "other-1")
        try await play.running(webhooks) {
            try await play.note("two")
            #expect(try await eventually { play.receivers.taken(by: "shop.example").count >= 2 })
        }
        #expect(play.receivers.taken(by: "shop.example") == ["one", "two"])
        let secret = try await webhooks.secret(of: "shop")
        let verifier = WebhookVerifier(secret, clock: play.clock.wallClock)
        for request in play.receivers.requests {
            #expect(request.contentType == "application/cloudevents+json")
            let headers = [
                "webhook-id": request.id, "webhook-timestamp": request.timestamp,
                "webhook-signature": request.signatures.joined(separator: " "),
            ]
            #expect(try verifier.verify(Array(request.body.utf8)) { headers[$0] } == request.id)
        }
        let deliveries = try await webhooks.deliveries(of: "shop")
        #expect(deliveries.map(\.position) == [5, 3] && deliveries.allSatisfy { $0.isTaken && $0.status == 200 })
    }

    @Test("PRC-28: a failing key of an ordered endpoint parks with what follows, and others are sent")
    func ordered() async throws {
        let play = try WebhookPlay(
            Receivers { _, body, count in WebhookAnswer(status: body.isBad && count < 2 ? 500 : 204) },
            pauses: [.milliseconds(50), .milliseconds(50), .milliseconds(50)])
        let webhooks = try play.webhooks()
        try await play.register("shop", webhooks)
        try await play.note("bad", "order-1")
        try await play.note("a", "order-2")
        try await play.note("after", "order-1")
        try await play.note("b", "order-2")
        try await play.run(webhooks) {
            guard play.receivers.taken(by: "shop.example").count >= 4 else { return false }
            return try await webhooks.readSide.deadLetters(of: "webhook-shop").isEmpty
        }
        let taken = play.receivers.taken(by: "shop.example")
        #expect(taken.count == 4 && taken.filter { $0 == "bad" || $0 == "after" } == ["bad", "after"])
        #expect(taken.filter { $0 == "a" || $0 == "b" } == ["a", "b"])
        #expect((taken.firstIndex(of: "b") ?? 9) < (taken.firstIndex(of: "bad") ?? 0))
        // Three attempts of one message have one id.
        #expect(Set(play.receivers.requests.filter { $0.body.isBad }.map(\.id)).count == 1)
    }

    @Test("after the last attempt a message is a dead letter, and an operator can have it sent")
    func deadLetter() async throws {
        let play = try WebhookPlay(Receivers(Self.down), pauses: [.milliseconds(5), .milliseconds(5)])
        let webhooks = try play.webhooks()
        try await play.register("shop", webhooks)
        try await play.note("one")
        try await play.running(webhooks) {
            #expect(
                try await eventually {
                    try await webhooks.readSide.deadLetters(of: "webhook-shop").map(\.state) == [.failed]
                })
            #expect(play.receivers.requests.count == 3)
            let letter = try await webhooks.readSide.deadLetters(of: "webhook-shop").first
            #expect(letter?.reason == "the endpoint answered 500" && letter?.attempts == 3)
            play.receivers.answer { _, _, _ in WebhookAnswer(status: 200) }
            try await webhooks.readSide.retry("webhook-shop", by: play.ada)
            #expect(try await eventually { play.receivers.taken(by: "shop.example") == ["one"] })
        }
    }

    @Test("an unordered endpoint gets the later events of a stream at once")
    func unordered() async throws {
        let play = try WebhookPlay(
            Receivers { _, body, count in WebhookAnswer(status: body.isBad && count < 1 ? 500 : 200) },
            pauses: [.milliseconds(100)])
        let webhooks = try play.webhooks()
        try await play.register("shop", webhooks, isOrdered: false)
        for text in ["bad", "a", "b"] { try await play.note(text) }
        try await play.run(webhooks) { play.receivers.taken(by: "shop.example").count >= 3 }
        let taken = play.receivers.taken(by: "shop.example")
        #expect(taken.last == "bad" && Set(taken) == ["a", "b", "bad"])
    }

    @Test("a batched endpoint gets arrays of events", arguments: [true, false])
    func batched(isOrdered: Bool) async throws {
        let play = try WebhookPlay()
        let webhooks = try play.webhooks()
        try await play.register("shop", webhooks, isOrdered: isOrdered, mode: .batched)
        for number in 1...250 { try await play.note("\(number)", "order-\(number % 2)") }
        try await play.run(webhooks) { play.receivers.taken(by: "shop.example").count >= 250 }
        let requests = play.receivers.requests
        #expect(requests.allSatisfy { $0.contentType == "application/cloudevents-batch+json" })
        #expect(requests.count < 20 && Set(requests.map(\.id)).count == requests.count)
        let taken = play.receivers.taken(by: "shop.example")
        #expect(Set(taken).count == 250 && taken.count == 250)
        if isOrdered {
            for parity in 0...1 {
                let own = taken.compactMap { Int($0) }.filter { $0 % 2 == parity }
                #expect(own == own.sorted())
            }
        }
    }

    @Test("PRC-27: paused in the middle of a retry, resumed a day later: exactly the rest is sent")
    func pausing() async throws {
        let play = try WebhookPlay(Receivers(Self.down), pauses: [.milliseconds(5), .seconds(1), .seconds(1)])
        let webhooks = try play.webhooks()
        try await play.register("shop", webhooks)
        try await play.register("other", webhooks)
        try await play.running(webhooks) {
            try await play.note("one")
            #expect(try await eventually { play.receivers.requests.count { $0.host == "shop.example" } >= 2 })
            try await webhooks.pause("shop", by: play.ada)
            play.receivers.answer { _, _, _ in WebhookAnswer(status: 200) }
            play.clock.advance(by: .seconds(86_400))
            try await play.note("two", "order-2")
            // What the other endpoint gets now, this one does not.
            #expect(try await eventually { play.receivers.taken(by: "other.example").count == 2 })
            #expect(play.receivers.taken(by: "shop.example").isEmpty)
            #expect(try await webhooks.endpoints().first?.status == .paused(reason: "it is a test"))
            try await webhooks.resume("shop", by: play.ada)
            #expect(try await eventually { play.receivers.taken(by: "shop.example").count == 2 })
        }
        #expect(Set(play.receivers.taken(by: "shop.example")) == ["one", "two"])
    }

    @Test("410 disables the endpoint; enabled again, it continues with the same event")
    func gone() async throws {
        let play = try WebhookPlay(Receivers { _, _, _ in WebhookAnswer(status: 410) })
        let webhooks = try play.webhooks()
        try await play.register("shop", webhooks)
        try await play.running(webhooks) {
            for text in ["one", "two"] { try await play.note(text) }
            #expect(
                try await eventually {
                    try await webhooks.endpoints().first?.status == .disabled(reason: "It answered 410 Gone.")
                })
            #expect(play.receivers.requests.count == 1)
            #expect(try await webhooks.readSide.deadLetters(of: "webhook-shop").isEmpty)
            play.receivers.answer { _, _, _ in WebhookAnswer(status: 200) }
            try await webhooks.enable("shop", by: play.ada)
            #expect(try await eventually { play.receivers.taken(by: "shop.example") == ["one", "two"] })
        }
    }

    @Test("Retry-After holds the whole endpoint, uses up no attempt on 429 and 503, and outlives a restart")
    func retryAfter() async throws {
        let play = try WebhookPlay(
            Receivers { _, _, _ in WebhookAnswer(status: 429, retryAfter: "3600") }, pauses: [])
        let webhooks = try play.webhooks()
        try await play.register("shop", webhooks)
        for text in ["one", "two"] { try await play.note(text, "order-\(text)") }
        // The messages are sent at the same time, so both may have left before the answer.
        try await play.run(webhooks) { !play.receivers.requests.isEmpty }
        play.receivers.answer { _, _, _ in WebhookAnswer(status: 200) }
        let count = play.receivers.requests.count
        play.clock.advance(by: .seconds(3599))
        let next = try play.webhooks()
        try await play.register("other", next)
        try await play.running(next) {
            try await play.note("three", "order-3")
            #expect(try await eventually { play.receivers.taken(by: "other.example") == ["three"] })
            #expect(play.receivers.requests.count == count + 1)
            play.clock.advance(by: .seconds(2))
            #expect(try await eventually { play.receivers.taken(by: "shop.example").count == 3 })
        }
        // Without a schedule a failed attempt would have been the last.
        #expect(try await next.readSide.deadLetters(of: "webhook-shop").isEmpty)
    }

    @Test("PRC-27: after a restart a retry is due when it would have been")
    func restart() async throws {
        let play = try WebhookPlay(Receivers(Self.down), pauses: [.seconds(3600), .seconds(7200)])
        let first = try play.webhooks()
        try await play.register("shop", first)
        try await play.note("one")
        try await play.run(first) { try await first.readSide.deadLetters(of: "webhook-shop").count == 1 }
        play.receivers.answer { _, _, _ in WebhookAnswer(status: 200) }
        // The jitter is a fifth at most.
        play.clock.advance(by: .seconds(2800))
        let second = try play.webhooks()
        try await play.running(second) {
            try await play.note("two", "order-2")
            #expect(try await eventually { play.receivers.taken(by: "shop.example") == ["two"] })
        }
        #expect(play.receivers.requests.count == 2)
        play.clock.advance(by: .seconds(1600))
        let third = try play.webhooks()
        try await play.run(third) { play.receivers.taken(by: "shop.example") == ["two", "one"] }
    }

    @Test("PRC-28: an endpoint that never answers costs the others nothing")
    func isolation() async throws {
        let play = try WebhookPlay(
            Receivers { host, _, _ in
                if host == "slow.example" { try await Task.sleep(for: .seconds(3600)) }
                return WebhookAnswer(status: 200)
            })
        let webhooks = try play.webhooks()
        try await play.register("slow", webhooks)
        for number in 1...9 { try await play.register("e\(number)", webhooks) }
        try await play.running(webhooks) {
            for number in 1...10 { try await play.note("\(number)") }
            for number in 1...9 {
                #expect(try await eventually { play.receivers.taken(by: "e\(number).example").count == 10 })
            }
        }
        #expect(play.receivers.taken(by: "slow.example").isEmpty)
    }

    @Test("PRC-27: redriven from a position: the same ids, another time, and each is sent again")
    func redrive() async throws {
        let play = try WebhookPlay()
        play.receivers.recordRepeats()
        let webhooks = try play.webhooks()
        try await play.register("shop", webhooks)
        try await play.running(webhooks) {
            for text in ["one", "two", "three"] { try await play.note(text) }
            #expect(try await eventually { play.receivers.taken(by: "shop.example").count == 3 })
            play.clock.advance(by: .seconds(3600))
            try await webhooks.redrive("shop", from: 3, by: play.ada)
            #expect(try await eventually { play.receivers.taken(by: "shop.example").count == 5 })
        }
        let requests = play.receivers.requests
        #expect(play.receivers.taken(by: "shop.example") == ["one", "two", "three", "two", "three"])
        #expect(requests[1].id == requests[3].id && requests[2].id == requests[4].id)
        #expect(requests[1].timestamp != requests[3].timestamp)
    }

    @Test("PRC-29: after a rotation both keys sign for a day, then the new one alone")
    func rotation() async throws {
        let play = try WebhookPlay()
        let webhooks = try play.webhooks()
        try await play.register("shop", webhooks)
        let old = try await webhooks.secret(of: "shop")
        try await play.running(webhooks) {
            try await play.note("one")
            #expect(try await eventually { play.receivers.requests.count == 1 })
            let new = try await webhooks.rotateKey(of: "shop", by: play.ada)
            #expect(new != old)
            try await play.note("two")
            #expect(try await eventually { play.receivers.requests.count == 2 })
            play.clock.advance(by: .seconds(86_401))
            try await play.note("three")
            #expect(try await eventually { play.receivers.requests.count == 3 })
        }
        // A message may be under way while the key is rotated, but not here.
        #expect(play.receivers.requests.map(\.signatures.count) == [1, 2, 1])
        #expect(try await webhooks.endpoints().first?.generation == 2)
    }

    @Test("an endpoint in which every attempt fails for days is disabled, and its place is kept")
    func disabling() async throws {
        let play = try WebhookPlay(
            Receivers(Self.down), pauses: [Duration](repeating: .milliseconds(5), count: 100_000))
        let webhooks = try play.webhooks()
        try await play.register("shop", webhooks)
        try await play.running(webhooks) {
            try await play.note("one")
            #expect(try await eventually { play.receivers.requests.count >= 2 })
            play.clock.advance(by: .seconds(5 * 86_400 + 60))
            #expect(
                try await eventually {
                    guard case .disabled(let reason)? = try await webhooks.endpoints().first?.status else {
                        return false
                    }
                    return reason.hasPrefix("Every attempt has failed since ")
                })
            play.receivers.answer { _, _, _ in WebhookAnswer(status: 200) }
            try await webhooks.enable("shop", by: play.ada)
            #expect(try await eventually { play.receivers.taken(by: "shop.example") == ["one"] })
        }
    }

    @Test("what names people or was typed by them stays here")
    func metadata() async throws {
        let play = try WebhookPlay()
        let webhooks = try play.webhooks()
        try await play.register("shop", webhooks)
        let metadata = Metadata(actor: "ada@example.org", correlationID: "c-1", reason: "she called")
        try await play.store.append(
            [EventData(type: "noted", metadata: metadata, text: #"{"note":"one"}"#)], to: "order-1")
        try await play.run(webhooks) { play.receivers.requests.count == 1 }
        let body = play.receivers.requests.first?.body ?? ""
        #expect(body.contains("c-1") && !body.contains("ada@example.org") && !body.contains("she called"))
        #expect(body.contains(#""position":"2""#) && body.contains(#""revision":"1""#))
    }
}
