import Foundation

/// The files of the project as texts, by path. Tests make small ones in memory.
struct Tree: Sendable {
    /// The text of each file that a rule reads.
    var texts: [String: String]
    /// The paths that git tracks.
    var tracked: [String]

    init(_ texts: [String: String], tracked: [String] = []) {
        self.texts = texts
        self.tracked = tracked
    }

    /// Reads the tracked files below a folder, and those that git neither tracks nor ignores.
    init(at root: URL) throws {
        let names = try Self.git(["ls-files", "-co", "--exclude-standard", "-z"], at: root)
        tracked = try Self.git(["ls-files", "-z"], at: root)
        texts = [:]
        for name in names where Self.isText(name) {
            // A file that was deleted and is still tracked has no text.
            texts[name] = try? String(contentsOf: root.appending(path: name), encoding: .utf8)
        }
    }

    private static let extensions: Set = ["swift", "md", "tutorial", "js", "html", "css", "sh", "py", "c", "h", "txt"]

    private static func isText(_ name: String) -> Bool {
        let url = URL(filePath: name)
        return extensions.contains(url.pathExtension) || (name.hasPrefix("scripts/") && url.pathExtension.isEmpty)
    }

    private static func git(_ arguments: [String], at root: URL) throws -> [String] {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["git", "-c", "safe.directory=*"] + arguments
        process.currentDirectoryURL = root
        process.standardOutput = output
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure("git \(arguments.joined(separator: " ")) failed") }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\0").map(String.init)
    }

    /// The Swift files below folders, in the order of their paths.
    func swiftFiles(_ folders: String...) -> [SwiftFile] {
        texts.keys.filter { path in path.hasSuffix(".swift") && folders.contains { path.hasPrefix($0 + "/") } }.sorted()
            .compactMap { path in texts[path].map { SwiftFile(path: path, text: $0) } }
    }
}

/// Why the tree could not be read.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// A place that breaks a rule.
struct Finding: Hashable, Sendable, CustomStringConvertible {
    /// The rule, such as `function`.
    let rule: String
    /// What `Tests/Tree/today.txt` names: a path, or a path and a name.
    let place: String
    /// Where a person looks: a path, and a line if there is one.
    let location: String
    /// What is wrong and what to do.
    let message: String
    /// How large it is: what the limit of `place` is compared with. The findings of a place are added up.
    var amount = 1

    var description: String { "\(location): \(message)" }
}

extension Finding {
    init(_ rule: String, in file: SwiftFile, line: Int, _ message: String, place: String? = nil, amount: Int = 1) {
        self.init(
            rule: rule, place: place ?? file.path, location: "\(file.path):\(line)", message: message, amount: amount)
    }
}
