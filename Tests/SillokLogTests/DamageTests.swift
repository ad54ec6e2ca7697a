import Foundation
import SillokCore
import SillokTestSupport
import SillokTesting
import Testing

@testable import SillokLog

/// A log with damaged bytes: it opens for reading only, shows nothing wrong, hides nothing, and is not changed.
@Suite struct DamageTests {
    private let place = StorePlace()
    private static let events = 180

    private enum Kind: CaseIterable {
        case flip, zeroedSector, missingSegment, truncated
    }

    /// The files of a folder but the index, which SQLite opens in its own way.
    private func files(_ folder: String) throws -> [String: Data] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder)
        var files: [String: Data] = [:]
        for name in names where !name.hasPrefix("index.sqlite") {
            files[name] = FileManager.default.contents(atPath: "\(folder)/\(name)")
        }
        return files
    }

    private func segments(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder + "/log").filter { $0.hasSuffix(".seg") }.sorted()
            .map { "\(folder)/log/\($0)" }
    }

    private func damage(_ folder: String, _ kind: Kind, _ random: inout some RandomNumberGenerator) throws -> String {
        let all = try segments(folder)
        // The last one may be the prepared next segment, which is empty.
        let path = try #require(all.dropLast(all.count > 2 ? 1 : 0).randomElement(using: &random))
        var bytes = Array(try #require(FileManager.default.contents(atPath: path)))
        switch kind {
        case .flip:
            let offset = Int.random(in: 0..<bytes.count, using: &random)
            bytes[offset] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            _ = FileManager.default.createFile(atPath: path, contents: Data(bytes))
            return "byte \(offset) of \(path)"
        case .zeroedSector:
            let start = Int.random(in: 0..<bytes.count / 512, using: &random) * 512
            bytes.replaceSubrange(start..<start + 512, with: repeatElement(0, count: 512))
            _ = FileManager.default.createFile(atPath: path, contents: Data(bytes))
            return "sector at \(start) of \(path)"
        case .missingSegment:
            let middle = try #require(all.dropFirst().dropLast().randomElement(using: &random))
            try FileManager.default.removeItem(atPath: middle)
            return "\(middle) is missing"
        case .truncated:
            let count = Int.random(in: 0..<bytes.count, using: &random)
            _ = FileManager.default.createFile(atPath: path, contents: Data(bytes.prefix(count)))
            return "\(path) ends at \(count)"
        }
    }

    /// Reads from the first event on, and continues behind each place that cannot be read.
    private func readable(_ store: LogEventStore, _ query: EventQuery = .all) async throws -> (
        found: [UInt64: String], lost: Set<UInt64>
    ) {
        var (found, lost, next): ([UInt64: String], Set<UInt64>, UInt64) = ([:], [], 1)
        let head = max(try await store.head().value, UInt64(Self.events))
        while next <= head {
            do {
                let page = try await store.read(ReadRequest(query, after: .position(Position(next - 1)), limit: 7))
                for event in page.events {
                    found[event.position.value] = String(decoding: event.payload, as: UTF8.self)
                }
                if page.isEnd { break }
                #expect(page.through.value >= next)
                next = page.through.value + 1
            } catch let error as StoreError {
                #expect(error.code == .corrupt, "\(error)")
                let end = store.damage?.losses.first {
                    $0.first.value <= next && $0.last.map { $0.value >= next } ?? true
                }
                let last = end.map { $0.last?.value ?? head } ?? next
                for position in next...max(next, last) { lost.insert(position) }
                next = max(next, last) + 1
            }
        }
        return (found, lost)
    }

    private func check(_ folder: String, _ what: Comment) async throws -> (isDamaged: Bool, lost: Int, isCut: Bool) {
        let before = try files(folder)
        let store = try LogEventStore(path: folder, mode: .existing, tuning: .tiny)
        let (found, lost) = try await readable(store)
        // What is shown is right, and what is not shown is reported.
        for (position, text) in found { #expect(text == "\(position - 1)", what) }
        let missing = (1...UInt64(Self.events)).filter { found[$0] == nil && !lost.contains($0) }
        // Without a report only the end may be missing, and only if no later header proves it.
        if store.damage != nil {
            #expect(missing.isEmpty, what)
            let tagged = try await readable(store, .tags(EventTag("third", "1")))
            #expect(Set(tagged.found.keys) == Set(found.keys.filter { $0 % 3 == 2 }), what)
            let error = await #expect(throws: AppendError.self) { try await store.append([note(0)]) }
            #expect(error?.failure?.code == .corrupt && error?.failure?.outcome == .definite, what)
            #expect(error?.failure?.message.contains("sillok copy --salvage") == true, what)
            #expect(try await store.verify().isSound == false, what)
            // A server that passes bytes on does not pass over the losses either.
            let bytes = try? await store.readPage(ReadRequest()) { try EventBatch($0) }
            #expect(bytes == (try? await store.read(ReadRequest())), what)
            await #expect(throws: StoreError.self) { try await store.backup(to: folder + "-copy") }
        } else {
            #expect(missing.allSatisfy { $0 + 12 > UInt64(Self.events) }, what)
        }
        let isDamaged = store.damage != nil
        await store.close()
        if isDamaged {
            #expect(try files(folder) == before, what)
            let reading = try LogEventStore(path: folder, mode: .readOnly, tuning: .tiny)
            #expect(reading.damage != nil, what)
            await reading.close()
            #expect(try files(folder) == before, what)
        }
        return (isDamaged, lost.count, !missing.isEmpty)
    }

    @Test func `a damaged log is read around the damage, and never changed`() async throws {
        let seed = UInt64.random(in: 1..<1_000_000)
        var random = SeededGenerator(seed: seed)
        let store = try place.open()
        try await store.fill(0..<Self.events, by: 4)
        await store.close()
        let count = Environment.count("SILLOK_DAMAGES", default: 200)
        var (damaged, lost, cut) = (0, 0, 0)
        for index in 0..<count {
            let kind = Kind.allCases[index % Kind.allCases.count]
            let folder = try place.image("damaged-\(index)")
            let text = try damage(folder, kind, &random)
            let outcome = try await check(folder, "seed \(seed), damage \(index), \(kind): \(text)")
            damaged += outcome.isDamaged ? 1 : 0
            lost += outcome.lost
            cut += outcome.isCut ? 1 : 0
            try FileManager.default.removeItem(atPath: folder)
        }
        print("\(count) damages, seed \(seed): \(damaged) opened for reading only, \(lost) events lost, \(cut) cut")
        #expect(damaged > count / 4)
    }

    @Test func `what is readable can be copied, and the lost positions are named`() async throws {
        let store = try place.open()
        try await store.fill(0..<Self.events, by: 4)
        await store.close()
        try FileManager.default.removeItem(atPath: try segments(place())[1])
        let damaged = try LogEventStore(path: place(), mode: .salvage, tuning: .tiny)
        let loss = try #require(damaged.damage?.losses.first)
        #expect(damaged.damage?.losses.count == 1)
        let last = try #require(loss.last)
        // Backwards, in front of the loss and behind it.
        let page = try await damaged.read(ReadRequest(direction: .backward, limit: 1000))
        #expect(page.events.last?.position == last.next && !page.isEnd)
        let front = try await damaged.read(
            ReadRequest(before: .position(loss.first), direction: .backward, limit: 1000))
        #expect(front.events.count == Int(loss.first.value) - 1)
        await #expect(throws: StoreError.self) { try await damaged.read(.all, after: loss.first.previous) }
        await #expect(throws: StoreError.self) { try await damaged.event(EventID(high: 1, low: 2)) }
        await #expect(throws: StoreError.self) { try await damaged.tracking(of: "other") }
        await damaged.close()
    }
}
