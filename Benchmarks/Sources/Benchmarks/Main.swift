import Foundation

/// `Benchmarks SUITE [--quick]`, or `Benchmarks hostile [CASE…] [--quick]`: measures one suite and prints its table as Markdown.
///
/// To profile a rebuild: `Benchmarks one-bank STORE EVENTS` makes its log, `Benchmarks one-rebuild STORE MODEL` runs it.
@main
struct Main {
    static let suites: [(name: String, run: @Sendable (Plan) async throws -> Void)] = [
        ("past", lookingBack),
        ("append", appending), ("fill", filling), ("grow", growing), ("read", reading), ("condition", deciding),
        ("follow", following), ("memory", remembering), ("project", projecting), ("chain", chaining),
        ("coding", coding), ("postgres", serving), ("hostile", hostile),
        ("processes", processes),
    ]

    static func main() async throws {
        var arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.first == "one-size", arguments.count == 2 { return try await oneSize(arguments[1]) }
        if arguments.first == "one-bank", arguments.count == 3, let events = Int(arguments[2]) {
            return try await oneBank(arguments[1], events)
        }
        if arguments.first == "one-rebuild", arguments.count == 3 {
            return try await oneRebuild(arguments[1], arguments[2])
        }
        if arguments.first == "one-waiting", arguments.count == 4, let seconds = Double(arguments[3]) {
            return try await oneWaiting(arguments[1], arguments[2], seconds)
        }
        let isQuick = arguments.contains("--quick")
        arguments.removeAll { $0 == "--quick" }
        guard let name = arguments.first, let suite = suites.first(where: { $0.name == name }),
            arguments.count == 1 || ["hostile", "processes"].contains(name)
        else {
            print(suites.map(\.name).joined(separator: "\n"))
            return
        }
        let folder = URL(fileURLWithPath: ".build/data", isDirectory: true)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try await suite.run(Plan(isQuick: isQuick, folder: folder, cases: Set(arguments.dropFirst())))
    }
}
