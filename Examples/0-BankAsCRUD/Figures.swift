import Foundation
import Sillok

/// Lines and rates of both banks.
enum Figures {
    /// Counts the lines of code of both banks, without comments and empty lines.
    static func lines() throws {
        let examples = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        func count(_ paths: String...) throws -> Int {
            try paths.reduce(0) { sum, path in
                let text = try String(contentsOf: examples.appending(path: path), encoding: .utf8)
                let lines = text.split(separator: "\n").map { $0.drop { $0 == " " } }
                return sum + lines.count { !$0.isEmpty && !$0.hasPrefix("//") }
            }
        }
        print("tables:", try count("0-BankAsCRUD/TableBank.swift"))
        print("events:", try count("0-BankAsCRUD/EventBank.swift", "1-Bank/Model/BankAccount.swift"))
    }

    /// Prints how many deposits and queries a second each bank does. Run a release build.
    static func rates(in folder: URL) async throws {
        for clients in [1, 64] {
            try await compare("deposits/s, \(clients) clients", in: folder) { bank in
                for client in 0..<clients { try await bank.open("\(client)", owner: "Ada") }
                return try await rate(3_000, clients) { client in try await bank.deposit(1, into: "\(client)") }
            }
        }
        for changes in [10, 10_000] {
            try await compare("balances/s after \(changes) changes", in: folder) { bank in
                try await bank.open("42", owner: "Ada")
                for _ in 0..<changes { try await bank.deposit(1, into: "42") }
                return try await rate(changes > 100 ? 200 : 20_000, 1) { _ in _ = try await bank.balance(of: "42") }
            }
        }
        try await size(in: folder)
    }

    private static func compare(
        _ title: String, in folder: URL, _ measure: (any Bank) async throws -> Double
    ) async throws {
        let (tables, events) = try await banks(in: folder)
        print("\(title): tables \(Int(try await measure(tables.bank))), events \(Int(try await measure(events.bank)))")
        for bank in [tables.bank, events.bank] { try await bank.close() }
    }

    /// Prints the size of both files after 20,000 deposits.
    private static func size(in folder: URL) async throws {
        let (tables, events) = try await banks(in: folder)
        var sizes: [Int] = []
        for (bank, file) in [tables, events] {
            for account in 0..<64 { try await bank.open("\(account)", owner: "Ada") }
            _ = try await rate(20_000, 64) { client in try await bank.deposit(1, into: "\(client)") }
            try await bank.close()
            sizes.append(try Data(contentsOf: file).count / 20_000)
        }
        print("bytes for each deposit: tables \(sizes[0]), events \(sizes[1])")
    }

    private typealias Opened = (bank: any Bank, file: URL)

    private static func banks(in folder: URL) async throws -> (tables: Opened, events: Opened) {
        let files = (0..<2).map { _ in folder.appending(path: "\(UUID().uuidString).sqlite") }
        return (
            (try TableBank(path: files[0].path), files[0]), (try await EventBank(path: files[1].path), files[1])
        )
    }

    /// The number of calls a second, by clients that call one after the other.
    private static func rate(
        _ calls: Int, _ clients: Int, _ call: @escaping @Sendable (_ client: Int) async throws -> Void
    ) async throws -> Double {
        let duration = try await ContinuousClock().measure {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in 0..<clients {
                    group.addTask { for _ in 0..<(calls / clients) { try await call(client) } }
                }
                try await group.waitForAll()
            }
        }
        return Double(calls / clients * clients) / (duration / .seconds(1))
    }
}
