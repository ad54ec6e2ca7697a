import Foundation
import Testing

@testable import SillokSQL

/// A file is known by its device and its number there.
@Suite struct FileIdentityTests {
    @Test("C2: a file has one identity by each of its paths, and another file has another one")
    func identities() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "identity-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (file, link, other) = (
            folder.appending(path: "a").path, folder.appending(path: "link").path, folder.appending(path: "b").path
        )
        try Data("a".utf8).write(to: URL(filePath: file))
        try Data("a".utf8).write(to: URL(filePath: other))
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file)
        let identity = try #require(FileIdentity(path: file))
        #expect(FileIdentity(path: link) == identity)
        #expect(FileIdentity(path: other) != identity)
        // Both ways to ask must agree on the device, too.
        #expect(FileFacts(path: file)?.identity == identity)
        try FileManager.default.moveItem(atPath: file, toPath: file + "-moved")
        #expect(FileIdentity(path: file) == nil)
        #expect(FileIdentity(path: file + "-moved") == identity)
    }
}
