import Foundation
import SillokCore
import SillokSQL
import SillokSQLite

/// Short writes whose syncs are looked at from outside: the shim notes each sync in the log.
struct Acts {
    let path: String
    let logPath: String
    let seed: UInt64

    func run(_ verb: String) async throws -> Bool {
        switch verb {
        case "repeat": try await appendAndDie()
        case "act": try await write(AckLog(logPath))
        default: throw TortureFailure("no such verb: \(verb)")
        }
        return true
    }

    /// Appends one event, the same each time, and ends as if it was killed: nothing is moved into the file.
    private func appendAndDie() async throws {
        let store = try SQLiteEventStore(path: path)
        let event = EventData(id: EventID(high: seed, low: 1), type: "repeated", text: "1")
        let receipt = try await store.append([event], to: "repeated-1")
        print("acknowledged \(receipt.position)")
        fflush(nil)
        _exit(0)
    }

    /// Writes to a read model: what may be lost in a power cut, and what may not, with marks in the log.
    private func write(_ log: AckLog) async throws {
        let model = try SQLiteReadModel(path: path)
        try await model.write(ReadModelWrite([.init("CREATE TABLE t (x)")]))
        log.write("# projector")
        try await model.write(ReadModelWrite([.init("INSERT INTO t VALUES (1)")]))
        log.write("# operator")
        try await model.write(ReadModelWrite([.init("INSERT INTO t VALUES (2)", isDurable: true)]))
        log.write("# projector again")
        try await model.write(ReadModelWrite([.init("INSERT INTO t VALUES (3)")]))
        log.write("# end")
        await model.close()
    }
}
