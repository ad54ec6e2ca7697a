import Foundation
import SillokTerminal

@testable import SillokCLI

/// A folder for one test, removed with it.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "sillok-cli-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The path of a file in the folder.
    func callAsFunction(_ name: String) -> String { path + "/" + name }

    /// The text of a file in the folder.
    func text(_ name: String) throws -> String { try String(contentsOfFile: self(name), encoding: .utf8) }

    /// Writes a file in the folder and answers its path.
    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: self(name)))
        return self(name)
    }
}

/// How a command ended and what it said.
struct Ending {
    let status: Int32
    let output: String
    let errors: String

    var lines: [String] { output.split(separator: "\n").map(String.init) }
}

/// Runs a command line in this process.
func sillok(_ arguments: String...) async -> Ending { await sillok(arguments) }

/// Runs a command line in this process.
func sillok(_ arguments: [String]) async -> Ending {
    let console = Console(output: Output(), errors: Output())
    let status = await Console.$current.withValue(console) { await SillokCommand.run(arguments) }
    return Ending(status: status, output: console.output.text, errors: console.errors.text)
}
