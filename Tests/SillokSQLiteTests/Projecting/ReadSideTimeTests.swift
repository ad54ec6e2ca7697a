import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

@Suite("times at the ends of the range")
struct ReadSideTimeTests {
    @Test("X5: the status of a projection behind an event of the smallest time", arguments: Storage.stores)
    func smallestTime(on storage: Storage) async throws {
        let books = try await Books(storage)
        try await Projector(Balances(), from: books.store, into: books.model).catchUp()
        let event = try EventCoding<AccountEvent>().encode(.opened(owner: "Ada"))
        let first = Timestamp(microsecondsSince1970: .min)
        _ = try await books.store.append(AppendRequest([.init(stream: "account-1", event: event, recordedAt: first)]))
        let status = try await ReadSide(of: books.store, in: books.model).status()
        #expect(status.map(\.behind) == [1])
        #expect(status.first?.lagTime == .microseconds(Int64.max))
    }
}
