#if os(Linux)
import Foundation
import SillokTestSupport
import SillokTesting
import Testing

/// Processes that are killed while they write. The program checks the log against what its clients saw.
@Suite(.serialized) struct KillTests {
    private let folder = TemporaryFolder()
    private let seed = UInt64.random(in: 1..<1_000_000)

    private func start(_ verb: String, _ more: String? = nil) throws -> Process {
        let process = Process()
        process.executableURL = try Self.program()
        process.arguments = [verb, folder("bank.sillok"), folder("log"), String(seed)] + (more.map { [$0] } ?? [])
        process.standardInput = Pipe()
        process.standardOutput = Pipe()
        try process.run()
        return process
    }

    private static func program() throws -> URL {
        let runner = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let places = CommandLine.arguments.filter { $0.hasSuffix(".xctest") }.map {
            URL(filePath: $0).deletingLastPathComponent()
        }
        let found = ([runner] + places).map { $0.appending(path: "sillok-torture") }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
        return try #require(found, "sillok-torture is not in the folder of the tests")
    }

    /// Runs the check to its end; returns what it printed.
    private func check(_ more: String?) throws -> (isClean: Bool, text: String) {
        let process = try start("check", more)
        let pipe = try #require(process.standardOutput as? Pipe)
        let text = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationReason == .exit && process.terminationStatus == 0, text)
    }

    @Test func `when 32 writers are killed at any instant, nothing is lost, doubled, torn or out of order`()
        async throws
    {
        let kills = Environment.count("SILLOK_KILLS", default: 5)
        var text = ""
        for round in 1...kills {
            let writing = try start("write")
            if let pipe = writing.standardOutput as? Pipe { _ = pipe.fileHandleForReading.availableData }
            try await Task.sleep(for: .milliseconds(Int.random(in: 50...800)))
            kill(writing.processIdentifier, SIGKILL)
            writing.waitUntilExit()
            let report = try check(round == kills ? nil : "quick")
            #expect(report.isClean, "seed \(seed), kill \(round):\n\(report.text)")
            text = report.text
        }
        #expect(!text.contains("acknowledged 0"))
        print("\(kills) kills, seed \(seed):\n\(text)")
    }
}
#endif
