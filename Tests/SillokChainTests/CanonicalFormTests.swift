import Sillok
import SillokChain
import SillokTesting
import Testing

@Suite("The canonical form")
struct CanonicalFormTests {
    /// What another program computed from the drawing in CanonicalForm.swift, in Python.
    @Test("links are those that an independent implementation of the drawing computes")
    func vectors() throws {
        let store = StoreID(high: 0x0102_0304_0506_0708, low: 0x090A_0B0C_0D0E_0F10)
        var metadata = Metadata(actor: "ada")
        metadata["note"] = String(repeating: "x", count: 200)
        let first = RecordedEvent(
            position: 1, stream: "account-42", revision: 1, recordedAt: Timestamp(microsecondsSince1970: -1),
            tracking: Tracking(source: "elsewhere", position: 1 << 63 + 5),
            data: EventData(
                id: EventID(high: 1, low: 2), type: "opened", tags: ["owner:Ada", "caf\u{E9}"], metadata: metadata,
                text: #"{"owner":"Ada"}"#))
        let second = RecordedEvent(
            position: 2, stream: nil, revision: .none,
            recordedAt: Timestamp(microsecondsSince1970: 1_700_000_000_000_000),
            data: EventData(id: EventID(high: 1, low: 3), type: "noted", contentType: .bytes, payload: []))
        let chain = Chain(of: store, from: 1)
        #expect(chain.genesis.description == "d6adb329da08cd9f02025d4d480dc3015c3a9b925e3e5a95f1c85774b7cee61b")
        #expect(
            first.factDigest.description == "7f8a30bb339c9f6ba6c34eb91e121b6d02b7aaa2ba2ed71a102e431bad527094")
        #expect(
            second.factDigest.description == "60ae2ee1aa8aa6d68902a4db6a04c31ad4cee0ff928e6740894a8e8c1aa35937")
        let link = Chain.link(after: chain.genesis, to: first)
        #expect(link.description == "04c4d72a9d3b627e999bfb5ac252364f6f1bf245ae31358b7ab03b94e6bcb906")
        let next = Chain.link(after: link, to: second)
        #expect(next.description == "e001bdac62525b099f067aec527f5bd5d22e466dc7cc588082a9a46e8f7e935f")
    }

    @Test("the digests that are made before an append are those of the recorded events")
    func sameBeforeAndAfter() async throws {
        let store = MemoryEventStore()
        let request = AppendRequest(
            [
                .init(stream: "a-1", event: EventData(type: "t", tags: ["x", "x"], text: "1")),
                .init(stream: nil, event: EventData(type: "t", metadata: Metadata(actor: "ada"), payload: [])),
            ], tracking: Tracking(source: "s", position: 7))
        _ = try await store.append(request)
        let events = try await store.read(.all).events
        #expect(events.map(\.factDigest) == request.factDigests)
    }

    @Test("events with the same names, and runs of any length, have the digests of single events")
    func runs() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let entries = (0..<Int.random(in: 0...9, using: &random)).map { _ in
                AppendRequest.Entry(
                    stream: (["a-1", "a-2", nil] as [StreamID?]).randomElement(using: &random) ?? nil,
                    event: EventData(
                        type: Bool.random(using: &random) ? "t" : "u", tags: Bool.random(using: &random) ? ["x"] : [],
                        metadata: Bool.random(using: &random) ? Metadata() : Metadata(actor: "ada"),
                        payload: Array(repeating: 7, count: Int.random(in: 0...130, using: &random))))
            }
            let tracking = Bool.random(using: &random) ? Tracking(source: "s", position: 7) : nil
            let request = AppendRequest(entries, tracking: tracking)
            #expect(request.runs.last ?? 0 == entries.count, "seed \(seed)")
            let single = entries.flatMap { AppendRequest([$0], tracking: tracking).factDigests }
            #expect(request.factDigests == single, "seed \(seed)")
        }
    }

    @Test("every part of an event, and where one part ends and the next begins, changes its digest")
    func parts() {
        let base = EventData(id: EventID(high: 1, low: 2), type: "ab", tags: ["c", "d"], text: "e")
        func event(_ stream: StreamID?, _ change: (inout EventData) -> Void) -> RecordedEvent {
            var data = base
            change(&data)
            return RecordedEvent(
                position: 1, stream: stream, revision: 1, recordedAt: Timestamp(microsecondsSince1970: 0), data: data)
        }
        let events = [
            event("s", { _ in }), event(nil, { _ in }), event("sa", { $0.type = "b" }), event("s", { $0.type = "a" }),
            event("s", { $0.tags = ["cd"] }), event("s", { $0.tags = ["d", "c"] }), event("s", { $0.tags = [] }),
            event("s", { $0.tags = ["", "cd"] }), event("s", { $0.metadata = Metadata(actor: "a") }),
            event("s", { $0.metadata["acto"] = "ra" }), event("s", { $0.payload = [] }),
            event("s", { $0.contentType = "b" }), event("s", { $0.id = EventID(high: 2, low: 1) }),
        ]
        #expect(Set(events.map(\.factDigest)).count == events.count)
    }

    @Test("a digest is read from its text and from nothing else")
    func text() throws {
        let text = "60ae2ee1aa8aa6d68902a4db6a04c31ad4cee0ff928e6740894a8e8c1aa35937"
        #expect(try #require(ChainDigest(text)).description == text)
        #expect(ChainDigest(text.uppercased()) == ChainDigest(text))
        for wrong in ["", "60", text + "00", String(text.dropLast()) + "g", String(text.dropLast()) + "é"] {
            #expect(ChainDigest(wrong) == nil)
        }
        #expect(ChainDigest([UInt8](repeating: 0, count: 31)) == nil)
    }
}
