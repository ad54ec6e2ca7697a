import ArgumentParser
import Foundation
import Sillok
import SillokAPI
import SillokServer
import SillokTerminal

struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Make, list and revoke the keys of a server.",
        discussion: """
            Works on the file STORE-access, or on the schema SCHEMA_access of a database, also while servers run.

            Examples:
              sillok keys create bank.sqlite --name billing --scope read --scope subscribe --resource 'account-*'
              sillok keys list bank.sqlite
              sillok keys revoke bank.sqlite 4f2a9c01d2e3
            """,
        subcommands: [Create.self, List.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a key. It is printed only once, because the server stores only a hash of it.")

        @OptionGroup var access: AccessArgument
        @Option(help: "What the key is for.") var name: String
        @Option(
            help: """
                A scope of the key: read, append, subscribe, project, import or admin.
                Repeat the option for several.
                """)
        var scope: [String]
        @Option(
            help: """
                The streams: * for all, account-* for a category, account-eu-* for a prefix, account-42 for one stream.
                Repeat the option for several.
                """)
        var resource: [String] = ["*"]
        @Option(help: "The time at which the key expires, such as 2027-01-01T00:00:00Z.") var expires: String?

        func run() async throws {
            let grant: Grant
            do {
                grant = try Grant(scopes: scope.joined(separator: " "), resources: resource.joined(separator: " "))
            } catch {
                throw CommandFailure(.usage, "\(error)")
            }
            let end = try expires.map { text in
                guard let time = Timestamp(text) else {
                    throw CommandFailure(.usage, "--expires must be a time such as 2027-01-01T00:00:00Z")
                }
                return time
            }
            try await access.with { keyring, whom in
                let (key, secret) = try await keyring.create(name, grant, expires: end, by: whom)
                Console.current.note(change: "the key \(key.id) was created")
                try Console.current.print(secret.revealed)
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the keys. The secrets are not stored, so they cannot be shown.")

        @OptionGroup var access: AccessArgument
        @OptionGroup var show: ShowOptions

        func run() async throws {
            try await access.with { keyring, _ in
                let console = Console.current
                var table = Table(
                    .left("KEY"), .left("NAME"), .left("SCOPES"), .left("RESOURCES"), .left("MADE"), .left("ENDS"))
                for key in keyring.keys.map({ API.Key($0) }) {
                    if show.json {
                        try console.print(jsonOf: key)
                    } else {
                        let end = key.revoked.map { "revoked \($0.readable)" } ?? key.expires?.readable ?? "-"
                        table.add(key.id, key.name, key.scopes, key.resources, key.created.readable, end)
                    }
                }
                if show.json { return }
                if keyring.keys.isEmpty { return console.note("no keys") }
                try console.print(table)
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revoke a key permanently. Its open requests and subscriptions end within five seconds.")

        @OptionGroup var access: AccessArgument
        @Argument(help: "The id of the key: the part of the key's text between the two underscores.") var key: String

        func run() async throws {
            try await access.with { keyring, whom in
                guard try await keyring.revoke(key, by: whom) else {
                    throw CommandFailure(.notFound, "there is no valid key \(key.visible)")
                }
                try Console.current.print(change: "\(key) is revoked")
            }
        }
    }
}

/// The log of the keys of a store.
struct AccessArgument: ParsableArguments {
    @Argument(help: "The file of the store, or postgres://user@host/database#schema.", completion: .file())
    var store: String
    @Option(help: "The log of the keys, a file or in PostgreSQL. (default: STORE-access)", completion: .file())
    var access: String?

    func with(_ body: (Keyring, String) async throws -> Void) async throws {
        let log = try await accessLog(access, of: store)
        let keyring = Keyring(log: log)
        try await closing(log.close) {
            try await keyring.load()
            try await body(keyring, "\(NSUserName()) on the command line")
        }
    }
}
