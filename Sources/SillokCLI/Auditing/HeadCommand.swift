import ArgumentParser
import Sillok
import SillokChain
import SillokSigning
import SillokTerminal

struct HeadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "head",
        abstract: "Sign the end of a log, and check later that the signed part was not changed.",
        discussion: """
            A signed head is a short text: position and link of the hash chain, with an Ed25519 signature. Publish it in
            a place that the writers of the store cannot change. Later it proves that no event before it was altered,
            removed or inserted, and that the end was not cut off.

            Examples:
              sillok head make-key audit.key
              sillok head sign bank.sqlite --key audit.key > bank-2026-11-25.head
              sillok head check bank.sqlite bank-2026-11-25.head --key audit.key.pub
            """,
        subcommands: [MakeKeyCommand.self, SignHeadCommand.self, CheckHeadCommand.self])
}

struct MakeKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make-key",
        abstract: "Make a key: a secret file that only its owner can read, and a public one ending in .pub.")

    @Argument(help: "The file of the secret key.", completion: .file())
    var file: String

    @OptionGroup var show: ShowOptions

    func run() async throws {
        let key = SigningKey()
        try KeyFile.write(key, to: file)
        Console.current.note(change: "the key is in \(file.visible)")
        if show.json {
            return try Console.current.print(json: ["publicKey": key.verifyingKey.description])
        }
        try Console.current.print("public key \(key.verifyingKey)")
        Console.current.note("\(file.visible) is secret; publish \(file.visible).pub")
    }
}

struct SignHeadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign",
        abstract: "Verify the hash chain of a store, and sign its head.",
        discussion: """
            Works on a file or on PostgreSQL, not through a server.

            Examples:
              sillok head sign bank.sqlite --key audit.key > bank.head
              sillok head sign bank.sqlite bank.head --key audit.key --marks 1000
            """)

    @OptionGroup var store: StoreArgument

    @Argument(help: "The file to write; without one, or with -, the standard output.", completion: .file())
    var file: String?

    @Option(help: "The file of the secret key.", completion: .file())
    var key: String

    @Option(
        help: """
            The number of earlier links in the signed head.
            With more links, check names a smaller range for a change.
            Each link is a line.
            """)
    var marks = 0

    @Flag(
        help: """
            Sign the stored chain without recomputing it from the events.
            A chain that does not match the events is then not noticed.
            """)
    var unchecked = false

    func validate() throws {
        if marks < 0 || marks > 1_000_000 { throw ValidationError("--marks must be from 0 to 1000000.") }
    }

    func run() async throws {
        let key = try await KeyFile.signingKey(key)
        let signed = try await store.reading { store in
            let head = try await head(of: try store.chained(), store)
            return try key.sign(head)
        }
        let file = file == "-" ? nil : try file.map { try OutputFile(path: $0, resumes: false) }
        try (file?.output ?? Console.current.output).write(Array(signed.text.utf8))
        try file?.synchronize()
        Console.current.note("signed \(signed.head.events.grouped) events up to position \(signed.head.link.position)")
    }

    private func head(of chained: any ChainedEventStore, _ store: any EventStore) async throws -> LogHead {
        let head = try await chained.logHead(signedAt: WallClock.system.now(), marks: marks)
        guard let head else { throw CommandFailure.noChain }
        if unchecked { return head }
        let progress = StepProgress(console: .current)
        defer { progress.finish() }
        let report = try await store.check(head) { progress.update($0) }
        if let finding = report.findings.first {
            throw CommandFailure(
                .found, "the log does not match its hash chain, so nothing was signed: \(finding.description.visible)",
                hint: "sillok verify --chain \(self.store.store.visible)")
        }
        return head
    }
}

struct CheckHeadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check that a store still has the log that was signed. Exit status 1 means that it differs.",
        discussion: """
            Reads only the log up to the position of the head. It needs no network and no chain in the store. It names
            the first event that differs, or the range that contains it.

            Examples:
              sillok head check bank.sqlite bank.head --key audit.key.pub
              sillok head check /backup/bank.sqlite bank.head --key 5b0c… --json | jq .intact
            """)

    @OptionGroup var store: StoreArgument

    @Argument(help: "The file of the signed head; - is the standard input.", completion: .file())
    var head: String

    @Option(help: "The public key that you trust, or its file.", completion: .file())
    var key: String

    @OptionGroup var show: ShowOptions

    func run() async throws {
        let key = try await KeyFile.verifyingKey(key)
        let signed = try await signedHead()
        guard signed.isSigned(by: key) else {
            throw CommandFailure(.invalidData, "\(InvalidSignature(publicKey: key))")
        }
        let report = try await store.reading { store in
            let progress = StepProgress(console: .current)
            defer { progress.finish() }
            return try await store.check(signed, signedBy: key) { progress.update($0) }
        }
        if show.json {
            try Console.current.print(json: report.json(comparedWith: signed.head))
        } else {
            try print(report, signed.head)
        }
        if !report.isIntact {
            try Console.current.output.flush()
            throw CommandFailure(.found, "")
        }
    }

    private func signedHead() async throws -> SignedHead {
        let bytes = try await InputFile(path: head).bytes(limit: 128 << 20)
        do {
            return try SignedHead(text: String(decoding: bytes, as: UTF8.self))
        } catch {
            throw CommandFailure(.invalidData, "\(head.visible): \(error)")
        }
    }

    private func print(_ report: ChainReport, _ head: LogHead) throws {
        let console = Console.current
        let covered =
            "\(head.events.grouped) events up to position \(head.link.position), signed \(head.signedAt.readable)"
        if report.isIntact {
            return try console.print(console.outputTerminal.styled("intact", .green) + ": \(covered)")
        }
        try console.print(console.outputTerminal.styled("altered", .red) + ": \(covered)")
        for finding in report.findings { try console.print("  \(finding.description.visible)") }
    }
}

extension LogHead {
    fileprivate var events: UInt64 { link.position < chain.start ? 0 : link.position.value - chain.start.value + 1 }
}

extension EventStore {
    /// The store with its chain, if it can keep one.
    func chained() throws(CommandFailure) -> any ChainedEventStore {
        guard let chained = self as? any ChainedEventStore else { throw .noChain }
        return chained
    }
}

extension CommandFailure {
    static var noChain: CommandFailure {
        CommandFailure(.found, "the store keeps no hash chain: there is nothing to verify or to sign")
    }
}
