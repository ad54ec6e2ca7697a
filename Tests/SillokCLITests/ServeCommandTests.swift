import ArgumentParser
import Foundation
import Logging
import Sillok
import SillokServer
import SillokTerminal
import Testing

@testable import SillokCLI

@Suite("Serving from the command line", .timeLimit(.minutes(10)))
struct ServeCommandTests {
    let folder = TemporaryFolder()

    @Test("the first start shows a key once; keys are made and revoked while the server runs; it ends cleanly")
    func keys() async throws {
        let store = folder("s.sqlite")
        let command = try BuiltCommand(
            ["serve", store, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--auth", "keys"], in: folder)
        try await command.wait { $0.contains("serving") }
        #expect(command.text.matches(of: #/sillok_[0-9a-f]{12}_[0-9a-f]{64}/#).count == 1)
        let made = await sillok(
            "keys", "create", store, "--name", "reader", "--scope", "read", "--resource", "account-*")
        #expect(made.status == 0 && made.output.hasPrefix("sillok_"))
        let id = try #require(made.output.split(separator: "_").dropFirst().first.map(String.init))
        #expect(await sillok("keys", "revoke", store, id).status == 0)
        #expect(await sillok("keys", "revoke", store, id).status == ExitStatus.notFound.rawValue)
        let list = await sillok("keys", "list", store, "--json").output
        #expect(list.split(separator: "\n").count == 2 && list.contains("\"revoked\"") && !list.contains("sha256"))
        kill(command.process.processIdentifier, SIGTERM)
        #expect(try await command.ending().status == 0)
        let again = try BuiltCommand(
            ["serve", store, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--auth", "keys"], in: folder)
        try await again.wait { $0.contains("serving") }
        #expect(again.text.firstMatch(of: #/sillok_[0-9a-f]/#) == nil)
        kill(again.process.processIdentifier, SIGTERM)
        #expect(try await again.ending().status == 0)
    }

    #if Postgres
    private static let database = ProcessInfo.processInfo.environment["SILLOK_POSTGRES"] ?? ""

    @Test(
        "two servers that start at once serve one store in PostgreSQL, with the same first key",
        .enabled(if: !database.isEmpty))
    func postgres() async throws {
        let place = Self.database + "#serve_\(UUID().uuidString.prefix(8))"
        let arguments = ["serve", place, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--auth", "keys"]
        var servers: [BuiltCommand] = []
        defer { for server in servers { kill(server.process.processIdentifier, SIGKILL) } }
        for _ in 0..<2 { servers.append(try BuiltCommand(arguments, in: folder)) }
        for server in servers { try await server.wait { $0.matches(of: /serving PostgreSQL/).count == 2 } }
        let key = #/sillok_[0-9a-f]{12}_[0-9a-f]{64}/#
        let secrets = servers.flatMap { $0.text.matches(of: key).map(\.output) }
        #expect(secrets.count == 1)
        let secret = try #require(secrets.first)
        let ports = try servers.map { try #require($0.text.firstMatch(of: #/sillok://127.0.0.1:(\d+)/#)).output.0 }
        let token = ["SILLOK_TOKEN": String(secret)]
        let append = try BuiltCommand(
            ["append", String(ports[0]), "a-1", "--type", "noted", "--data", "{}"], in: folder, environment: token)
        #expect(try await append.ending().status == 0)
        let read = try BuiltCommand(["read", String(ports[1]), "--json"], in: folder, environment: token)
        #expect(try await read.ending().output.contains("noted"))
        #expect(await sillok("keys", "list", place, "--json").lines.count == 1)
        #expect(await sillok("serve", place, "--backups", folder("b")).status == ExitStatus.usage.rawValue)
        for server in servers { kill(server.process.processIdentifier, SIGTERM) }
        for server in servers { #expect(try await server.ending().status == 0) }
    }
    #endif

    @Test("unsafe settings are refused")
    func exposure() async throws {
        for arguments in [
            ["--http", "0.0.0.0:0"], ["--http", "0.0.0.0:0", "--auth", "keys"], ["--auth", "maybe"],
            ["--tls-key", "k"],
        ] {
            let command = try BuiltCommand(["serve", folder("s.sqlite")] + arguments, in: folder)
            #expect(try await command.ending().status == ExitStatus.usage.rawValue, "\(arguments)")
        }
    }

    @Test("a flag counts before the environment, and that before the file")
    func settings() async throws {
        let file = try folder.write(
            #"{"http":"127.0.0.1:1","auth":"keys","tls":{"certificate":"c.pem"}}"#, to: "serve.json")
        var settings = try ServeSettings.parse(["--config", file, "--http", "127.0.0.1:2"])
        settings = try await settings.resolved()
        #expect(settings.http == "127.0.0.1:2" && settings.auth == "keys" && settings.tlsCertificate == "c.pem")
    }

    @Test(
        "a log has no secret",
        arguments: [
            "sillok_0123456789ab_" + String(repeating: "f", count: 64), "Authorization: Bearer abc.def",
            "eyJhbGciOi.eyJzdWIi.c2ln",
        ])
    func redaction(_ secret: String) {
        let line = LineLog.redacted("got \(secret) from there")
        #expect(line.contains("<redacted>") && line.hasSuffix("from there"))
        for part in secret.split(whereSeparator: { " ._".contains($0) })
        where part.count > 6 && part != "Authorization:" && part != "Bearer" && part != "sillok" {
            #expect(!line.contains(part), "\(part)")
        }
    }

    @Test("a backup while the server runs can be opened, and replaces no file")
    func backup() async throws {
        let store = folder("s.sqlite")
        _ = await sillok("append", store, "a-1", "--type", "noted", "--data", "1")
        #expect(await sillok("backup", store, folder("copy.sqlite")).status == 0)
        #expect(await sillok("verify", folder("copy.sqlite")).status == 0)
        #expect(await sillok("backup", store, folder("copy.sqlite")).status != 0)
    }
}
