import Foundation
import SillokCore

/// A payment service as a process of its own, with a log of its own that is on the disk before an answer leaves.
///
/// A request is a line: `call KEY KIND ORDER CENTS` executes a payment under an idempotency key, `find KEY` asks what
/// became of it. Answers are `200 done`, `402 declined`, `404`, `409` and `500`. It answers well, late, twice, never,
/// or with 500 before or after the payment, as its seed says.
///
/// Lines of the log: `call KEY KIND ORDER CENTS MANNER`, `executed KEY KIND ORDER CENTS`, `declined KEY KIND ORDER
/// CENTS`, `void KEY`, `conflict KEY`. Each ends with the time in µs.
final class PaymentService: Sendable {
    /// How a call ends.
    enum Manner: String, Sendable {
        case prompt, twice, late, silent, lost, failsBefore, failsAfter, executesLate

        init(seed: UInt64, key: String, number: Int) {
            var random = SeededGenerator(seed, PaymentService.hash(key), UInt64(number))
            self =
                switch random.below(20) {
                case 0..<10: .prompt
                case 10..<12: .twice
                case 12..<14: .late
                case 14: .silent
                case 15: .lost
                case 16: .failsBefore
                case 17..<19: .failsAfter
                default: .executesLate
                }
        }
    }

    private struct Ledger {
        /// The first outcome of each key, and what it was for.
        var outcomes: [String: (answer: String, content: String)] = [:]
        var calls: [String: Int] = [:]
        var running: [String: Int] = [:]
    }

    private let log: AckLog
    private let seed: UInt64
    private let honoursKeys: Bool
    private let ledger = Lock(Ledger())

    init(logPath: String, seed: UInt64, honoursKeys: Bool) throws {
        log = try AckLog(logPath)
        self.seed = seed
        self.honoursKeys = honoursKeys
    }

    /// FNV-1a.
    static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// Whether the bank of an order's customer declines.
    static func declines(_ order: String, seed: UInt64) -> Bool {
        var random = SeededGenerator(seed, hash(order), 77)
        return random.below(12) == 0
    }

    /// Takes connections on a free port, which it prints, until it is killed.
    func run() throws {
        let listener = try LineSocket.listening()
        print(try listener.port())
        fflush(nil)
        while true {
            let connection = try listener.accept()
            Thread.detachNewThread { self.answer(connection) }
        }
    }

    private func answer(_ connection: LineSocket) {
        let words = connection.readLine().split(separator: " ").map(String.init)
        switch words.first {
        case "call" where words.count == 5: call(words[1], words[2...].joined(separator: " "), connection)
        case "find" where words.count == 2: connection.writeLine(find(words[1]))
        default: connection.writeLine("400")
        }
    }

    private func call(_ key: String, _ content: String, _ connection: LineSocket) {
        let number = ledger.withLock { ledger in
            ledger.calls[key, default: 0] += 1
            ledger.running[key, default: 0] += 1
            return ledger.calls[key] ?? 1
        }
        defer { ledger.withLock { $0.running[key, default: 1] -= 1 } }
        let manner = Manner(seed: seed, key: key, number: number)
        log.write("call \(key) \(content) \(manner.rawValue)")
        switch manner {
        case .prompt: connection.writeLine(execute(key, content))
        case .twice:
            let answer = execute(key, content)
            connection.writeLine(answer)
            connection.writeLine(answer)
        case .late:
            let answer = execute(key, content)
            usleep(500_000)
            connection.writeLine(answer)
        case .silent:
            _ = execute(key, content)
            usleep(900_000)
        case .lost: usleep(900_000)
        case .failsBefore: connection.writeLine("500")
        case .failsAfter:
            _ = execute(key, content)
            connection.writeLine("500")
        case .executesLate:
            usleep(500_000)
            connection.writeLine(execute(key, content))
        }
    }

    /// Executes a payment, or returns the first outcome of its key. The log is on the disk before this returns.
    private func execute(_ key: String, _ content: String) -> String {
        ledger.withLock { ledger in
            if let known = ledger.outcomes[key] {
                if !known.content.isEmpty && known.content != content { log.write("conflict \(key)") }
                if honoursKeys || known.content.isEmpty { return known.answer }
            }
            let words = content.split(separator: " ")
            let isDeclined = words.first == "charge" && Self.declines(String(words[1]), seed: seed)
            log.write("\(isDeclined ? "declined" : "executed") \(key) \(content)")
            log.sync()
            let answer = isDeclined ? "402 declined" : "200 done"
            ledger.outcomes[key] = (answer, content)
            return answer
        }
    }

    /// The outcome of a key. A key that was never seen is made void: no later call under it is executed.
    private func find(_ key: String) -> String {
        ledger.withLock { ledger in
            if let known = ledger.outcomes[key] { return known.answer }
            if ledger.running[key, default: 0] > 0 { return "404" }
            log.write("void \(key)")
            log.sync()
            ledger.outcomes[key] = ("409 void", "")
            return "409 void"
        }
    }
}
