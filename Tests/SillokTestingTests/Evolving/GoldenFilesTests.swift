import Foundation
import Sillok
import SillokCore
import SillokHistory
import Testing

@testable import SillokTesting

/// The events of a subscription service, as three releases of its code had them.
private enum Subscribed {
    enum First: Codable, Equatable, Sendable {
        case started(plan: String, note: String?)
        case paid(amount: Int)
        case moved(amount: Int)
    }

    enum Second: Codable, Equatable, Sendable, EvolvingEvent {
        case started(plan: String, note: String?)
        case paid(cents: Int)
        case refunded(cents: Int)
        static let schema = EventSchema(
            versions: ["paid": 2],
            upcasters: [
                .change("paid", from: 1) { old in old.payload.rename("amount", to: "cents") },
                .split("moved", from: 1, into: ["refunded": 1, "paid": 1]) { old in
                    [
                        .init("refunded", ["cents": old.payload["amount"]]),
                        .init("paid", ["amount": old.payload["amount"]]),
                    ]
                },
            ])
    }

    /// An upcaster reads what the release before read in another way.
    enum Mistaken: Codable, Equatable, Sendable, EvolvingEvent {
        case started(plan: String, note: String?)
        case paid(cents: Int)
        case refunded(cents: Int)
        static let schema = EventSchema(
            versions: ["paid": 2],
            upcasters: [
                .change("paid", from: 1) { old in old.payload["cents"] = 0 },
                .split("moved", from: 1, into: ["refunded": 1]) { old in
                    [.init("refunded", ["cents": old.payload["amount"]])]
                },
            ])
    }

    enum Dropping: Codable, Equatable, Sendable { case started(plan: String), paid(amount: Int), moved(amount: Int) }
    enum Renaming: Codable, Equatable, Sendable {
        case started(plan: String, note: String?), paid(cents: Int), moved(amount: Int)
    }
    enum Growing: Codable, Equatable, Sendable {
        case started(plan: String, note: String?, trial: Bool?), paid(amount: Int), moved(amount: Int), ended
    }
}

