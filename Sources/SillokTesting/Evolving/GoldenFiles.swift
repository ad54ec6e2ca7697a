import Foundation
import Sillok
import SillokCore
import SillokHistory
public import Testing

/// Golden files of an event enum: payloads that were once written, and the values that the current code reads from
/// them.
///
/// ```swift
/// GoldenFiles(of: Order.Event.self, in: "Golden/order", samples: [.placed(cents: 5), .cancelled]).check()
/// ```
/// There is one file for each type and version, in a folder next to the test, and `schema.json` for `sillok schema`.
/// Run the test once with `SILLOK_RECORD=1` and commit its files. Recording adds files and entries, and writes
/// `schema.json` again; it never changes a recorded payload or value. From then on the test fails when
/// - the current code reads a golden payload differently, drops a field of it, or cannot read it;
/// - a sample has a type, a version or a field that is in no golden file;
/// - a case of the enum has no sample;
/// - one of the `readers`, such as the enum of a projection, has a case for a golden payload and cannot read it;
/// - `schema.json` differs from the current schema.
public struct GoldenFiles<Event: Codable & Sendable>: Sendable {
    let folder: URL
    let samples: [Event]
    let readers: [any (Codable & Sendable).Type]
    let coding = EventCoding<Event>()

    /// Creates golden files in a folder.
    ///
    /// - Parameters:
    ///   - event: the enum.
    ///   - folder: the folder, relative to the folder of the test file.
    ///   - samples: current events, at least one of each case. Together they must have a value in every field.
    ///   - readers: other enums that read events of these types, such as those of projections. List each one: a reader
    ///     that does not use the schema of `event` stops at the first event of a new version.
    ///   - file: the test's file.
    public init(
        of event: Event.Type = Event.self, in folder: String = "Golden", samples: [Event],
        readers: [any (Codable & Sendable).Type] = [], beside file: StaticString = #filePath
    ) {
        self.init(
            of: event, at: URL(filePath: "\(file)").deletingLastPathComponent().appending(path: folder).path, samples,
            readers: readers)
    }

    /// Golden files at a path.
    package init(
        of event: Event.Type = Event.self, at path: String, _ samples: [Event],
        readers: [any (Codable & Sendable).Type] = []
    ) {
        folder = URL(filePath: path)
        self.samples = samples
        self.readers = readers
    }

    /// Compares, and reports each difference as an issue. If `SILLOK_RECORD` is 1, it first records what is missing.
    ///
    /// - Parameter sourceLocation: where to report differences.
    public func check(sourceLocation: SourceLocation = #_sourceLocation) {
        do {
            if Environment.number("SILLOK_RECORD") == 1 { try record() }
            for finding in try findings() {
                Issue.record(Comment(rawValue: finding), sourceLocation: sourceLocation)
            }
        } catch {
            Issue.record(error, "the golden files in \(folder.path) cannot be used", sourceLocation: sourceLocation)
        }
    }

    /// Everything that differs, each in a sentence; none is good.
    package func findings() throws -> [String] {
        let golden = try goldenEvents()
        var findings = golden.flatMap { $0.findings(coding) }
        for sample in try currentSamples() where !golden.contains(where: { $0.shows(sample) }) {
            let kept = golden.contains { $0.type == sample.type && $0.version == sample.version }
            findings.append(
                kept
                    ? "\(sample.place) has a field that no golden file shows. \(Self.howToRecord)"
                    : "\(sample.place) has no golden file. \(Self.howToRecord)")
        }
        let shown = golden + (try currentSamples())
        for finding in readers.flatMap({ reader in shown.flatMap { $0.findings(readBy: reader) } })
        where !findings.contains(finding) { findings.append(finding) }
        let types = Set(try samples.map { try coding.encode($0).type })
        for name in caseNames(of: Event.self) ?? [] {
            let type = (Event.self as? any StableEventNames.Type)?.storedNames[name] ?? EventType(name)
            if !types.contains(type) { findings.append("the case \(name) of \(Event.self) has no sample: add one") }
        }
        let schema = try snapshot(golden).text
        if try schemaText() != schema {
            findings.append("schema.json differs from the current schema. \(Self.howToRecord)")
        }
        return findings
    }

    /// Adds missing parts: files of new versions, new fields, values of a new version, and the schema.
    package func record() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var golden = try goldenEvents()
        for sample in try currentSamples() where !golden.contains(where: { $0.shows(sample) }) { golden.append(sample) }
        for index in golden.indices { try golden[index].recordReading(coding) }
        for group in Dictionary(grouping: golden, by: \.fileName) {
            try Data(GoldenEvent.text(of: group.value).utf8).write(to: folder.appending(path: group.key))
        }
        try Data(try snapshot(golden).text.utf8).write(to: folder.appending(path: "schema.json"))
    }

    private static var howToRecord: String {
        "Run the test once with SILLOK_RECORD=1, look at what it wrote, and commit it"
    }

    private func schemaText() throws -> String? {
        let url = folder.appending(path: "schema.json")
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        return String(decoding: try Data(contentsOf: url), as: UTF8.self)
    }

    /// What the files have, in the order of their names.
    private func goldenEvents() throws -> [GoldenEvent] {
        guard FileManager.default.fileExists(atPath: folder.path) else { return [] }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        return try names.filter { $0.hasSuffix(".json") && $0 != "schema.json" }.flatMap { name in
            let text = String(decoding: try Data(contentsOf: folder.appending(path: name)), as: UTF8.self)
            guard let golden = GoldenEvent.events(in: text), golden.allSatisfy({ $0.fileName == name }) else {
                throw GoldenFilesFailure("\(name) is no golden file, or not of the type and version in its name")
            }
            return golden
        }
    }

    private func currentSamples() throws -> [GoldenEvent] {
        try samples.map { sample in
            let data = try coding.encode(sample)
            guard let payload = JSONValue(parsing: String(decoding: data.payload, as: UTF8.self))?.object else {
                throw GoldenFilesFailure("\(sample) has no object as its payload")
            }
            return GoldenEvent(type: data.type, version: data.metadata.schemaVersion ?? 1, payload: payload)
        }
    }

    /// The current schema: the fields of all golden payloads and samples of current versions.
    private func snapshot(_ golden: [GoldenEvent]) throws -> SchemaSnapshot {
        let current = try currentSamples()
        var snapshot = SchemaSnapshot(coding.schema, writing: current.map(\.type))
        for (name, kind) in snapshot.types where kind.version != nil {
            var shape = PayloadShape()
            let shown = (golden + current).filter { $0.type == EventType(name) && $0.version == kind.version }
            for one in shown { shape.learn(one.payload) }
            var fields = shape.fields
            // What the code can do without may be missing, also if every sample has it.
            for one in shown {
                for (path, rest) in one.payload.withoutEach where fields[path]?.isOptional == false {
                    var without = one
                    without.payload = rest
                    if (try? coding.decode(without.recorded)) != nil { fields[path]?.isOptional = true }
                }
            }
            snapshot.types[name]?.fields = fields
        }
        return snapshot
    }
}

/// Golden files that cannot be used.
struct GoldenFilesFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
