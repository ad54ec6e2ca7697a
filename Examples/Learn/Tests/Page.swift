import Foundation
import Testing

/// A learning page: its commands, and what it says that they print.
struct Page: Sendable, CustomTestStringConvertible {
    /// A fenced block of the kind `console`. A line that begins with `$ ` is a command.
    struct Command: Sendable {
        let text: String
        /// The line of the command, from 1.
        let line: Int
        var output: [String] = []
    }

    let file: URL
    let commands: [Command]

    var testDescription: String { file.lastPathComponent }

    init(_ file: URL) throws { self.init(file, text: try String(contentsOf: file, encoding: .utf8)) }

    init(_ file: URL, text: String) {
        self.file = file
        var (commands, isInBlock) = ([Command](), false)
        for (index, line) in text.components(separatedBy: "\n").enumerated() {
            if line.hasPrefix("```") {
                isInBlock = line == "```console"
            } else if isInBlock, line.hasPrefix("$ ") {
                commands.append(Command(text: String(line.dropFirst(2)), line: index + 1))
            } else if isInBlock, !commands.isEmpty {
                commands[commands.count - 1].output.append(line)
            }
        }
        self.commands = commands
    }

    /// The root of the repository.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// All English pages. The Korean ones show the same blocks, which a rule of the tree checks.
    static let all: [Page] = {
        let folder = root.appending(path: "docs/learn")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".md") }.sorted().compactMap { try? Page(folder.appending(path: $0)) }
    }()
}

/// Whether lines are as expected. An expected line `…` is any number of lines, and `…` within a line is any text.
func matches(_ lines: ArraySlice<String>, _ expected: ArraySlice<String>) -> Bool {
    guard let first = expected.first else { return lines.isEmpty }
    if first == "…" {
        return (0...lines.count).contains { matches(lines.dropFirst($0), expected.dropFirst()) }
    }
    guard let line = lines.first, matches(line: line, first) else { return false }
    return matches(lines.dropFirst(), expected.dropFirst())
}

private func matches(line: String, _ expected: String) -> Bool {
    let parts = expected.components(separatedBy: "…")
    guard parts.count > 1 else { return line == expected }
    guard line.hasPrefix(parts[0]) else { return false }
    var rest = line.dropFirst(parts[0].count)
    for part in parts.dropFirst().dropLast() where !part.isEmpty {
        guard let range = rest.range(of: part) else { return false }
        rest = rest[range.upperBound...]
    }
    return rest.hasSuffix(parts[parts.count - 1])
}

/// A command of a page, run in a folder.
struct Execution {
    /// Runs `swift run NAME …` or `sillok …` as the built program, and prints a file of the repository for `cat PATH`.
    static func output(of command: String, in folder: URL) async throws -> [String] {
        var words = command.split(separator: " ").map(String.init)
        if words.first == "cat", words.count == 2 {
            return lines(try String(contentsOf: Page.root.appending(path: words[1]), encoding: .utf8))
        }
        if words.starts(with: ["swift", "run"]) { words.removeFirst(2) }
        guard let name = words.first, let program = program(name) else {
            throw UnknownProgram(command: command)
        }
        let output = folder.appending(path: UUID().uuidString)
        try Data().write(to: output)
        let process = Process()
        process.executableURL = program
        process.arguments = Array(words.dropFirst())
        process.currentDirectoryURL = folder
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: output)
        let (ended, end) = AsyncStream<Never>.makeStream()
        process.terminationHandler = { _ in end.finish() }
        try process.run()
        for await _ in ended {}
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
        let status = process.terminationStatus
        return lines(try String(contentsOf: output, encoding: .utf8)) + (status == 0 ? [] : ["exit status \(status)"])
    }

    private static func lines(_ text: String) -> [String] {
        var lines = text.components(separatedBy: "\n")
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    private static func program(_ name: String) -> URL? {
        let runner = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
        let places = CommandLine.arguments.filter { $0.hasSuffix(".xctest") }.map {
            URL(filePath: $0).deletingLastPathComponent()
        }
        return ([runner] + places).map { $0.appending(path: name) }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
    }
}

/// A page names a program that the tests do not build, or a command that they cannot run.
struct UnknownProgram: Error {
    let command: String
}
