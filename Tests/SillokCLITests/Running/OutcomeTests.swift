import Foundation
import Sillok
import SillokSQLite
import SillokTerminal
import Testing

@testable import SillokCLI

/// What a script learns of a change whose result cannot be printed, and of a clock that is wrong.
@Suite("Outcomes of commands")
struct OutcomeTests {
    let folder = TemporaryFolder()
    var store: String { folder("bank.sqlite") }

    private func full() throws -> FileHandle { try FileHandle(forWritingTo: URL(fileURLWithPath: "/dev/full")) }

    @Test("C5: an event whose result cannot be printed is reported as recorded, with a status of its own")
    func unprintedAppend() async throws {
        for json in [[], ["--json"]] {
            let id = EventID().description
            let command = try BuiltCommand(
                ["append", store, "a-1", "--type", "t", "--data", "1", "--id", id] + json, in: folder,
                output: try full())
            let ending = try await command.ending()
            #expect(ending.status == ExitStatus.unreported.rawValue, "\(ending)")
            #expect(ending.errors.contains("the event \(id) is recorded at position"))
            #expect(ending.errors.contains("Do not repeat the command"))
        }
        let pipe = Pipe()
        try pipe.fileHandleForReading.close()
        let unread = try BuiltCommand(
            ["append", store, "a-1", "--type", "t", "--data", "1"], in: folder, output: pipe.fileHandleForWriting)
        #expect(try await unread.ending().status == ExitStatus.unreported.rawValue)
        #expect(await sillok("stat", store, "--json").output.contains(#""head":3"#))
        // A command that changes nothing fails as before.
        let read = try BuiltCommand(["read", store], in: folder, output: try full())
        #expect(try await read.ending().status == ExitStatus.ioFailure.rawValue)
    }

    @Test("C5: every command that changes something reports the change when its result cannot be printed")
    func unprintedChanges() async throws {
        _ = await sillok("append", store, "a-1", "--type", "t", "--data", "1")
        _ = await sillok("export", store, folder("a.jsonl"))
        let commands: [[String]] = [
            ["import", folder("b.sqlite"), folder("a.jsonl")], ["copy", store, folder("c.sqlite")],
            ["backup", store, folder("d.sqlite")], ["export", store, folder("e.jsonl"), "--json"],
            ["head", "make-key", folder("audit.key")], ["keys", "create", store, "--name", "k", "--scope", "read"],
        ]
        for arguments in commands {
            let ending = try await BuiltCommand(arguments, in: folder, output: try full()).ending()
            #expect(ending.status == ExitStatus.unreported.rawValue, "\(arguments): \(ending)")
        }
        let key = try #require(await sillok("keys", "list", store, "--json").output.firstMatch(of: /"id":"(\w+)"/)?.1)
        let revoked = try await BuiltCommand(["keys", "revoke", store, String(key)], in: folder, output: try full())
            .ending()
        #expect(revoked.status == ExitStatus.unreported.rawValue)
        #expect(revoked.errors.contains("\(key) is revoked"))
    }

    @Test(
        "W6: failures of a store have a status that scripts can act on",
        arguments: [
            (StoreError.Code.overloaded, Int32(75)), (.tooExpensive, 65), (.fileReplaced, 74),
        ])
    func statuses(_ code: StoreError.Code, _ status: Int32) {
        #expect(CommandFailure(StoreError(code, "so"))?.status.rawValue == status)
    }

    @Test("a backup of PostgreSQL, and one to an address, are refused with what to use instead")
    func backupOfDatabase() async throws {
        let database = await sillok("backup", "postgres://app@db/bank", folder("b.sqlite"))
        #expect(database.status == ExitStatus.usage.rawValue)
        #expect(database.errors.contains("not on PostgreSQL") && database.errors.contains("pg_basebackup"))
        #expect(database.errors.contains("sillok copy"), "\(database.errors)")
        _ = await sillok("append", store, "a-1", "--type", "t", "--data", "1")
        let address = await sillok("backup", store, "postgres://app@db/bank")
        #expect(address.status == ExitStatus.usage.rawValue && address.errors.contains("sillok copy"))
    }

