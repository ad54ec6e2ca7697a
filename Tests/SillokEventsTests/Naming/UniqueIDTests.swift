import Foundation
import SillokEvents
import SillokTestSupport
import Testing

@Suite struct UniqueIDTests {
    private let text = "01890a5d-ac96-774b-bcce-b302099a8057"

    @Test func `an id reads the usual forms of a UUID`() {
        let id = EventID(high: 0x0189_0A5D_AC96_774B, low: 0xBCCE_B302_099A_8057)
        for form in [text, text.uppercased(), text.filter { $0 != "-" }, "{\(text)}", "{\(text.filter { $0 != "-" })}"]
        {
            #expect(EventID(form) == id, "\(form)")
        }
        #expect(id.description == text)
    }

    @Test(arguments: [
        "", "0", "01890a5d-ac96-774b-bcce-b302099a805", "01890a5d-ac96-774b-bcce-b302099a80570", "{}", "-",
        "01890a5dac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a805g",
        "0189-0a5dac96774bbcceb302099a8057",
        " 01890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a8057\n",
        "é1890a5d-ac96-774b-bcce-b302099a805",
        "--------------------------------", "{01890a5d-ac96-774b-bcce-b302099a8057",
        "０1890a5d-ac96-774b-bcce-b302099a8057",
    ])
    func `anything else is no id`(text: String) {
        #expect(EventID(text) == nil)
    }

    @Test func `ids agree with the UUIDs of Foundation and survive every form`() throws {
        var random = SeededNumbers()
        for _ in 0..<500 {
            let id = CommandID(high: random.next(), low: random.next())
            #expect(UUID(uuidString: id.description)?.uuidString.lowercased() == id.description, "seed \(random.seed)")
            #expect(CommandID(id.description) == id, "seed \(random.seed)")
            #expect(CommandID(bytes: id.bytes) == id, "seed \(random.seed)")
            #expect(try throughJSON(id) == id, "seed \(random.seed)")
        }
        #expect(StoreID(bytes: [1, 2, 3]) == nil)
        #expect(StoreID(bytes: [UInt8](repeating: 0, count: 17)) == nil)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode([EventID].self, from: Data(#"["x"]"#.utf8)) }
    }

    @Test func `every byte at every place of the text is a digit or makes it no id`() {
        var random = SeededNumbers()
        let digits = Array("0123456789abcdefABCDEF".utf8)
        for place in 0..<32 {
            for byte in UInt8.min...UInt8.max {
                var text = (0..<32).map { _ in digits[Int.random(in: 0..<digits.count, using: &random)] }
                text[place] = byte
                let id = text.withUnsafeBytes { EventID(text: $0) }
                let value = digits.contains(byte) ? byte.hexadecimalDigit : nil
                #expect((id == nil) == (value == nil), "byte \(byte) at \(place), seed \(random.seed)")
                guard let id else { continue }
                #expect(id.bytes.hexadecimal == String(decoding: text, as: UTF8.self).lowercased())
            }
        }
    }

    @Test func `ids are ordered by their bytes`() {
        var random = SeededNumbers()
        let ids = (0..<200).map { _ in EventID(high: random.next() % 4, low: random.next()) }
        let byBytes = ids.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        #expect(ids.sorted() == byBytes, "seed \(random.seed)")
    }
}

@Suite struct IDGeneratorTests {
    private func fixed(_ milliseconds: Int64) -> IDGenerator {
        IDGenerator(
            clock: WallClock { Timestamp(microsecondsSince1970: milliseconds * 1000) }, random: SeededNumbers())
    }

    @Test func `every id is greater than the one before, though the clock stands still`() {
        let generator = fixed(1_700_000_000_000)
        let ids: [EventID] = (0..<10_000).map { _ in generator.next() }
        #expect(ids == ids.sorted())
        #expect(Set(ids).count == ids.count)
    }

    @Test func `an id is of version 7 and carries its millisecond`() {
        for milliseconds: Int64 in [0, 1, 1_700_000_000_000, 0xFFFF_FFFF_FFFF] {
            let id: StoreID = fixed(milliseconds).next()
            #expect(id.high >> 16 == UInt64(milliseconds))
            #expect(id.high >> 12 & 0xF == 7)
            #expect(id.low >> 62 == 0b10)
        }
    }

    @Test func `a clock before 1970 or beyond all numbers is no harm`() {
        for milliseconds: Int64 in [-1, Int64.min / 1000, Int64.max / 1000] {
            let generator = fixed(milliseconds)
            let (one, other): (EventID, EventID) = (generator.next(), generator.next())
            #expect(one < other)
        }
    }

    @Test func `the same clock and randomness make the same ids`() {
        struct Zeros: RandomNumberGenerator, Sendable { mutating func next() -> UInt64 { 0 } }
        let clock = WallClock { Timestamp(microsecondsSince1970: 5000) }
        let ids: [EventID] = (0..<2).map { _ in IDGenerator(clock: clock, random: Zeros()).next() }
        #expect(ids[0] == ids[1])
        #expect(ids[0].description == "00000000-0005-7000-8000-000000000000")
    }

    @Test func `ids made by many tasks are all different`() async {
        let ids = await withTaskGroup(of: [EventID].self) { group in
            for _ in 0..<8 { group.addTask { (0..<500).map { _ in EventID() } } }
            return await group.reduce(into: Set<EventID>()) { $0.formUnion($1) }
        }
        #expect(ids.count == 4000)
    }
}
