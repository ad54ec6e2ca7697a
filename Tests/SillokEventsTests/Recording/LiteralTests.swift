import SillokEvents
import Testing

@Suite struct LiteralTests {
    @Test("house 11: times and ids are said by literals, and a text that comes from outside is still checked")
    func literals() throws {
        let time: Timestamp = "2026-11-29T10:00:00Z"
        #expect(time.description == "2026-11-29T10:00:00.000000Z")
        #expect(("2026-11-29" as Timestamp) < time)
        let id: EventID = "01890a5d-ac96-774b-bcce-b302099a8057"
        let command: CommandID = "01890a5dac96774bbcceb302099a8057"
        #expect(id.high == command.high && id.low == command.low)
        for text in ["", "2026-11-31", "now", "01890a5d"] {
            #expect(Timestamp(text) == nil && EventID(text) == nil)
        }
    }
}