@Suite("golden files")
struct GoldenFilesTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "golden-\(EventID())").path
    private let first: [Subscribed.First] = [.started(plan: "a", note: "x"), .paid(amount: 5), .moved(amount: 7)]
    private let second: [Subscribed.Second] = [.started(plan: "a", note: "x"), .paid(cents: 6), .refunded(cents: 1)]

    private func recorded() throws -> GoldenFiles<Subscribed.First> {
        let files = GoldenFiles(at: folder, first)
        try files.record()
        return files
    }

    private func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }

    private func text(_ name: String) throws -> String {
        try String(contentsOfFile: folder + "/" + name, encoding: .utf8)
    }

    @Test("recorded once, nothing differs; recorded again, nothing changes")
    func recordsOnce() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(try GoldenFiles(at: folder, first).findings().count == 4, "three without a file, and no schema")
        let files = try recorded()
        #expect(try names() == ["moved.v1.json", "paid.v1.json", "schema.json", "started.v1.json"])
        #expect(try files.findings() == [])
        let before = try names().map(text)
        try GoldenFiles(
            at: folder, [.started(plan: "b", note: nil), .paid(amount: 1), .moved(amount: 1)] as [Subscribed.First]
        )
        .record()
        #expect(try names().map(text) == before)
        #expect(try text("schema.json").contains(#""note": "text?""#))
        #expect(try text("schema.json").contains(#""plan": "text""#))
    }

    @Test("a release with upcasters adds its readings and keeps the old ones")
    func release() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try recorded()
        let old = try text("paid.v1.json")
        let files = GoldenFiles(at: folder, second)
        let findings = try files.findings()
        for text in [
            "\"paid\" version 1 is read as paid 2 now", "\"moved\" version 1 is read as refunded 1, paid 2 now",
            "\"paid\" version 2 has no golden file", "\"refunded\" version 1 has no golden file", "schema.json",
        ] {
            #expect(findings.contains { $0.contains(text) }, "\(findings) should say \(text)")
        }
        try files.record()
        #expect(try files.findings() == [])
        #expect(try names().contains("paid.v2.json") && names().contains("moved.v1.json"))
        #expect(try text("paid.v1.json").contains(#""payload": {"#) && text("paid.v1.json").count > old.count)
        #expect(try SchemaSnapshot(text: text("schema.json")).types["moved"]?.version == nil)
        // Code that goes back reads them as it ever did.
        #expect(try GoldenFiles(at: folder, first).findings().filter { $0.contains("read") }.count == 2)
    }

    @Test("what reads differently, drops a field, cannot be read, or has no file is found")
    func finds() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try recorded()
        try GoldenFiles(at: folder, second).record()
        let mistaken = try GoldenFiles(
            at: folder, [.started(plan: "a", note: "x"), .paid(cents: 6), .refunded(cents: 1)] as [Subscribed.Mistaken]
        ).findings()
        #expect(
            mistaken.contains { $0.contains("\"paid\" version 1 is read differently as paid 2: cents is 0 and was 5") })
        #expect(
            mistaken.contains { $0.contains("\"moved\" version 1 is read as refunded 1 now, which was never recorded") }
        )
        let other = folder + "-first"
        defer { try? FileManager.default.removeItem(atPath: other) }
        try GoldenFiles(at: other, first).record()
        let dropping = try GoldenFiles(
            at: other, [.started(plan: "a"), .paid(amount: 1), .moved(amount: 1)] as [Subscribed.Dropping]
        ).findings()
        #expect(dropping.contains { $0.contains("it drops note, which is \"x\"") })
        let renaming = try GoldenFiles(
            at: other, [.started(plan: "a", note: "x"), .paid(cents: 1), .moved(amount: 1)] as [Subscribed.Renaming]
        ).findings()
        #expect(renaming.contains { $0.contains("\"paid\" version 1 cannot be read any more") })
        let growing = try GoldenFiles(
            at: other,
            [.started(plan: "a", note: "x", trial: true), .paid(amount: 1), .moved(amount: 1)] as [Subscribed.Growing]
        ).findings()
        #expect(growing.contains { $0.contains("\"started\" version 1 has a field that no golden file shows") })
        #expect(growing.contains { $0.contains("the case ended of Growing has no sample") })
        #expect(growing.contains { $0.contains("schema.json") })
    }

    @Test("cases come from the compiler's own list")
    func cases() {
        enum Single: Codable { case only }
        enum Two: Codable { case one, two }
        #expect(caseNames(of: Subscribed.First.self)?.sorted() == ["moved", "paid", "started"])
        #expect(caseNames(of: Single.self) == ["only"] && caseNames(of: Two.self) == ["one", "two"])
        #expect(caseNames(of: Int.self) == nil && caseNames(of: GoldenEvent.self) == nil)
    }

    @Test("types of any name have a file of their own")
    func fileNames() {
        let event = GoldenEvent(type: "a/b é", version: 2, payload: [:])
        #expect(event.fileName == "a%2fb%20%c3%a9.v2.json")
    }
}

/// Enums of projections that read what a subscription writes.
private enum Reader {
    enum WithoutSchema: Codable, Sendable { case paid(cents: Int) }
    enum WithSchema: Codable, Sendable, EvolvingEvent {
        case paid(cents: Int)
        static let schema = EventSchema.of(Subscribed.Second.self)
    }
    enum OtherField: Codable, Sendable, EvolvingEvent {
        case paid(euros: Int)
        static let schema = EventSchema.of(Subscribed.Second.self)
    }
}

extension GoldenFilesTests {
    @Test("N2: golden files fail for each reader that cannot read a version of a type that it has a case for")
    func readers() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "golden-\(EventID())").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let samples: [Subscribed.Second] = [.started(plan: "a", note: "b"), .paid(cents: 5), .refunded(cents: 1)]
        try GoldenFiles(of: Subscribed.First.self, at: path, [.started(plan: "a", note: "b"), .moved(amount: 2)])
            .record()
        func findings(_ reader: any (Codable & Sendable).Type) throws -> [String] {
            let files = GoldenFiles(at: path, samples, readers: [reader])
            try files.record()
            return try files.findings()
        }
        #expect(try findings(Reader.WithSchema.self) == [])
        let missing = try findings(Reader.WithoutSchema.self)
        #expect(missing.count == 1)
        let finding = try #require(missing.first)
        #expect(finding.contains("\"paid\" version 2 cannot be read by WithoutSchema"))
        #expect(finding.contains("EventSchema.of("))
        let other = try findings(Reader.OtherField.self)
        #expect(other.count == 1)
        #expect(other.first?.contains("cannot be read by OtherField") == true)
    }
}
