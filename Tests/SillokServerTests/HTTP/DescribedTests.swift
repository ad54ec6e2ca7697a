import HTTPTypes
import Hummingbird
import Sillok
import SillokAPI
import SillokCore
import SillokWire
import Testing

@testable import SillokServer

/// What is answered decodes as the type that describes it, and what is asked is held to its type.
@Suite("Requests and answers as values")
struct DescribedTests {
    @Test("the JSON answers to GET have the members of their schemas, and no others")
    func answers() async throws {
        let web = try await Browserless(tools: StoreTools(size: { 1 << 60 }))
        try await web.note("a-1")
        let event = try #require(try await web.store.read(.all, limit: 1).events.first)
        var compared: Set<String> = []
        let (schemas, paths) = try Self.document()
        for endpoint in Endpoint.all where !endpoint.isPage && endpoint.method == .get {
            let values = ["{stream}": "a-1", "{position}": "1", "{id}": "\(event.id)", "{source}": "s"]
            let path = endpoint.route.split(separator: "/").map { values[String($0)] ?? String($0) }
                .joined(separator: "/")
            if endpoint.operation == .subscribe { continue }
            let answer = try await web.ask(.get, "/\(path)")
            guard let type = answer.headers[.contentType], type.hasSuffix("json"),
                let content = paths[endpoint.route]?["get"]?["responses"]?["\(answer.status)"]?["content"]?[type]
            else { continue }
            try expect(answer.json, content["schema"], schemas, "\(path): \(answer.text)")
            if answer.status == 200 { compared.insert(endpoint.route) }
        }
        #expect(compared.count >= 12, "\(compared.sorted())")
    }

    private static func document() throws -> (schemas: JSONReader.Value, paths: JSONReader.Value) {
        let document = try JSONReader(OpenAPI.document).root
        return (try #require(document["components"]?["schemas"]), try #require(document["paths"]))
    }

    private func expect(
        _ value: JSONReader.Value, _ schema: JSONReader.Value?, _ schemas: JSONReader.Value, _ place: String
    ) throws {
        var schema = try #require(schema)
        if let name = schema["$ref"]?.string?.split(separator: "/").last {
            schema = try #require(schemas[String(name)], "\(name)")
        }
        for element in value.elements ?? [] { try expect(element, schema["items"], schemas, place) }
        guard let properties = schema["properties"] else { return }
        let members = try #require(value.members, "\(place)")
        for name in schema["required"]?.elements ?? [] {
            #expect(members.contains { $0.key == name.string }, "\(name.string ?? "") is missing in \(place)")
        }
        for (key, member) in members {
            let rest = schema["additionalProperties"]
            guard let property = properties[key] ?? (rest?.members == nil ? nil : rest) else {
                Issue.record("\(key) is not described, in \(place)")
                continue
            }
            try expect(member, property, schemas, place)
        }
    }

    @Test("an answer decodes as its type, with integers of 64 bits")
    func decoding() async throws {
        let web = try await Browserless(tools: StoreTools(size: { .max - 1 }))
        try await web.note("a-1")
        let overview = try await web.ask(.get, "/v1/overview").decoded(API.Overview.self)
        #expect(overview.bytes == .max - 1 && overview.head == 1)
        #expect(overview.append.requests == 1 && overview.projections.isEmpty)
        let server = try await web.ask(.get, "/v1/server").decoded(API.Server.self)
        #expect(server.version == ProjectVersion.current)
        let limits = server.limits.entries
        #expect(limits.map(\.name) == Limits.settings.map(\.name) + ServerLimits.settings.map(\.name))
        let missing = try await web.ask(.get, "/v1/streams/none").decoded(API.Problem.self)
        #expect(missing.type == "urn:sillok:problem:not-found" && missing.status == 404)
        let conflict = try await web.ask(
            .post, "/v1/events",
            #"{"events":[{"type":"t","subject":"a-1"}],"condition":{"revisions":{"a-1":9,"a-0":1}}}"#)
        let problem = try conflict.decoded(API.Problem.self)
        #expect(problem.streams?.entries.map(\.name) == ["a-0", "a-1"])
        #expect(problem.streams?.entries.last?.value.actual == 1)
        let event = #"{"n":18446744073709551615}"#
        #expect(try await web.ask(.post, "/v1/events", #"{"type":"t","data":\#(event)}"#).status == 200)
        #expect(try await web.ask(.get, "/v1/positions/2").text.hasSuffix(#""data":\#(event)}"#))
    }

    @Test(
        "a request with another member, a null, or a value of another type is malformed",
        arguments: [
            #"{"name":"n","scopes":"read","x":1}"#, #"{"name":"n","scopes":null}"#, #"{"name":7,"scopes":"read"}"#,
            #"{"scopes":"read"}"#, #"{"name":"n","scopes":"read","expires":"tomorrow"}"#, "[]", "7", "{", "",
        ])
    func malformed(body: String) async throws {
        let web = try await Browserless(keyring: Keyring(log: MemoryEventStore()))
        let keyring = try #require(web.interface.gatekeeper.keyring)
        let secret = try await keyring.create("admin", .everything, by: "a test").secret
        let answer = try await web.ask(.post, "/v1/keys", body, key: secret)
        #expect(answer.problem == "malformed" && answer.status == 400, "\(answer.text)")
    }

    @Test(
        "a query is held to its type at every depth",
        arguments: [
            #"{"query":{"items":[{"types":"t"}]}}"#, #"{"query":{"items":[{"type":["t"]}]}}"#,
            #"{"query":{"items":[null]}}"#,
            #"{"query":null}"#, #"{"query":{"items":[{"stream":null}]}}"#, #"{"after":9223372036854775808}"#,
            #"{"after":"1@x"}"#, #"{"before":-1}"#, #"{"before":1.5}"#, #"{"direction":"up"}"#, #"{"limit":"1"}"#,
        ])
    func query(body: String) async throws {
        let answer = try await Browserless().ask(.post, "/v1/query", body)
        #expect(answer.problem == "malformed", "\(answer.text)")
    }

    @Test("names that are equal to Swift are two streams of a condition")
    func names() throws {
        let body = Array("{\"revisions\":{\"caf\u{e9}-1\":1,\"cafe\u{301}-1\":2}}".utf8)
        let append = Array(#"{"events":[{"type":"t"}],"condition":"#.utf8) + body + Array("}".utf8)
        let request = try Asking.append(append) { _ in EventID() }.request
        #expect(request.condition.revisions == ["caf\u{e9}-1": 1, "cafe\u{301}-1": 2])
    }
}

extension Browserless.Answer {
    /// The body as a value of a type.
    func decoded<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try PlainCoding.decode(type, from: text)
    }
}
