import Sillok
import SillokTestSupport
import Testing

/// What an operator does who restores a backup, with everything that keeps a place in the log.
@Suite("the restore drill", .serialized, .timeLimit(.minutes(10)))
struct RestoreDrillTests {
    enum Kind: CaseIterable { case file, folder, schema }

    /// The kinds of log that this machine has.
    static let kinds: [Kind] = {
        #if Postgres
        DrilledSchema.isPossible ? Kind.allCases : [.file, .folder]
        #else
        [.file, .folder]
        #endif
    }()

    private func drill(
        on kind: Kind, forgetfully isForgetful: Bool = false,
        _ body: (inout Drill) async throws -> Void
    ) async throws -> [String] {
        let folder = TemporaryFolder()
        let log: any DrilledLog
        switch kind {
        case .file, .folder: log = DrilledFile(folder: folder, isFolder: kind == .folder)
        case .schema:
            #if Postgres
            log = DrilledSchema(folder: folder)
            #else
            return []
            #endif
        }
        defer { try? log.remove() }
        var drill = try await Drill(on: log, in: folder) { isForgetful ? ForgetfulStore(base: $0) : $0 }
        try await body(&drill)
        return drill.findings
    }

    @Test(
        "OPS-1: participants that were stopped refuse an older copy of the log, however far it grew",
        arguments: kinds)
    func stopped(_ kind: Kind) async throws {
        let findings = try await drill(on: kind) { try await $0.stopped() }
        #expect(findings.isEmpty, "\(findings.joined(separator: "\n"))")
    }

    @Test(
        "OPS-1: running participants refuse an older copy of the log, whether it grew past the kept places or not",
        arguments: kinds, [3, 6, 10])
    func running(_ kind: Kind, _ length: Int) async throws {
        let findings = try await drill(on: kind) { try await $0.running(length: length) }
        #expect(findings.isEmpty, "\(findings.joined(separator: "\n"))")
    }

    @Test("OPS-1: an identical copy changes nothing for anybody", arguments: kinds, [false, true])
    func identical(_ kind: Kind, _ isInUse: Bool) async throws {
        let findings = try await drill(on: kind) { try await $0.identical(inUse: isInUse) }
        #expect(findings.isEmpty, "\(findings.joined(separator: "\n"))")
    }

    @Test("OPS-1: the drill finds readers that forget which event was at their place")
    func plant() async throws {
        let findings = try await drill(on: .file, forgetfully: true) {
            try await $0.running(length: 10)
        }
        for name in ["balances", "totals", "mails", "subscriber", "token holder"] {
            #expect(
                findings.contains { $0.contains("\(name) did not stop") },
                "\(findings.joined(separator: "\n"))")
        }
    }
}
