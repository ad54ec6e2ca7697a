import SillokCore
import SillokTesting
import Testing

@testable import SillokWebhooks

@Suite("webhook signatures")
struct SignatureTests {
    /// The example of Standard Webhooks, which its reference libraries are tested with.
    private let secretText = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    private let id = "msg_p5jXN8AQM9LWM0D4loKWxJek"
    private let body = Array(#"{"test": 2432232314}"#.utf8)
    private let time: Int64 = 1_614_265_330
    private let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    private func verifier(_ secrets: WebhookSecret..., at seconds: Int64) -> WebhookVerifier {
        let clock = ManualClock(Timestamp(microsecondsSince1970: seconds * 1_000_000))
        return secrets.count == 2
            ? WebhookVerifier(secrets[0], secrets[1], clock: clock.wallClock)
            : WebhookVerifier(secrets[0], clock: clock.wallClock)
    }

    private func headers(_ changes: [String: String?] = [:]) -> (String) -> String? {
        var all: [String: String] = ["webhook-id": id, "webhook-timestamp": "\(time)", "webhook-signature": signature]
        for (name, value) in changes { all[name] = value }
        return { all[$0] }
    }

    @Test("PRC-29: the exact bytes are signed as in the example of Standard Webhooks")
    func example() throws {
        let secret = try WebhookSecret(secretText)
        #expect(secret.signature(id: id, timestamp: time, body: body) == signature)
        #expect(secret.revealed == secretText)
        let verifier = verifier(secret, at: time)
        #expect(try verifier.verify(body, header: headers()) == id)
        // The same value with other bytes is another message.
        #expect(throws: WebhookRefusal.self) {
            try verifier.verify(Array(#"{"test":2432232314}"#.utf8), header: headers())
        }
    }

    @Test("PRC-29: each attempt is signed again under its own time, and keeps its id")
    func attempts() throws {
        let secret = try WebhookSecret(secretText)
        let store = StoreID(high: 1, low: 2)
        let event = RecordedEvent(
            position: 7, stream: "order-1", revision: 3, recordedAt: Timestamp(microsecondsSince1970: 1),
            data: EventData(type: "placed", text: #"{"units":2}"#))
        let message = WebhookMessage(event, from: store)
        var signatures: Set<String> = []
        for attempt in 1...9 {
            let now = Timestamp(microsecondsSince1970: (time + Int64(attempt) * 3600) * 1_000_000 + 999_999)
            let request = WebhookRequest(message, to: "https://x.example/", signedBy: [secret], at: now)
            let named = Dictionary(request.headers.map { ($0.name, $0.value) }) { first, _ in first }
            #expect(named["webhook-id"] == event.id.description)
            #expect(named["webhook-timestamp"] == "\(time + Int64(attempt) * 3600)")
            #expect(request.body == message.body)
            let verifier = verifier(secret, at: time + Int64(attempt) * 3600 + 200)
            #expect(try verifier.verify(request.body) { named[$0] } == event.id.description)
            signatures.insert(named["webhook-signature"] ?? "")
        }
        #expect(signatures.count == 9)
    }

    @Test("a message that is old, early, unsigned or badly signed is not accepted, and the error says why")
    func refusals() throws {
        let secret = try WebhookSecret(secretText)
        func reason(_ changes: [String: String?], at seconds: Int64? = nil) -> String {
            do {
                try verifier(secret, at: seconds ?? time).verify(body, header: headers(changes))
                return ""
            } catch {
                return "\(error)"
            }
        }
        #expect(reason([:]) == "")
        #expect(reason([:], at: time + 300) == "" && reason([:], at: time - 300) == "")
        #expect(reason([:], at: time + 301).contains("another time"))
        #expect(reason([:], at: time - 301).contains("another time"))
        #expect(reason(["webhook-id": nil]).contains("webhook-id"))
        #expect(reason(["webhook-id": "a.b"]).contains("full stop"))
        for wrong in ["", "-1", "+5", "1.5", "1e3", "9223372036854775808", " 1614265330"] {
            #expect(reason(["webhook-timestamp": wrong]).contains("webhook-timestamp"))
        }
        #expect(reason(["webhook-signature": nil]).contains("webhook-signature"))
        for wrong in ["", "v1,", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "v1,AAAA", "v1a,abc", "v1,é"] {
            #expect(reason(["webhook-signature": wrong]).contains("No signature"))
        }
        #expect(reason(["webhook-id": "msg_other"]).contains("No signature"))
        // One of several is enough, and unknown versions are ignored.
        #expect(reason(["webhook-signature": "v1a,xyz v1,AAAA \(signature) v9,?"]) == "")
    }

    @Test(
        "the text of a key is read strictly",
        arguments: [
            "", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS-",
            "whsec_MfKQ9r8GKYqr TwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8I\n", "whsec_AAAA", "whsec_A===",
            "whsec_MfKQ9r8GKYqrTwjUPD8IKR==", "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ])
    func strict(_ text: String) {
        #expect(throws: WebhookRefusal.self) { try WebhookSecret(text) }
        if text.hasPrefix("v1,") {
            #expect(
                throws: WebhookRefusal(
                    "The key of a webhook does not begin with \"whsec_\". Leave out \"v1,\" at its start.")
            ) {
                try WebhookSecret(text)
            }
        }
    }

    @Test("after a rotation both keys sign, and a receiver with either accepts")
    func rotation() throws {
        let master = try WebhookMasterKey([UInt8](repeating: 7, count: 32))
        let (old, new) = (master.secret(of: "shop", generation: 1), master.secret(of: "shop", generation: 2))
        let value = [new, old].map { $0.signature(id: id, timestamp: time, body: body) }.joined(separator: " ")
        for secret in [old, new] {
            #expect(try verifier(secret, at: time).verify(body, header: headers(["webhook-signature": value])) == id)
        }
        #expect(throws: WebhookRefusal.self) {
            try verifier(master.secret(of: "shop", generation: 3), at: time)
                .verify(body, header: headers(["webhook-signature": value]))
        }
        // A receiver may know both.
        let one = headers(["webhook-signature": old.signature(id: id, timestamp: time, body: body)])
        #expect(try verifier(new, old, at: time).verify(body, header: one) == id)
    }

    @Test("keys are derived from master key, endpoint and generation, and are never printed")
    func derivation() throws {
        let master = try WebhookMasterKey([UInt8](0..<32))
        var keys: Set<WebhookSecret> = []
        for endpoint in ["a", "b", "1:a", "a:1", "11", "1"] {
            for generation in 1...12 { keys.insert(master.secret(of: endpoint, generation: generation)) }
        }
        #expect(keys.count == 72)
        let secret = master.secret(of: "a", generation: 1)
        let same = try WebhookMasterKey(base64: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
        #expect(secret == same.secret(of: "a", generation: 1))
        #expect(secret.bytes.count == 32)
        // The value never changes: receivers have it. Python computed it by RFC 5869.
        #expect(secret.revealed == "whsec_abbUPB0DD4h6XhqVurQmPneqXJl7oChj8k3j5KwFEjs=")
        for text in ["\(secret)", "\(master)", String(reflecting: secret), String(reflecting: master)] {
            #expect(text == "<redacted>")
        }
        #expect(throws: WebhookRefusal.self) { try WebhookMasterKey([UInt8](repeating: 1, count: 31)) }
        #expect(throws: WebhookRefusal.self) { try WebhookMasterKey(base64: "AAEC AwQF") }
    }

    @Test("a changed bit anywhere in id, time, body or signature is found, for random messages")
    func property() throws {
        var random = SeededGenerator(seed: Environment.seed)
        for _ in 0..<200 {
            let secret = WebhookSecret(bytes: (0..<32).map { _ in .random(in: 0...255, using: &random) })
            var body = (0..<Int.random(in: 1...200, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            var values = [
                "webhook-id": "m\(UInt32.random(in: 0 ... .max, using: &random))", "webhook-timestamp": "\(time)",
            ]
            values["webhook-signature"] = secret.signature(id: values["webhook-id"] ?? "", timestamp: time, body: body)
            let verifier = verifier(secret, at: time)
            #expect(throws: Never.self) { try verifier.verify(body) { values[$0] } }
            switch Int.random(in: 0...2, using: &random) {
            case 0: values["webhook-id"]? += "x"
            case 1: values["webhook-timestamp"] = "\(time + 1)"
            default: body[Int.random(in: body.indices, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
            }
            #expect(throws: WebhookRefusal.self) { try verifier.verify(body) { values[$0] } }
        }
    }
}
