import Sillok
import SillokTesting
import Testing

/// The same events as in the tests of schemas, with golden files of every version that there ever was.
private enum EvolvedEvent: Codable, Equatable, Sendable, EvolvingEvent {
    case opened(owner: String, by: String, currency: String)
    case deposited(cents: Int, note: String?)
    case withdrawn(cents: Int)
    case closed

    static let schema = EventSchema(
        versions: ["opened": 3, "deposited": 2],
        upcasters: [
            .change("deposited", from: 1) { old in old.payload.rename("amount", to: "cents") },
            .change("opened", from: 1) { old in old.payload["currency"] = "EUR" },
            .change("opened", from: 2) { old in old.payload["by"] = .string(old.recorded.metadata.actor ?? "nobody") },
            .split("moved", from: 1, into: ["withdrawn": 1, "deposited": 1]) { old in
                [
                    .init("withdrawn", ["cents": old.payload["amount"]]),
                    .init("deposited", ["amount": old.payload["amount"], "note": "moved"]),
                ]
            },
            .split("ended", from: 1, into: ["closed": 1]) { _ in [.init("closed", [:])] },
            .drop("pinged", from: 1),
        ])
}

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
