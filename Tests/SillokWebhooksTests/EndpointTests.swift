import Logging
import SillokCore
import SillokProjections
import SillokReadSide
import SillokSQL
import SillokSQLite
import SillokTerminal
import SillokTesting
import Testing

@testable import SillokCLI
@testable import SillokService
@testable import SillokWebhooks

@Suite("webhook endpoints")
struct EndpointTests {
    private let register: EndpointRecord.Command

    init() throws {
        register = .register(
            url: try WebhookURL("https://a.example/"), query: .all, isOrdered: true, mode: .structured)
    }

    /// The state after commands that are all allowed.
    private func state(_ commands: EndpointRecord.Command...) throws -> EndpointRecord {
        var state = EndpointRecord()
        for command in commands { for event in try state.decide(command) { state.evolve(event) } }
        return state
    }

    @Test("an endpoint is registered once, paused and resumed, disabled and enabled, and removed for good")
    func life() throws {
        #expect(try state(register, .rotateKey).decide(.rotateKey) == [.webhookKeyRotated(generation: 3)])
        #expect(try state(register).decide(.pause(reason: "x")) == [.webhookPaused(reason: "x")])
        #expect(try state(register, .pause(reason: "x")).decide(.resume) == [.webhookResumed])
        #expect(
            try state(register, .pause(reason: "x")).decide(.disable(reason: "y")) == [.webhookDisabled(reason: "y")])
        #expect(try state(register, .disable(reason: "x")).decide(.disable(reason: "y")) == [])
        #expect(try state(register, .disable(reason: "x")).decide(.enable) == [.webhookEnabled])
        #expect(try state(register, .disable(reason: "x")).decide(.remove) == [.webhookRemoved])
        let refused: [(EndpointRecord, EndpointRecord.Command)] = [
            (try state(), .rotateKey), (try state(), .pause(reason: "")), (try state(), .remove),
            (try state(register), register), (try state(register), .resume), (try state(register), .enable),
            (try state(register, .pause(reason: "x")), .pause(reason: "y")),
            (try state(register, .pause(reason: "x")), .enable),
            (try state(register, .disable(reason: "x")), .resume), (try state(register, .remove), register),
            (try state(register, .remove), .rotateKey), (try state(register, .remove), .disable(reason: "x")),
        ]
        for (state, command) in refused { #expect(throws: WebhookRefusal.self) { try state.decide(command) } }
    }

    @Test("who, when and why are in the log, and a second process knows the same endpoints")
    func recorded() async throws {
        let play = try WebhookPlay()
        let webhooks = try play.webhooks()
        let endpoint = try await webhooks.register(
            "https://A.Example/hook?x=1", for: .category("order").of("noted"), id: "a", isOrdered: false,
            mode: .batched, by: Operator("Ada", because: "they asked"))
        #expect(endpoint.registeredBy == "Ada" && endpoint.url == "https://a.example/hook?x=1")
        try await webhooks.rotateKey(of: "a", by: play.ada)
        try await webhooks.pause("a", by: Operator("Bob", because: "too many"))
        let other = try play.webhooks()
        let expected = try await webhooks.endpoints()
        #expect(try await other.endpoints() == expected)
        let known = try #require(try await other.endpoints().first)
        #expect(known.query == EventQuery.category("order").of("noted") && known.generation == 2)
        #expect(known.status == .paused(reason: "too many") && !known.isOrdered && known.mode == .batched)
        let secret = try await webhooks.secret(of: "a")
        #expect(try await other.secret(of: "a") == secret)
        let events = try await play.store.read(.category("webhook:endpoint")).events
        #expect(events.map(\.type) == ["webhookRegistered", "webhookKeyRotated", "webhookPaused"])
        #expect(events.map(\.metadata.actor) == ["Ada", "Ada", "Bob"])
        #expect(events.first?.metadata.reason == "they asked")
        try await webhooks.remove("a", by: play.ada)
        #expect(try await other.endpoints().isEmpty)
    }

