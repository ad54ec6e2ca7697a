import Foundation
import SillokProjections

/// The files that commit 0672aac wrote. `README.md` in their folder says how each was made.
enum Fixtures {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/0672aac")

    static func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appending(path: name), encoding: .utf8)
    }

    /// The number of events in the log of the bank.
    static let events: UInt64 = 64
}

/// A copy of the fixtures for one test, removed with it.
final class FixtureCopy: Sendable {
    private let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "sillok-fixtures-\(UUID().uuidString)")
        try FileManager.default.copyItem(at: Fixtures.folder, to: url)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// The path of a file in the copy.
    func callAsFunction(_ name: String) -> String { url.appending(path: name).path }
}

extension EventStore {
    /// All events in the order of the log.
    func everything() async throws -> [RecordedEvent] {
        var events: [RecordedEvent] = []
        for try await page in pages(.all) { events += page.events }
        return events
    }
}
