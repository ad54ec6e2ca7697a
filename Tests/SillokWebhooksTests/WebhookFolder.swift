import Foundation
import SillokCore

/// A folder for the files of a test, which is gone when the test is.
final class WebhookFolder: Sendable {
    private let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "sillok-webhooks-\(EventID())")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// The path of a file in the folder.
    func path(_ name: String) -> String { url.appending(path: name).path }

    /// The bytes of all files, by their names.
    func contents() throws -> [String: [UInt8]] {
        let files = try FileManager.default.contentsOfDirectory(at: url, includingPropertiesForKeys: nil)
        let contents = try files.map { ($0.lastPathComponent, Array(try Data(contentsOf: $0))) }
        return Dictionary(uniqueKeysWithValues: contents)
    }
}

extension [UInt8] {
    /// Whether the bytes contain others.
    func contains(_ others: [UInt8]) -> Bool { Data(self).range(of: Data(others)) != nil }
}
