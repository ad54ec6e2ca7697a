import Foundation
import Sillok
import SillokCore
import Testing

@testable import SillokCLI

/// The built command, run as a process of its own.
struct BuiltCommand {
    let process = Process()
    private let output: URL
    private let errors: URL

    init(
        _ arguments: [String], in folder: TemporaryFolder, input: FileHandle = .nullDevice,
        output handle: FileHandle? = nil, environment: [String: String] = [:]
    ) throws {
        let products = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        process.executableURL = products.appendingPathComponent("sillok")
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let name = UUID().uuidString
        (output, errors) = (URL(fileURLWithPath: folder(name + ".out")), URL(fileURLWithPath: folder(name + ".err")))
        for file in [output, errors] { try Data().write(to: file) }
        process.standardOutput = try handle ?? FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        process.standardInput = input
        try process.run()
    }

    /// What it has printed so far.
    var text: String { (try? String(contentsOf: output, encoding: .utf8)) ?? "" }

    /// Waits for its end, a minute at most; a signal that killed it counts as negative.
    func ending() async throws -> Ending {
        let deadline = ContinuousClock.now + .seconds(300)
        while process.isRunning {
            if ContinuousClock.now > deadline { kill(process.processIdentifier, SIGKILL) }
            try await Task.sleep(for: .milliseconds(5))
        }
        let status = process.terminationStatus
        return Ending(
            status: process.terminationReason == .uncaughtSignal ? -status : status, output: text,
            errors: (try? String(contentsOf: errors, encoding: .utf8)) ?? "")
    }

