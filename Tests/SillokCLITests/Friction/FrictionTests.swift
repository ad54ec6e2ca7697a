import ArgumentParser
import Foundation
import Sillok
import SillokSQLite
import SillokServer
import SillokTerminal
import SillokWire
import Testing

@testable import SillokCLI

/// What stopped people at the command line.
@Suite("Friction at the command line", .timeLimit(.minutes(10)))
struct FrictionTests {
    let folder = TemporaryFolder()
    var store: String { folder("s.sqlite") }

    @discardableResult
    private func write(_ bytes: [UInt8], to name: String) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: folder(name)))
        return folder(name)
    }

    private func line(_ id: String, _ rest: String = "") -> String {
        #"{"specversion":"1.0","id":"\#(id)","source":"/s","type":"t"\#(rest)}"# + "\n"
    }

    @Test("C8: bytes that are not text are refused at any place of the command line")
    func invalidText() async throws {
        guard case .failure(let failure) = Arguments.checked([[0x61], [0x22, 0xE9, 0x22]]) else {
            Issue.record("the arguments were taken")
            return
        }
        #expect(failure.status == .invalidData && failure.message.contains("argument 2"))
        #expect(try Arguments.checked([Array("é".utf8), []]).get() == ["é", ""])
        // A process takes no such argument from Foundation, so a shell passes it on.
        let products = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        let command = products.appendingPathComponent("sillok").path
        shell.arguments = ["-c", "'\(command)' append '\(store)' a-1 --type t --data \"$(printf '\"\\351\"')\""]
        shell.standardError = FileHandle.nullDevice
        shell.standardOutput = FileHandle.nullDevice
        try shell.run()
        shell.waitUntilExit()
        #expect(shell.terminationStatus == ExitStatus.invalidData.rawValue)
        #expect(!FileManager.default.fileExists(atPath: store))
    }

    @Test("C10: events of other producers are imported once, and exported as they were")
    func foreign() async throws {
        let uuid = "01890a5d-ac96-774b-bcce-b302099a8057"
        let lines =
            line(
                "A234-1234-1234", #","time":"2018-04-05T17:31:00.123456789Z","n":5,"flag":true,"x":"y","data":{"a":1}"#)
            + line("1", #","subject":"a-1","datacontenttype":"text/plain","data":"so""#) + line(uuid)
        let file = try folder.write(
            lines + "[" + line("2").dropLast() + "," + line("3").dropLast() + "]\n", to: "in.jsonl")
        for imported in [5, 0] {
            let ending = await sillok("import", store, file, "--json")
            #expect(ending.status == 0, "\(ending.errors)")
            #expect(ending.output.contains("\"imported\":\(imported),"), "\(ending.output)")
        }
        let exported = await sillok("export", store)
        let kept = exported.lines
        #expect(kept.count == 5)
        for (given, line) in zip(lines.split(separator: "\n"), kept) {
            let before = try #require(try JSONReader(Array(given.utf8)).root.members)
            let after = try #require(try JSONReader(Array(line.utf8)).root.members)
            for (key, value) in before {
                #expect(after.first { $0.key == key }?.value.raw.elementsEqual(value.raw) == true, "\(key)")
            }
        }
        // The copy has the same events, byte for byte, and knows them all.
        let copy = folder("copy.sqlite")
        let second = try folder.write(exported.output, to: "out.jsonl")
        #expect(await sillok("import", copy, second).status == 0)
        #expect(await sillok("export", copy).output == exported.output)
        #expect(await sillok("import", store, second, "--json").output.contains("\"imported\":0,"))
        #expect(await sillok("export", store, "--resume", second).status == 0)
        #expect(await sillok("verify", copy).status == 0)
    }

    @Test("C10: what an earlier version imported under its UUID is not imported again")
    func former() async throws {
        let id: EventID = "01890a5d-ac96-774b-bcce-b302099a8057"
        let opened = try SQLiteEventStore(path: store)
        try await opened.append(
            [EventData(id: id, type: "t", text: "1")], to: "a-1",
            tracking: Tracking(source: "import:urn:me", position: 1))
        await opened.close()
        let text = #"{"specversion":"1.0","id":"\#(id)","source":"urn:me","type":"t","subject":"a-1","data":1}"# + "\n"
        let file = try folder.write(text, to: "in.jsonl")
        let ending = await sillok("import", store, file, "--json")
        #expect(
            ending.status == 0 && ending.output.contains("\"imported\":0,\"alreadyThere\":1"),
            "\(ending.output)\(ending.errors)")
    }

    @Test("C10: an event with attributes of several types is known when its own export is imported")
    func ownExport() async throws {
        var event = EventData(type: "t", text: "1")
        // As a server of an earlier version recorded `"level":3,"who":"ada"`: in the order of the request.
        event.metadata["level"] = "3"
        event.metadata["who"] = "ada"
        event.metadata[Metadata.Key.cloudEvent] = #"{"attributes":{"level":"integer"}}"#
        let opened = try SQLiteEventStore(path: store)
        try await opened.append([event], to: "a-1")
        await opened.close()
        let exported = await sillok("export", store).output
        #expect(exported.contains(#""level":3"#) && exported.contains(#""who":"ada""#), "\(exported)")
        let ending = await sillok("import", store, try folder.write(exported, to: "out.jsonl"), "--json")
        #expect(
            ending.status == 0 && ending.output.contains("\"imported\":0,\"alreadyThere\":1"),
            "\(ending.output)\(ending.errors)")
    }

    @Test("C13: a payload of several lines is exported as JSON and comes back byte for byte")
    func layout() async throws {
        let payload = "{\n  \"a\": [\n    1\n  ]\n}\n"
        let data = try folder.write(payload, to: "data.json")
        #expect(await sillok("append", store, "a-1", "--type", "t", "--data-file", data).status == 0)
        let exported = await sillok("export", store).output
        #expect(exported.contains("\"data\":{") && !exported.contains("data_base64"))
        let copy = folder("copy.sqlite")
        #expect(await sillok("import", copy, try folder.write(exported, to: "out.jsonl")).status == 0)
        #expect(await sillok("export", copy).output == exported)
        let opened = try SQLiteEventStore(path: copy, mode: .readOnly)
        #expect(try await opened.read(.all).events.first?.payload == Array(payload.utf8))
        await opened.close()
    }

    @Test("C15: a category with a dash is refused")
    func dashes() async throws {
        _ = await sillok("append", store, "bank-account-1", "--type", "t", "--data", "1")
        let ending = await sillok("read", store, "--category", "bank-account")
        #expect(
            ending.status == ExitStatus.invalidData.rawValue && ending.errors.contains("is bank"), "\(ending.errors)")
        #expect(await sillok("streams", store, "--category", "bank-account").status == ExitStatus.invalidData.rawValue)
    }

    @Test("C16: no two places of a state have the same path")
    func paths() async throws {
        _ = await sillok("append", store, "a-1", "--type", "order", "--data", #"{"a.b":1,"a":{"b":2},"placed":3,"":4}"#)
        _ = await sillok("append", store, "a-1", "--type", "order.placed", "--data", #"{"a":5}"#)
        let state = await sillok("state", store, "a-1", "--json")
        // A reader that refuses a key that comes twice takes it.
        let leaves = try #require(
            try JSONReader(Array(state.lines[0].utf8)).root.members?.first { $0.key == "state" }?.value.members)
        let told = leaves.map { "\($0.key)=\(String(decoding: $0.value.raw, as: UTF8.self))" }
        #expect(
            told == [
                "order=1", #"order."a.b"=1"#, "order.a.b=2", "order.placed=3", #"order.""=4"#, #""order.placed"=1"#,
                #""order.placed".a=5"#,
            ])
    }

    @Test("C24: limits come from flags, the environment and the file, and an unknown limit is refused")
    func limits() async throws {
        let file = try folder.write(
            #"{"limits":{"payloadBytes":3000000,"tags":7,"clockLead":9},"tls":{}}"#, to: "serve.json")
        var settings = try ServeSettings.parse(["--config", file, "--limit", "tags=8", "--limit", "batchEvents=5"])
        settings = try await settings.resolved()
        #expect(settings.limits.payloadBytes == 3_000_000 && settings.limits.tags == 8)
        #expect(settings.limits.batchEvents == 5 && settings.limits.clockLead == .seconds(9))
        #expect(settings.limits.queryItems == 10_000)
        for text in ["tags", "tags=0", "tags=x", "none=1", "tags=-1"] {
            await #expect(throws: CommandFailure.self) {
                _ = try await ServeSettings.parse(["--limit", text]).resolved()
            }
        }
        let server = try BuiltCommand(
            ["serve", store, "--grpc", "127.0.0.1:0", "--limit", "tagBytes=3"], in: folder,
            environment: ["SILLOK_LIMITS_PAYLOAD_BYTES": "10"])
        try await server.wait { $0.contains("serving") }
        let address = try #require(server.text.firstMatch(of: #/sillok://127.0.0.1:\d+/#))
        for (data, tag, limit) in [("\"0123456789\"", "abc", "payloadBytes"), ("1", "abcd", "tagBytes")] {
            let ending = await sillok(
                "append", String(address.0), "a-1", "--type", "t", "--data", data, "--tag", tag)
            #expect(ending.status == ExitStatus.invalidData.rawValue, "\(ending)")
            #expect(ending.errors.contains("the limit \(limit)"), "\(ending.errors)")
        }
        kill(server.process.processIdentifier, SIGTERM)
        #expect(try await server.ending().status == 0)
    }

    @Test("Friction: a setting that the server does not have is refused")
    func unknownSettings() async throws {
        for (text, word) in [
            (#"{"htp":"127.0.0.1:1"}"#, "htp"), (#"{"tls":{"cert":"x"}}"#, "tls.cert"),
            (#"{"limits":{"tag":1}}"#, "limits.tag"),
            (#"{"tls":1}"#, "tls"), ("{", "JSON"),
        ] {
            let bad = try folder.write(text, to: "bad.json")
            await #expect { _ = try await ServeSettings.parse(["--config", bad]).resolved() } throws: { error in
                guard let failure = error as? CommandFailure else { return false }
                return failure.status == .usage && failure.message.contains(word)
            }
        }
    }

    @Test("Friction: a port that is in use is named, for each protocol")
    func usedPorts() async throws {
        let server = try BuiltCommand(["serve", store, "--http", "127.0.0.1:0"], in: folder)
        try await server.wait { $0.contains("serving") }
        let port = try #require(server.text.firstMatch(of: #/http://127.0.0.1:(\d+)/#)).1
        for (name, listener) in [("t.sqlite", "--http"), ("u.sqlite", "--grpc")] {
            let ending = try await BuiltCommand(
                ["serve", folder(name), listener, "127.0.0.1:\(port)"], in: folder
            ).ending()
            #expect(ending.status == ExitStatus.ioFailure.rawValue, "\(listener): \(ending)")
            #expect(ending.errors.contains("127.0.0.1:\(port) is in use by another process"), "\(ending.errors)")
        }
        kill(server.process.processIdentifier, SIGTERM)
        #expect(try await server.ending().status == 0)
    }

    @Test("Friction: a mark of UTF-8 is skipped, and other forms of a file are named")
    func forms() async throws {
        let marked = try write([0xEF, 0xBB, 0xBF] + Array(line("1").utf8), to: "marked.jsonl")
        #expect(await sillok("import", store, marked).status == 0)
        for (bytes, word): ([UInt8], String) in [
            ([0xFF, 0xFE, 0x7B, 0], "UTF-16"), ([0xFE, 0xFF, 0, 0x7B], "UTF-16"), ([0x1F, 0x8B, 8], "gzip"),
            ([0x28, 0xB5, 0x2F, 0xFD], "zstd"),
        ] {
            let file = try write(bytes, to: "other")
            let ending = await sillok("import", folder("new.sqlite"), file)
            #expect(
                ending.status == ExitStatus.invalidData.rawValue && ending.errors.contains(word), "\(ending.errors)")
            let data = await sillok("append", folder("new.sqlite"), "a-1", "--type", "t", "--data-file", file)
            #expect(data.status == ExitStatus.invalidData.rawValue && data.errors.contains(word), "\(data.errors)")
        }
        let payload = try write([0xEF, 0xBB, 0xBF, 0x31], to: "payload.json")
        let ending = await sillok("append", folder("new.sqlite"), "a-1", "--type", "t", "--data-file", payload)
        #expect(ending.errors.contains("mark of UTF-8"), "\(ending.errors)")
        let array = try folder.write("[\n" + line("1") + "]\n", to: "array.json")
        let refused = await sillok("import", folder("new.sqlite"), array)
        #expect(refused.errors.contains("jq -c"), "\(refused.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder("new.sqlite")))
    }

    @Test("Friction: a command that fails leaves no new store behind")
    func nothingLeft() async throws {
        let before = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        let bad = try folder.write("{\n", to: "bad.jsonl")
        #expect(await sillok("import", store, bad).status == ExitStatus.invalidData.rawValue)
        #expect(await sillok("append", store, "a-1", "--type", "t", "--data", "1", "--expect", "3").status == 2)
        try FileManager.default.removeItem(atPath: bad)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == before)
        // What was imported before a bad line stays.
        let half = try folder.write(line("1") + "{\n", to: "half.jsonl")
        #expect(await sillok("import", store, half).status == ExitStatus.invalidData.rawValue)
        #expect(await sillok("stat", store).status == 0)
    }

    @Test("Friction: nothing is said of positions that a file does not have")
    func positions() async throws {
        _ = await sillok("append", store, "a-1", "--type", "t", "--data", "1")
        let file = try folder.write(line("1") + line("2"), to: "in.jsonl")
        let ending = await sillok("import", store, file)
        #expect(ending.status == 0 && !ending.errors.contains("Positions differ"), "\(ending.errors)")
        let other = try folder.write(line("3", #","position":7"#), to: "other.jsonl")
        #expect(await sillok("import", store, other).errors.contains("Positions differ"))
    }

    @Test("Friction: a key of the metadata is given once")
    func metadata() async throws {
        for arguments in [
            ["--meta", "a=1", "--meta", "a=2"], ["--meta", "actor=x", "--actor", "y"],
            ["--meta", "a=1", "--meta", "a=1"],
        ] {
            let ending = await sillok(["append", store, "a-1", "--type", "t", "--data", "1"] + arguments)
            #expect(ending.status == ExitStatus.usage.rawValue && ending.errors.contains("twice"), "\(ending.errors)")
        }
        let two = await sillok(
            "append", store, "a-1", "--type", "t", "--data", "1", "--meta", "e\u{301}=1", "--meta", "\u{E9}=2")
        #expect(two.status == 0, "\(two.errors)")
    }

    @Test("Friction: an address of HTTP is no store")
    func addresses() async throws {
        let http = await sillok("append", "http://127.0.0.1:8080", "a-1", "--type", "t", "--data", "1")
        #expect(http.status == ExitStatus.usage.rawValue && http.errors.contains("sillok://"), "\(http.errors)")
        #expect(await sillok("read", "ftp://x/y").status == ExitStatus.usage.rawValue)
    }

    @Test("Friction: a stream that does not exist is not found, by read as by state")
    func missingStreams() async throws {
        _ = await sillok("append", store, "a-1", "--type", "t", "--data", "1")
        #expect(await sillok("read", store, "--stream", "nope").status == ExitStatus.notFound.rawValue)
        #expect(await sillok("state", store, "nope").status == ExitStatus.notFound.rawValue)
        #expect(await sillok("read", store, "--stream", "a-1", "--type", "none").status == 0)
        #expect(await sillok("read", store, "--type", "none").status == 0)
    }

    @Test("Friction: append waits for the writer of the file with --wait")
    func waiting() async throws {
        let writer = try SQLiteEventStore(path: store)
        #expect(await sillok("append", store, "a-1", "--type", "t", "--data", "1").status == ExitStatus.locked.rawValue)
        let append = Task { await sillok("append", store, "a-1", "--type", "t", "--data", "1", "--wait", "60") }
        try await Task.sleep(for: .milliseconds(300))
        await writer.close()
        let ending = await append.value
        #expect(ending.status == 0, "\(ending.errors)")
        #expect(
            await sillok("append", store, "a-1", "--type", "t", "--data", "1", "--wait", "-1").status
                == ExitStatus.usage.rawValue)
    }

    @Test("Friction: the pages on backups say that a copy of an open store is an older log without damage")
    func copies() async throws {
        let open = try SQLiteEventStore(path: store)
        try await open.append([EventData(type: "t", text: "1")], to: "a-1")
        let copy = folder("copy.sqlite")
        try FileManager.default.copyItem(atPath: store, toPath: copy)
        await open.close()
        // What the pages warn of: the event is not in the copy, and nothing there is damaged.
        #expect(await sillok("verify", copy).status == 0)
        #expect(await sillok("stat", copy, "--json").output.contains(#""head":0"#))
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardized
        for (page, text) in [("docs/server.md", "the copy lacks them"), ("docs/command-line.md", "is an older log")] {
            let content = try String(contentsOf: root.appending(path: page), encoding: .utf8)
            let words = content.split { $0.isWhitespace }.joined(separator: " ")
            #expect(words.contains("`cp`") && words.contains(text), "\(page)")
        }
    }
}
