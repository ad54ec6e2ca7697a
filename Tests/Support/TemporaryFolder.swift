package import Foundation
import Testing

/// A folder for the files of a test. It is removed with the last reference to it.
package final class TemporaryFolder: Sendable {
    package let url: URL

    /// Creates the folder. If that fails, the test fails.
    ///
    /// - Parameter inMemory: whether the disk may be a disk in memory, where a sync costs nothing.
    package init(inMemory: Bool = false) {
        let memory = URL(filePath: "/dev/shm")
        let isThere = inMemory && FileManager.default.isWritableFile(atPath: memory.path)
        url = (isThere ? memory : FileManager.default.temporaryDirectory)
            .appending(path: "sillok-\(UUID().uuidString)")
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        } catch {
            Issue.record(error, "cannot create the folder \(url.path)")
        }
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// The path of the folder.
    package var path: String { url.path }

    /// Returns the path of a file in the folder.
    package func callAsFunction(_ name: String = "store.sqlite") -> String { "\(path)/\(name)" }

    /// Returns the text of a file in the folder.
    package func text(_ name: String) throws -> String { try String(contentsOfFile: self(name), encoding: .utf8) }

    /// Writes a file in the folder, and returns its path.
    @discardableResult
    package func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: URL(filePath: self(name)))
        return self(name)
    }
}
