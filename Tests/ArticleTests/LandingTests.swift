import BankModel
import SillokProcessOperations
import SillokProjections
import SillokSQLite
import SillokServer
import SillokWebhookOperations
import Testing

@testable import BankWithReadModel

/// The code of landing pages that no article has.
@Suite struct LandingTests {
    @Test func `rows of a file are found by a bound value`() async throws {
        try await withFolder { folder in
            let store = MemoryEventStore()
            let model = try SQLiteReadModel(path: folder + "/views.sqlite")
            let accounts = CommandHandler<BankAccount>("account", in: store)
            try await accounts.execute(.open(owner: "Ada"), on: "42")
            try await accounts.execute(.open(owner: "Bob'; --"), on: "43")
            try await Projector(AccountBalance(), from: store, into: model).catchUp()
            let owner = "Ada"
            let query: SQL = "SELECT owner, cents FROM account_balance WHERE owner = \(owner)"
            let rows = try await model.rows(query, as: Balance.self)
            #expect(rows.map(\.owner) == ["Ada"])
            await model.close()
        }
    }

    @Test func `operators look at processes and webhooks without the application`() async throws {
        let (store, model) = (MemoryEventStore(), try SQLiteReadModel())
        // No application has run the process yet.
        await #expect(throws: ProcessRefusal.self) { try await retry(store, model) }
        try await pause(store, model)
        #expect(try await ProcessOperations(of: store, in: model).processes().isEmpty)
        await model.close()
    }

    func retry(_ store: any EventStore, _ model: any ReadModel) async throws {
        let operations = ProcessOperations(of: store, in: model)
        let ada = Operator("Ada", because: "the bank is up")
        for failing in try await operations.failures(of: "booking").elements {
            try await operations.retry(failing.id, of: failing.key, in: "booking", by: ada)
        }
    }

    func pause(_ store: any EventStore, _ model: any ReadModel) async throws {
        let operations = WebhookOperations(of: store, in: model)
        for status in try await operations.endpoints() where status.failing > 0 {
            try await operations.pause(status.endpoint.id, by: Operator("Ada", because: "its owner repairs it"))
        }
    }

    @Test func `a JSON value keeps digits and order`() throws {
        let payload = try #require(JSONValue(parsing: #"{"owner":"Ada","cents":12345678901234567890}"#))
        #expect(payload.object?["owner"]?.string == "Ada")
        #expect(payload.description == #"{"owner":"Ada","cents":12345678901234567890}"#)
    }

    @Test func `a key is created, and a caller is known by its secret`() async throws {
        let keyring = Keyring(log: MemoryEventStore())
        let grant = Grant([.read, .subscribe], on: [ResourcePattern("account-*")])
        let (key, secret) = try await keyring.create("reports", grant, by: "Ada")
        let gatekeeper = Gatekeeper(keyring: keyring)
        let caller = try await gatekeeper.principal(bearing: secret.revealed)
        #expect(caller.key == key.id && caller.grant == grant)
    }
}
