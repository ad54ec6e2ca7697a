import Foundation
import SillokProcesses
import SillokSQLite
import Testing

@testable import Shop

@Suite struct BadDaysTests {
    @Test func `each customer pays once or not at all, after a crash, a refusal, lost answers and a missed deadline`()
        async throws
    {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let week = try Week(in: folder.path)
        try await week.badDays()
        await week.model.close()

        let store = try SQLiteEventStore(path: folder.path + "/shop.sqlite")
        let shop = Shop(in: store, day: "")
        var stages: [String: Order.Stage] = [:]
        for order in 51...55 { stages["\(order)"] = try await shop.orders.state(of: "\(order)").state.stage }
        #expect(stages == ["51": .paid, "52": .cancelled, "53": .paid, "54": .cancelled, "55": .paid])
        let books = week.bank.books.withLock { $0 }
        #expect(books.taken.values.sorted() == [39_00, 39_00])
        // Two for the crash, one that was declined, three whose answers were lost.
        #expect(books.calls == 6)
        #expect(books.messages.isEmpty)
        let lamp = try await shop.stock.state(of: "lamp").state
        #expect(lamp.onShelf == 10)
        #expect(lamp.available == 7)
        // Two cards on the first day and a transfer on the second, less one and a half percent.
        #expect(try await shop.settlements.state(of: "2026-11-26").state.balance == 78_00 - 1_17)
        #expect(try await shop.settlements.state(of: "2026-11-28").state.balance == 39_00 - 58)
        await store.close()
    }
}
