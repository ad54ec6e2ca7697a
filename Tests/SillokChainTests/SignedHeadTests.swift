import Sillok
import SillokChain
import SillokSigning
import Testing

@Suite("Signed heads")
struct SignedHeadTests {
    private let key = SigningKey()
    private let now = Timestamp(microsecondsSince1970: 1_790_000_000_000_000)

    private func signedHead(of log: FixedLog, marks: Int = 0) async throws -> SignedHead {
        try key.sign(try #require(try await log.logHead(signedAt: now, marks: marks)))
    }

    private func findings(_ log: any EventStore, _ head: SignedHead) async throws -> [Position?] {
        try await log.check(head, signedBy: key.verifyingKey).findings.map(\.position)
    }

    @Test("a log matches its head, also when it has grown, and without stored links")
    func intact() async throws {
        var log = try await FixedLog(count: 50)
        for marks in [0, 1, 7, 1000] {
            let head = try await signedHead(of: log, marks: marks)
            #expect(head.head.marks.count == min(marks, 49))
            #expect(try await findings(log, head) == [])
        }
        let early = try await signedHead(of: try FixedLog(prefix: 20, of: log), marks: 3)
        #expect(try await findings(log, early) == [])
        log.kept = nil
        #expect(try await findings(log, early) == [])
    }

    @Test("the head of an empty log is signed and holds for every log of the store")
    func empty() async throws {
        let log = try await FixedLog(count: 10)
        let head = try await signedHead(of: try FixedLog(prefix: 0, of: log))
        #expect(head.head.link == ChainLink(position: 0, digest: head.head.chain.genesis))
        #expect(try await findings(log, head) == [])
        #expect(try SignedHead(text: head.text) == head)
    }

    @Test("the first event that differs is named")
    func altered() async throws {
        var log = try await FixedLog(count: 50)
        let head = try await signedHead(of: log)
        log.alter(23)
        #expect(try await findings(log, head) == [23])
    }

    @Test("a log that was cut off is found, and where")
    func truncated() async throws {
        let log = try await FixedLog(count: 50)
        let head = try await signedHead(of: log)
        let short = try FixedLog(prefix: 44, of: log)
        #expect(try await short.verifyChain()?.isIntact == true)
        #expect(try await findings(short, head) == [45])
    }

    @Test("a change under new links is found, and the marks bound where")
    func relinked() async throws {
        var log = try await FixedLog(count: 50)
        let heads = [0, 4, 49]
        let signed = [
            try await signedHead(of: log, marks: heads[0]), try await signedHead(of: log, marks: heads[1]),
            try await signedHead(of: log, marks: heads[2]),
        ]
        log.alter(23)
        log.relink()
        #expect(try await log.verifyChain()?.isIntact == true)
        #expect(try await findings(log, signed[0]) == [1])
        let bounded = try await log.check(signed[1], signedBy: key.verifyingKey).findings
        #expect(bounded.first?.position == 14)
        #expect(bounded.first?.message.contains("to position 26") == true, "\(bounded)")
        #expect(try await findings(log, signed[2]).first == 23)
        var bare = log
        bare.kept = nil
        #expect(try await findings(bare, signed[2]).first == 23)
    }

    @Test("an event that cannot be read hides no change after it")
    func damaged() async throws {
        var log = try await FixedLog(count: 50)
        let head = try await signedHead(of: log, marks: 49)
        log.damaged = [20]
        #expect(try await findings(log, head) == [20])
        log.alter(30)
        log.relink()
        #expect(try await findings(log, head) == [20, 30])
    }

    @Test("a head that the trusted key did not sign is refused")
    func forged() async throws {
        let log = try await FixedLog(count: 10)
        let head = try await signedHead(of: log)
        await #expect(throws: InvalidSignature.self) {
            try await log.check(head, signedBy: SigningKey().verifyingKey)
        }
        let other = try #require(try await FixedLog(count: 11).logHead(signedAt: now))
        let forged = SignedHead(head: other, publicKey: key.verifyingKey, signature: head.signature)
        await #expect(throws: InvalidSignature.self) { try await log.check(forged, signedBy: key.verifyingKey) }
    }

    @Test("the text is read back, and any change of it is noticed")
    func text() async throws {
        let head = try await signedHead(of: try await FixedLog(count: 10), marks: 2)
        let text = head.text
        #expect(try SignedHead(text: text) == head)
        #expect(head.isSigned(by: key.verifyingKey))
        let bytes = Array(text.utf8)
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 1
            guard let read = try? SignedHead(text: String(decoding: changed, as: UTF8.self)) else { continue }
            #expect(!read.isSigned(by: key.verifyingKey), "byte \(index)")
        }
        for wrong in ["", "\n", text + "\n", " " + text, text.replacing("\n", with: "\r\n"), text.uppercased()] {
            #expect(throws: UnreadableHead.self) { try SignedHead(text: wrong) }
        }
    }

    @Test("a key is its secret bytes")
    func keys() throws {
        let same = try #require(SigningKey(secret: key.secret))
        #expect(same.verifyingKey == key.verifyingKey)
        #expect(VerifyingKey(key.verifyingKey.description) == key.verifyingKey)
        #expect(SigningKey(secret: [1, 2, 3]) == nil)
        #expect(VerifyingKey("12") == nil)
    }
}

extension FixedLog {
    /// Creates the first `count` events of a log.
    init(prefix count: Int, of log: FixedLog) throws {
        self = log
        events = Array(log.events.prefix(count))
        stored = Array(log.stored.prefix(count))
    }
}