    /// A file with one event, of a store of ours unless another source is given.
    private func line(
        _ times: String, from source: String = "urn:uuid:01a20a88-5887-7000-acea-8ed5ce39550b"
    ) throws -> String {
        try folder.write(
            """
            {"specversion":"1.0","id":"01a20a88-5881-7000-ad8c-000000000001","source":"\(source)","type":"t",\
            \(times),"data":1}
            """, to: "future.jsonl")
    }

    @Test("C7: import and copy refuse a line of the year 2226, unless an option allows it")
    func future() async throws {
        let file = try line(#""time":"2226-01-01T00:00:00Z""#)
        let refused = await sillok("import", store, file)
        #expect(refused.status == ExitStatus.invalidData.rawValue)
        #expect(refused.errors.contains("too far ahead of the store's clock"))
        #expect(refused.errors.contains("--allow-future"))
        #expect(!FileManager.default.fileExists(atPath: store))
        #expect(await sillok("append", store, "a-1", "--type", "t", "--data", "1").status == 0)
        let allowed = await sillok("import", folder("b.sqlite"), file, "--allow-future")
        #expect(allowed.status == 0, "\(allowed.errors)")
        let copy = await sillok("copy", folder("b.sqlite"), folder("c.sqlite"))
        #expect(copy.status == ExitStatus.invalidData.rawValue && copy.errors.contains("--allow-future"))
        #expect(!FileManager.default.fileExists(atPath: folder("c.sqlite")))
        #expect(await sillok("copy", folder("b.sqlite"), folder("c.sqlite"), "--allow-future").status == 0)
    }

    @Test("C7: of another producer's event the recorded time counts, and not when it happened for the producer")
    func foreignFuture() async throws {
        let recorded = try line(#""silloktime":"2226-01-01T00:00:00Z""#, from: "urn:x")
        let refused = await sillok("import", store, recorded)
        #expect(refused.status == ExitStatus.invalidData.rawValue)
        #expect(refused.errors.contains("too far ahead of the store's clock"))
        #expect(!FileManager.default.fileExists(atPath: store))
        let happened = try line(#""time":"2226-01-01T00:00:00Z""#, from: "urn:x")
        let taken = await sillok("import", store, happened)
        #expect(taken.status == 0, "\(taken.errors)")
        #expect(!(await sillok("stat", store).errors.contains("clock")))
    }

    @Test("C7: append, stat and serve warn when the clock is behind the log")
    func clockBehindTheLog() async throws {
        let file = try line(#""time":"2226-01-01T00:00:00Z""#)
        _ = await sillok("import", store, file, "--allow-future")
        for arguments in [["append", store, "a-1", "--type", "t", "--data", "1"], ["stat", store]] {
            let ending = await sillok(arguments)
            #expect(ending.status == 0 && ending.errors.contains("this machine's clock is"), "\(ending)")
        }
        let serving = try BuiltCommand(["serve", store, "--http", "127.0.0.1:0"], in: folder)
        try await serving.wait { $0.contains("serving") }
        kill(serving.process.processIdentifier, SIGTERM)
        #expect(try await serving.ending().errors.contains("this machine's clock is"))
        let sound = folder("sound.sqlite")
        #expect(!(await sillok("append", sound, "a-1", "--type", "t", "--data", "1").errors.contains("clock")))
        #expect(!(await sillok("stat", sound).errors.contains("clock")))
    }

    @Test("X5: figures of any size are printed", arguments: [9.3e12, 1e15, 1e300, -9.3e12, .infinity])
    func figures(_ figure: Double) {
        #expect(!figure.rounded(digits: 6).isEmpty)
    }

    @Test("X5: a number of seconds that no duration holds is refused")
    func seconds() async {
        #expect(await sillok("slo", folder("none"), "--stale-seconds", "1e30").status == 64)
    }
}