    @Test("PRC-30: registration refuses a bad id, a bad URL, a refused address, a bad filter and a taken id")
    func refusals() async throws {
        var play = try WebhookPlay()
        play.options.resolver = HostResolver { host in
            [IPAddress(text: host == "inner.example" ? "10.0.0.1" : "8.8.8.8")].compactMap { $0 }
        }
        let webhooks = try play.webhooks()
        func isRefused(_ url: String, _ query: EventQuery = .all, id: String? = nil) async throws -> Bool {
            do {
                try await webhooks.register(url, for: query, id: id, by: play.ada)
                return false
            } catch is WebhookRefusal {
                return true
            } catch is InvalidRequest {
                return true
            }
        }
        for id in ["", "A", "a b", "a.b", "ä", String(repeating: "a", count: 65)] {
            #expect(try await isRefused("https://a.example/", id: id))
        }
        #expect(try await isRefused("http://a.example/"))
        #expect(try await isRefused("https://inner.example/"))
        #expect(try await isRefused("https://a.example/", EventQuery([])))
        #expect(try await isRefused("https://a.example/", .category("a-b")))
        #expect(try await !isRefused("https://a.example/", id: "a"))
        #expect(try await isRefused("https://a.example/", id: "a"))
        for _ in 0..<2 { #expect(try await !isRefused("https://a.example/")) }
        #expect(try await webhooks.endpoints().count == 3)
        await #expect(throws: WebhookRefusal.self) { try await webhooks.secret(of: "b") }
        await #expect(throws: WebhookRefusal.self) { try await webhooks.pause("b", by: play.ada) }
    }

    @Test("PRC-30: the setting for tests is logged as critical")
    func loopback() async throws {
        let lines = Lock([String]())
        var play = try WebhookPlay()
        play.logger = Logger(label: "test") { _ in LineHandler(lines: lines) }
        _ = try play.webhooks()
        #expect(lines.withLock { $0 }.isEmpty)
        play.options.allowsLoopbackForTests = true
        _ = try play.webhooks()
        #expect(lines.withLock { $0 }.map { $0.hasPrefix("critical") } == [true])
    }

    /// Returns what `sillok` prints.
    private func printed(_ arguments: [String]) async -> [UInt8] {
        let console = Console(output: Output(), errors: Output())
        let status = await Console.$current.withValue(console) { await SillokCommand.run(arguments) }
        #expect(status == 0, "\(arguments): \(console.errors.text)")
        return Array((console.output.text + console.errors.text).utf8)
    }

    /// Returns the metrics that a server or a monitor would report of the publishers.
    private func metrics(_ store: any EventStore, _ model: any ReadModel) async throws -> [UInt8] {
        let (registry, statuses) = (MetricsRegistry(), try await ReadSide(of: store, in: model).status())
        var known: Set<ExactText> = []
        ProjectionMeasurement.report(statuses, to: registry, known: &known)
        return Array(registry.text.utf8)
    }

    /// Writes keys to an event, the reason of a pause, and the id of an endpoint, which gets into the metrics.
    private func plant(
        _ keys: [[UInt8]], _ play: WebhookPlay, _ webhooks: Webhooks, _ metrics: () async throws -> [UInt8]
    ) async throws {
        let planted = WebhookSecret(bytes: keys[1]).revealed
        try await play.note("x\(planted)")
        try await webhooks.resume("shop", by: play.ada)
        try await webhooks.pause("shop", by: Operator("Ada", because: "their key is \(planted)"))
        try await webhooks.register("https://a.example/", for: .all, id: hex(keys[0]), by: play.ada)
        try await play.run(webhooks) { try await metrics().contains(Array(hex(keys[0]).utf8)) }
    }

    /// Returns the files of a folder, an export and a backup among them, and what commands print, by their names.
    private func written(to folder: WebhookFolder, _ round: Int) async throws -> [String: [UInt8]] {
        let (log, model) = (folder.path("log.sqlite"), folder.path("model.sqlite"))
        _ = await printed(["export", log, folder.path("\(round).jsonl")])
        _ = await printed(["backup", log, folder.path("\(round).backup")])
        var texts = try folder.contents()
        texts["export"] = await printed(["export", log])
        texts["list"] = await printed(["webhooks", "list", model, "--store", log, "--json"])
        for verb in ["show", "deliveries"] {
            texts[verb] = await printed(["webhooks", verb, model, "shop", "--store", log, "--json"])
        }
        return texts
    }

    @Test("no key is in files, exports, lines of the logger, metrics or answers of commands; a planted one is found")
    func secrets() async throws {
        let folder = try WebhookFolder()
        let lines = Lock([String]())
        let store = try SQLiteEventStore(path: folder.path("log.sqlite"))
        let model = try SQLiteReadModel(path: folder.path("model.sqlite"))
        var play = try WebhookPlay(
            Receivers { _, body, count in WebhookAnswer(status: body.isBad ? 500 : 200) }, store: store,
            pauses: [])
        play.logger = Logger(label: "test") { _ in LineHandler(lines: lines) }
        let masterKey = (0..<32).map { UInt8(200 - $0 * 3) }
        let webhooks = try Webhooks(
            of: store, progressIn: model, masterKey: WebhookMasterKey(masterKey), options: play.options,
            logger: play.logger)
        try await play.register("shop", webhooks)
        try await play.running(webhooks) {
            for text in ["one", "bad"] { try await play.note(text, "order-\(text)") }
            #expect(try await eventually { try await webhooks.deliveries(of: "shop").count == 2 })
            try await webhooks.rotateKey(of: "shop", by: play.ada)
            play.receivers.answer { _, _, _ in WebhookAnswer(status: 410) }
            try await play.note("three", "order-3")
            #expect(try await eventually { try await webhooks.endpoints().first?.status != .active })
            // The line about the disabled endpoint is written after its state has changed.
            #expect(try await eventually { lines.withLock { !$0.isEmpty } })
        }
        let master = try WebhookMasterKey(masterKey)
        let keys = (1...2).map { master.secret(of: "shop", generation: $0).bytes } + [masterKey]
        func found(_ round: Int) async throws -> Set<String> {
            var texts = try await written(to: folder, round)
            texts["lines"] = Array(lines.withLock { $0 }.joined(separator: "\n").utf8)
            texts["metrics"] = try await metrics(store, model)
            texts["log of deliveries"] = Array("\(try await webhooks.deliveries(of: "shop"))".utf8)
            let forms = keys.flatMap(SecretForms.init)
            return Set(texts.filter { text in forms.contains { text.value.contains($0) } }.keys)
        }
        #expect(try await found(1) == [])
        // The same search finds what a test plants, in any of its forms.
        lines.withLock { $0.append(hex(keys[0])) }
        try await plant(keys, play, webhooks) { try await metrics(store, model) }
        let places = try await found(2)
        let expected = ["lines", "list", "show", "metrics", "export", "2.jsonl", "2.backup"]
        #expect(places.isSuperset(of: expected) && places.contains { $0.hasPrefix("log.sqlite") }, "\(places)")
        #expect(places.isDisjoint(with: ["1.jsonl", "1.backup", "log of deliveries"]))
        await model.close()
        await store.close()
    }
}

/// The hexadecimal digits of bytes.
private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// Writes lines into a list.
private struct LineHandler: LogHandler {
    let lines: Lock<[String]>
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    init(lines: Lock<[String]>) { self.lines = lines }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        lines.withLock { $0.append("\(event.level): \(event.message)") }
    }
}

/// The forms in which a key may be written: its bytes, Base64 of both alphabets, hexadecimal digits of both cases.
private struct SecretForms: Sequence {
    let forms: [[UInt8]]

    init(_ key: [UInt8]) {
        let base64 = WebhookSecret(bytes: key).revealed.dropFirst(6).drop { $0 == "=" }
        let plain = base64.prefix { $0 != "=" }
        let url = String(plain).replacing("+", with: "-").replacing("/", with: "_")
        let digits = hex(key)
        forms = [key] + [String(plain), url, digits, digits.uppercased()].map { Array($0.utf8) }
    }

    func makeIterator() -> IndexingIterator<[[UInt8]]> { forms.makeIterator() }
}
