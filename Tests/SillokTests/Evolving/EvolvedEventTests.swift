import SillokTesting
import Testing

@Suite("golden files of an evolved enum")
struct EvolvedEventTests {
    @Test("the current code reads every version that was ever written")
    func golden() {
        GoldenFiles(
            of: EvolvedEvent.self,
            samples: [
                .opened(owner: "Ada", by: "Bo", currency: "EUR"), .deposited(cents: 500, note: "first"),
                .withdrawn(cents: 100), .closed,
            ]
        ).check()
    }
}
