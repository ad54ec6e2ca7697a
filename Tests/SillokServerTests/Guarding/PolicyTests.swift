import HTTPTypes
import Hummingbird
import Sillok
import SillokCore
import Testing

@testable import SillokServer

/// SEC-1: every route × every kind of proof answers as the policy table says, and what is not declared is denied.
@Suite("The policy table")
struct PolicyTests {
    enum Proof: Hashable, CaseIterable {
        case none, bad, expired, revoked
        case scope(Scope)
        case otherTenant(Scope)

        static let allCases: [Proof] =
            [Proof.none, .bad, .expired, .revoked] + Scope.allCases.map(Proof.scope)
            + Scope.allCases.map(Proof.otherTenant)
    }

    /// A store of two tenants, a key of each kind, and what to ask with.
    struct Bench {
        let web: Browserless
        let secrets: [Proof: Secret]
        let event: EventID

        init(routes: [Endpoint] = Endpoint.all) async throws {
            let now = Lock(Timestamp(microsecondsSince1970: 1_000_000_000))
            let clock = WallClock { now.withLock { $0 } }
            let keyring = Keyring(log: MemoryEventStore(), clock: clock)
            web = try await Browserless(keyring: keyring)
            var secrets: [Proof: Secret] = [.bad: AccessKey.text(id: "00", secret: [UInt8](repeating: 7, count: 32))]
            for scope in Scope.allCases {
                secrets[.scope(scope)] = try await keyring.create("all", Grant([scope]), by: "test").secret
                secrets[.otherTenant(scope)] =
                    try await keyring.create("other", Grant([scope], on: [ResourcePattern("other-*")]), by: "test")
                    .secret
            }
            let end = now.withLock { $0.advanced(byMicroseconds: 1) }
            secrets[.expired] = try await keyring.create("old", .everything, expires: end, by: "test").secret
            now.withLock { $0 = $0.advanced(byMicroseconds: 2) }
            let revoked = try await keyring.create("lost", .everything, by: "test")
            #expect(try await keyring.revoke(revoked.key.id, by: "test"))
            secrets[.revoked] = revoked.secret
            self.secrets = secrets
            event = EventID()
            try await web.store.append([EventData(id: event, type: "noted", text: "{}")], to: "tenant-1")
        }

        /// The answer to a route that is asked about the first tenant.
        func ask(_ endpoint: Endpoint, _ proof: Proof) async throws -> Browserless.Answer {
            let values = [
                "stream": "tenant-1", "id": event.description, "position": "1", "projection": "p", "key": "none",
                "source": "s", "name": "index.html",
            ]
            var path =
                "/"
                + endpoint.segments.map { segment in
                    segment.first == "{" ? values[String(segment.dropFirst().dropLast())] ?? "x" : String(segment)
                }.joined(separator: "/")
            if [.readEvents, .subscribe].contains(endpoint.operation) { path += "?stream=tenant-1" }
            let body: String? =
                switch endpoint.operation {
                case .appendEvents, .appendToStream: #"{"type":"noted","subject":"tenant-1","data":1}"#
                case .queryEvents: #"{"query":{"items":[{"stream":"tenant-1"}]}}"#
                case .createKey: #"{"name":"n","scopes":"read"}"#
                case .signIn: #"{"token":"\#(secrets[proof]?.revealed ?? "none")"}"#
                default: endpoint.body == nil ? nil : #"{"reason":"a test"}"#
                }
            if endpoint.operation == .subscribe {
                let response = await web.response(.get, path, key: secrets[proof])
                return .init(status: Int(response.status.code), headers: response.headers, text: "")
            }
            return try await web.ask(
                endpoint.method, path, body, key: endpoint.operation == .signIn ? nil : secrets[proof])
        }
    }

    @Test("every route answers every kind of proof as declared")
    func everyCell() async throws {
        let bench = try await Bench()
        var cells = 0
        for endpoint in Endpoint.all where endpoint.operation != .signIn {
            for proof in Proof.allCases {
                let answer = try await bench.ask(endpoint, proof)
                let place = "\(endpoint.method) \(endpoint.route) with \(proof): \(answer.status) \(answer.text)"
                let isIn = ![401, 403].contains(answer.status)
                cells += 1
                guard let scope = endpoint.operation.rule.scope else {
                    #expect(isIn, "\(place)")
                    continue
                }
                switch proof {
                case .none, .bad, .expired, .revoked: #expect(answer.status == 401, "\(place)")
                case .scope(let given): #expect(given == scope ? isIn : answer.status == 403, "\(place)")
                case .otherTenant(let given) where given != scope: #expect(answer.status == 403, "\(place)")
                case .otherTenant: expectNothingShown(endpoint, answer, place)
                }
            }
        }
        print("SEC-1: \(cells) cells of \(Endpoint.all.count) routes")
        #expect(cells == (Endpoint.all.count - 1) * Proof.allCases.count)
    }

