import Foundation
import SillokAPI
import SillokProjections
import Testing

@testable import SillokSQLite

#if Postgres
import SillokPostgresSchema
#endif

/// The documents say the versions that the code has.
@Suite("Versions")
struct StabilityTests {
    private func text(_ path: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    @Test("docs/stability.md has the versions of the formats in the code")
    func formats() throws {
        let page = try text("docs/stability.md")
        #expect(page.contains("This page is about version \(ProjectVersion.current)"))
        #expect(page.contains("| a store in a file | \(Schema.version) |"))
        #expect(page.contains("| a read model | \(ReadModelFormat.version) |"))
        #if Postgres
        let step = try #require(Step.all.map(\.number).max())
        #expect(page.contains("| a store in PostgreSQL | step \(step) |"))
        #endif
    }

    @Test("the newest version in the changelog is that of the program, and README.md names it")
    func release() throws {
        let heads = try text("CHANGELOG.md").split(separator: "\n").filter { $0.hasPrefix("## ") }
        #expect(heads.first == "## Unreleased")
        #expect(heads.dropFirst().first?.hasPrefix("## \(ProjectVersion.current) (") == true)
        #expect(try text("README.md").contains("\"\(ProjectVersion.current)\""))
    }
}