    /// Waits until it has printed something that fits.
    func wait(for condition: (String) -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(300)
        while !condition(text) {
            if ContinuousClock.now > deadline { kill(process.processIdentifier, SIGKILL) }
            try #require(process.isRunning, "it ended before it printed what was waited for: \(text)")
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

@Suite("The built command", .timeLimit(.minutes(10)))
struct ProcessTests {
    let folder = TemporaryFolder()

    /// Writes an export of as many events.
    private func writeExport(_ count: Int) throws -> String {
        let lines = (1...count).map { number in
            let id = EventID(
                high: 0x01a2_0a88_5881_7000 + UInt64(number) << 16, low: 0xad8c_0000_0000_0000 + UInt64(number))
            return """
                {"specversion":"1.0","id":"\(id)","source":"urn:uuid:01a20a88-5887-7000-acea-8ed5ce39550b","type":"deposited",\
                "subject":"account-\(number % 10)","time":"\(Timestamp(microsecondsSince1970: Int64(number)))",\
                "datacontenttype":"application/json","position":\(number),"revision":\((number - 1) / 10 + 1),"data":\(number)}

                """
        }
        return try folder.write(lines.joined(), to: "a.jsonl")
    }

    private func expectCopy(of file: String) async throws {
        #expect(await sillok("verify", folder("b.sqlite")).status == 0)
        _ = await sillok("export", folder("b.sqlite"), folder("b.jsonl"))
        #expect(try folder.text("b.jsonl").utf8.elementsEqual(try String(contentsOfFile: file, encoding: .utf8).utf8))
    }

    @Test("an import that is killed in the middle, again and again, ends as an exact copy")
    func killed() async throws {
        let file = try writeExport(20_000)
        var random = SeededNumbers()
        var kills = 0
        for _ in 0..<6 {
            let command = try BuiltCommand(["import", folder("b.sqlite"), file], in: folder)
            try await Task.sleep(for: .milliseconds(Int.random(in: 20...400, using: &random)))
            kill(command.process.processIdentifier, SIGKILL)
            if try await command.ending().status == -SIGKILL { kills += 1 }
        }
        #expect(kills > 0)
        #expect(try await BuiltCommand(["import", folder("b.sqlite"), file], in: folder).ending().status == 0)
        try await expectCopy(of: file)
    }

    @Test("Storages 2: an import into a new store that is interrupted, or whose first line is wrong, leaves no file")
    func firstImport() async throws {
        let pipe = Pipe()
        let before = try FileManager.default.contentsOfDirectory(atPath: folder(""))
        let command = try BuiltCommand(
            ["import", folder("b.sqlite")], in: folder, input: pipe.fileHandleForReading)
        let deadline = ContinuousClock.now + .seconds(300)
        while !FileManager.default.fileExists(atPath: folder("b.sqlite")), ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(5))
        }
        kill(command.process.processIdentifier, SIGINT)
        #expect(try await command.ending().status == 130)
        let file = try folder.write("{}\n", to: "wrong.jsonl")
        #expect(try await BuiltCommand(["import", folder("b.sqlite"), file], in: folder).ending().status == 65)
        let after = try FileManager.default.contentsOfDirectory(atPath: folder(""))
        #expect(Set(after).subtracting(before).filter { $0.hasPrefix("b.sqlite") } == [])
    }

    @Test("Storages 2: a command that fails leaves no half of what it makes")
    func halves() async throws {
        _ = try folder.write("mine", to: "audit.key.pub")
        #expect(await sillok("head", "make-key", folder("audit.key")).status == 64)
        #expect(!FileManager.default.fileExists(atPath: folder("audit.key")))
        #expect(await sillok("append", folder("a.sqlite"), "a-1", "--type", "t", "--data", "1").status == 0)
        let mark = "7-\(EventID())"
        #expect(await sillok("export", folder("a.sqlite"), folder("out.jsonl"), "--after", mark).status != 0)
        #expect(!FileManager.default.fileExists(atPath: folder("out.jsonl")))
        #expect(await sillok("export", folder("a.sqlite"), folder("out.jsonl")).status == 0)
    }

    @Test("Ctrl-C stops an import between two batches, prints how to continue, and leaves nothing broken")
    func interrupted() async throws {
        let file = try writeExport(20_000)
        let lines = try Data(contentsOf: URL(fileURLWithPath: file))
        let pipe = Pipe()
        let command = try BuiltCommand(
            ["import", folder("b.sqlite")], in: folder, input: pipe.fileHandleForReading)
        // When the first half is taken, most of it is recorded, and there cannot be an end before the rest comes.
        await withCheckedContinuation { continuation in
            startThread {
                pipe.fileHandleForWriting.write(lines.prefix(lines.count / 2))
                continuation.resume()
            }
        }
        kill(command.process.processIdentifier, SIGINT)
        let ending = try await command.ending()
        #expect(ending.status == 130, "\(ending.errors)")
        #expect(ending.errors.contains("Run the same command again"))
        #expect(!ending.errors.contains("stopped: 0 events"))
        #expect(await sillok("import", folder("b.sqlite"), file).status == 0)
        try await expectCopy(of: file)
    }

    @Test("a reader that closes the pipe ends read and export without a message")
    func brokenPipe() async throws {
        let file = try writeExport(5000)
        _ = await sillok("import", folder("b.sqlite"), file)
        for arguments in [["read", folder("b.sqlite")], ["export", folder("b.sqlite")]] {
            let pipe = Pipe()
            let command = try BuiltCommand(arguments, in: folder, output: pipe.fileHandleForWriting)
            try pipe.fileHandleForReading.close()
            let ending = try await command.ending()
            #expect(ending.status == 141)
            #expect(ending.errors.isEmpty)
        }
    }

    @Test("tail -f shows what another process appends, until Ctrl-C")
    func follow() async throws {
        let store = folder("b.sqlite")
        _ = await sillok("append", store, "account-1", "--type", "opened", "--data", "1")
        let command = try BuiltCommand(["tail", "-f", "-n", "1", store], in: folder)
        try await command.wait { $0.contains("opened") }
        _ = await sillok("append", store, "account-1", "--type", "deposited", "--data", "2")
        try await command.wait { $0.contains("deposited") }
        kill(command.process.processIdentifier, SIGINT)
        #expect(try await command.ending().status == 130)
    }
}
