import SillokProcesses
import SillokProjections
import SillokSQLite

/// What can go wrong with a checkout: a day with bad luck, and a day after the shop was closed.
extension Week {
    func badDays() async throws {
        try await day("2026-11-26", feePermille: 15) { day in
            try await day.shop.deliver(10, of: "lamp")
            try await payLater(day)
            try await crash(day)
            try await decline(day)
            try await loseAnswers(day)
        }
        try await day("2026-11-28", at: "11:59:59", feePermille: 15, missDeadline)
    }

    /// Two customers want to pay by transfer. They have two days.
    private func payLater(_ day: Day) async throws {
        try await day.shop.buy("54", for: "Edsger", Self.lamp)
        try await day.shop.buy("55", for: "Barbara", Self.lamp)
        try await day.checkOut()
    }

    /// The program dies after the bank has taken the money, and before that is recorded.
    private func crash(_ day: Day) async throws {
        let before = bank.books.withLock { $0 }
        try await day.shop.buy("51", for: "Ada", Self.lamp, card: "card-ada")
        let (answers, answer) = AsyncStream<Never>.makeStream()
        bank.answers(.isSilent { answer.finish() })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { answer.finish() }
                try await day.checkOut()
            }
            for await _ in answers {}
            group.cancelAll()
            do { try await group.waitForAll() } catch is CancellationError {}
        }
        print("  Ada pays by card. The bank takes the money, and the program dies before the answer")
        print("    the last record of her checkout is \(try await lastRecord(day, "51"))")
        try await day.checkOut()
        let after = bank.books.withLock { $0 }
        print("  The program starts again, and continues from the record: \(try await stage(day, "51"))")
        print(
            """
                the bank was called \(after.calls - before.calls) times with \
            \(after.taken.count - before.taken.count) key, and has taken \(after.total - before.total) cents
            """)
    }

    /// The bank refuses. The order is cancelled, and its lamp is for others.
    private func decline(_ day: Day) async throws {
        let lamps = try await day.shop.stock.state(of: "lamp").state.available
        try await day.shop.buy("52", for: "Grace", Self.lamp, card: "card-grace")
        bank.answers(.declines)
        try await day.checkOut()
        let isBack = try await day.shop.stock.state(of: "lamp").state.available == lamps
        print("  Grace's card is declined: \(try await stage(day, "52")), her lamp is available again: \(isBack)")
    }

    /// The bank takes the money, and no answer arrives. What became of the call is looked up, and never guessed.
    private func loseAnswers(_ day: Day) async throws {
        try await day.shop.buy("53", for: "Alan", Self.lamp, card: "card-alan")
        bank.answers(.losesAnswer, .losesAnswer, .losesAnswer)
        bank.books.withLock { $0.isReachable = false }
        for _ in 1...3 {
            try await day.checkOut()
            day.wait(.seconds(60))
        }
        print("  The bank loses three answers to Alan's payment: \(try await lastRecord(day, "53"))")
        print("    neither charged again nor cancelled: \(try await stage(day, "53"))")
        bank.books.withLock { $0.isReachable = true }
        day.wait(.seconds(600))
        try await day.checkOut()
        print("    the bank can be asked again, and knows the key: \(try await stage(day, "53"))")
    }

    /// Both transfers are due at noon, and no program has run since Thursday.
    private func missDeadline(_ day: Day) async throws {
        try await day.shop.pay("55", payment: "transfer-55")
        print("  Barbara's transfer arrives a second before noon. The checkouts start at one o'clock")
        day.wait(.seconds(3601))
        try await day.checkOut()
        print("    Barbara: \(try await stage(day, "55")). Edsger, who has not paid: \(try await stage(day, "54"))")
        do {
            try await day.shop.pay("54", payment: "transfer-54")
        } catch Order.Refusal.notConfirmed {
            print("    Edsger's transfer arrives after that, and is refused")
        }
    }

    private func stage(_ day: Day, _ order: String) async throws -> String {
        "order \(order) is \(try await day.shop.orders.state(of: order).state.stage)"
    }

    private func lastRecord(_ day: Day, _ order: String) async throws -> String {
        let request = ReadRequest(.stream(StreamID("process:checkout-\(order)")), direction: .backward, limit: 1)
        return try await day.store.read(request).events.map(\.type.text).joined()
    }

    private static let lamp = [Shop.Line(item: "lamp", quantity: 1, cents: 39_00)]
}
