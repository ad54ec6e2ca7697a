import Foundation
import Sillok

// A day of Ada's account, in both banks. `lines` and `rates` print the figures of the page instead.
let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
defer { try? FileManager.default.removeItem(at: folder) }

switch CommandLine.arguments.dropFirst().first {
case "lines": try Figures.lines()
case "rates": try await Figures.rates(in: folder)
default:
    try await play("tables", TableBank(path: folder.appending(path: "tables.sqlite").path))
    try await play("events", EventBank(path: folder.appending(path: "events.sqlite").path))
}

func play(_ name: String, _ bank: any Bank) async throws {
    let deposit = CommandID()
    try await bank.open("42", owner: "Ada")
    try await bank.deposit(100_00, into: "42", id: deposit)
    try await bank.deposit(100_00, into: "42", id: deposit)  // sent twice by a bad network
    try await bank.withdraw(30_00, from: "42")
    print(name)
    for line in try await bank.history(of: "42") { print("  \(line)") }
    do {
        try await bank.withdraw(70_01, from: "42")
    } catch {
        print("  refused: \(error)")
    }
    print("  balance \(try await bank.balance(of: "42")), all accounts \(try await bank.total())")
    try await bank.close()
}
