import Logging
import SillokProjections
import SillokSQLite
import SillokWebhooks
import Testing

/// The code of the article about publishing.
@Suite struct PublishingTests {
    private struct MailServer: Sendable {
        let sent = Lock([String]())

        func send(_ text: String, key: String) async throws { sent.withLock { $0.append(text) } }
    }

    @Test func `events go to a function and to another store`() async throws {
        let (store, archiveStore, model) = (MemoryEventStore(), MemoryEventStore(), try SQLiteReadModel())
        let mailServer = MailServer()
        let mails = Publisher("mails", of: .category("order"), from: store, progressIn: model) { event in
            try await mailServer.send(event.type.text, key: event.id.description)
        }
        try await mails.prepare()
        try await store.append([EventData(type: "placed", text: "{}")], to: "order-7")
        try await mails.catchUp()
        #expect(mailServer.sent.withLock { $0 } == ["placed"])
        let archive = StorePublisher("shop", of: .category("order"), from: store, to: archiveStore)
        try await archive.catchUp()
        #expect(try await archiveStore.head() == 1)
        try await mails.redrive(from: 1, by: Operator("Ada", because: "the mail server lost its queue"))
        try await mails.catchUp()
        #expect(mailServer.sent.withLock { $0 } == ["placed", "placed"])
        await model.close()
    }

    @Test func `a publisher without an order, and a publisher of other events`() async throws {
        let (store, archiveStore, model) = (MemoryEventStore(), MemoryEventStore(), try SQLiteReadModel())
        let mailServer = MailServer()
        for number in 1...3 { try await store.append([EventData(type: "packed", text: "{}")], to: "order-\(number)") }
        let parcels = Publisher(
            "parcels", of: .types("packed"), from: store, progressIn: model, starting: .atBeginning,
            sequencing: .by { $0.id.description }, concurrency: 8
        ) { event in
            try await mailServer.send(event.type.text, key: event.id.description)
        }
        try await parcels.catchUp()
        #expect(mailServer.sent.withLock { $0 } == ["packed", "packed", "packed"])
        let counts = StorePublisher("counts", of: .category("order"), from: store, to: archiveStore) { event in
            [.init(stream: "counts", event: EventData(type: "counted", text: "{}"))]
        }
        try await counts.catchUp()
        #expect(try await archiveStore.stream("counts")?.revision == 3)
        await model.close()
    }

    @Test func `an endpoint is registered, and an inbox takes no unsigned message`() async throws {
        let (store, model, logger) = (MemoryEventStore(), try SQLiteReadModel(), Logger(label: "article"))
        let configuredKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
        let webhooks = try Webhooks(
            of: store, progressIn: model, masterKey: WebhookMasterKey(base64: configuredKey), logger: logger)
        let endpoint = try await webhooks.register(
            "https://8.8.8.8/hooks", for: .category("order"), by: Operator("Ada", because: "the shop asked for it"))
        let secret = try await webhooks.secret(of: endpoint.id)
        #expect(secret.revealed.hasPrefix("whsec_"))
        let newSecret = try await webhooks.rotateKey(of: endpoint.id, by: Operator("Ada", because: "it is a year old"))
        #expect(newSecret != secret)
        let statistics = try await webhooks.register(
            "https://8.8.8.8/statistics", for: .types("placed"), isOrdered: false, mode: .batched,
            by: Operator("Ada", because: "they only count"))
        #expect(!statistics.isOrdered)
        try await webhooks.redrive(endpoint.id, from: 1, by: Operator("Ada", because: "they lost a day"))
        let attempts = try await webhooks.deliveries(of: endpoint.id)
        let retried = try await webhooks.readSide.retry(
            "webhook-\(endpoint.id)", by: Operator("Ada", because: "their certificate is renewed"))
        try await webhooks.redrive(endpoint.id, from: 1, by: Operator("Ada", because: "they lost a day"))
        #expect(attempts.isEmpty)
        #expect(retried == 0)
        let both = WebhookVerifier(secret, newSecret)
        #expect(throws: WebhookRefusal.self) { try both.verify([], header: { _ in nil }) }
        let (body, headers) = (Array("{}".utf8), ["webhook-id": "m-1"])
        await #expect(throws: WebhookRefusal.self) {
            let inbox = Inbox("payments", in: store, verifiedBy: WebhookVerifier(secret))
            let outcomes = try await inbox.take(body, header: { headers[$0] }) { event in
                AppendRequest([.init(stream: "order-7", event: EventData(type: "paid", payload: event.payload))])
            }
            #expect(outcomes.isEmpty)
        }
        await model.close()
    }
}