    /// A key of another tenant: refused, or told that there is nothing, or shown nothing of the first one.
    private func expectNothingShown(_ endpoint: Endpoint, _ answer: Browserless.Answer, _ place: String) {
        switch endpoint.operation.rule.reach {
        case .server: #expect(![401, 403].contains(answer.status), "\(place)")
        case .all: #expect(answer.status == 403, "\(place)")
        case .streams:
            let isList = [.listStreams, .listCategories].contains(endpoint.operation)
            #expect(isList ? answer.status == 200 : [403, 404].contains(answer.status), "\(place)")
            #expect(!answer.text.contains("tenant"), "\(place)")
        }
    }

    @Test("signing in takes valid proofs alone")
    func signingIn() async throws {
        let bench = try await Bench()
        let signIn = try #require(Endpoint.all.first { $0.operation == .signIn })
        for proof in Proof.allCases {
            let answer = try await bench.ask(signIn, proof)
            let isValid = ![Proof.none, .bad, .expired, .revoked].contains(proof)
            #expect(answer.status == (isValid ? 200 : 401), "\(proof): \(answer.text)")
        }
    }

    @Test("an undeclared operation is denied")
    func undeclared() async throws {
        let bench = try await Bench()
        let declared = Set(Endpoint.all.map { "\($0.method) \($0.route)" })
        for route in Set(Endpoint.all.map(\.route)).union([
            "/v1/nothing", "/admin", "/v1", "/v1/keys/a/b", "/.git/config",
        ]) {
            for method in [HTTPRequest.Method.get, .post, .put, .patch, .delete, .options, .trace]
            where !declared.contains("\(method) \(route)") {
                let path = route.replacing("{", with: "").replacing("}", with: "")
                let stranger = try await bench.web.ask(method, path)
                #expect(stranger.status == 401, "\(method) \(route): \(stranger.status)")
                let known = try await bench.web.ask(method, path, key: bench.secrets[.scope(.admin)])
                #expect([404, 405].contains(known.status), "\(method) \(route): \(known.status)")
                if known.status == 405 { #expect(known.headers[.allow] != nil) }
            }
        }
    }

    @Test("every operation has a route or is one of an RPC, and every route is documented once")
    func table() throws {
        let operations = Endpoint.all.map(\.operation)
        // The others are rights that a request needs on top of its own.
        #expect(Set(operations).union([.showPayloads, .setRecordedTime]) == Set(ServerOperation.allCases))
        #expect(Set(Endpoint.all.map { "\($0.method) \($0.route)" }).count == Endpoint.all.count)
        let document = try JSONReader(OpenAPI.document).root
        for endpoint in Endpoint.all where !endpoint.isPage {
            let described = document["paths"]?[endpoint.route]?[endpoint.method.rawValue.lowercased()]
            #expect(described?["operationId"]?.string == endpoint.operation.rawValue)
            #expect(described?["x-sillok-scope"]?.string == endpoint.operation.rule.scope?.rawValue ?? "none")
        }
        for reference in String(decoding: OpenAPI.document, as: UTF8.self).matches(
            of: #/#\/components\/schemas\/(\w+)/#)
        {
            #expect(Schemas.all[String(reference.1)] != nil, "\(reference.1)")
        }
        for (name, schema) in Schemas.all { #expect(JSONReader.isValue(Array(schema.utf8)), "\(name)") }
    }

    @Test("patterns match what they name and nothing else")
    func patterns() {
        let category = ResourcePattern("account-*")
        #expect(category.covers("account-1" as StreamID) && category.covers("account" as StreamID))
        #expect(!category.covers("accounts-1" as StreamID) && !category.covers("accounting" as StreamID))
        #expect(
            category.covers("account" as StreamCategory) && !category.covers("accounts" as StreamCategory))
        let one = ResourcePattern("account-1")
        #expect(one.covers("account-1" as StreamID) && !one.covers("account-10" as StreamID))
        #expect(!one.covers("account" as StreamCategory))
        let beginning = ResourcePattern("account-eu-*")
        #expect(beginning.covers("account-eu-1" as StreamID) && !beginning.covers("account-us-1" as StreamID))
        #expect(!beginning.covers("account" as StreamCategory))
        let grant = Grant([.read], on: [category])
        #expect(!grant.reaches(.all) && !grant.reaches(.tags("a")) && grant.reaches(.category("account")))
        #expect(!grant.reaches(nil as StreamID?) && Grant.everything.reaches(nil as StreamID?))
        #expect(!grant.reaches(EventQuery.stream("account-1").or(.stream("order-1"))))
        #expect(!grant.reaches(AppendRequest([.init(stream: nil, event: EventData(type: "a", text: "1"))])))
    }
}
