import ArgumentParser
import Foundation
import Sillok
import SillokCore
import SillokTerminal
import Testing

@testable import SillokCLI

@Suite("What people see")
struct TerminalTests {
    private let terminal = Terminal(width: 40, hasColour: false)

    @Test("a table keeps its columns and gives way where it is widest")
    func table() {
        var table = Table(.left("STREAM"), .right("EVENTS"))
        table.add("a", "1,000")
        table.add(String(repeating: "실록", count: 20), "7")
        let lines = table.lines(for: terminal)
        #expect(lines[0] == "STREAM" + String(repeating: " ", count: 28) + "EVENTS")
        #expect(lines[1].hasSuffix(" 1,000"))
        #expect(lines[2].contains("…"))
        #expect(lines.allSatisfy { $0.columns == 40 })
    }

    @Test("numbers, amounts and durations read well")
    func numbers() {
        #expect(1_234_567.grouped == "1,234,567")
        #expect((-1000).grouped == "-1,000")
        #expect(999.grouped == "999")
        #expect(512.asBytes == "512 B")
        #expect(1536.asBytes == "1.5 KiB")
        #expect(0.04.rounded(digits: 1) == "0.0")
        #expect((-1.25).rounded(digits: 1) == "-1.3")
        #expect(Double.infinity.rounded(digits: 1) == "inf")
        #expect(Duration.milliseconds(340).spoken == "340 ms")
        #expect(Duration.seconds(65).spoken == "1 min 05 s")
        #expect(Duration.seconds(7800).spoken == "2 h 10 min")
    }

    @Test("a bar shows part, rate and time left, and fits the terminal")
    func bar() throws {
        let time = Lock(Duration.zero)
        let errors = Output()
        let console = Console(
            output: Output(), errors: errors, errorTerminal: Terminal(width: 80, hasColour: false))
        let bar = ProgressBar("Importing", total: 1000, console: console, elapsed: { time.withLock { $0 } })
        for second in 1...5 {
            time.withLock { $0 = .seconds(second) }
            bar.update(to: UInt64(second * 100))
        }
        bar.update(to: 501)
        let frames = errors.text.components(separatedBy: "\r\u{1B}[2K").dropFirst()
        #expect(frames.count == 5)
        #expect(frames.last?.hasSuffix("50 %  500 of 1,000 events  100/s  5 s left") == true)
        #expect(frames.allSatisfy { $0.columns <= 80 })
        bar.finish()
        #expect(errors.text.hasSuffix("Importing: 501 events in 5.0 s, 100/s\n"))
    }

    @Test("away from a terminal there is a plain line every few seconds")
    func plainProgress() {
        let time = Lock(Duration.zero)
        let errors = Output()
        let console = Console(output: Output(), errors: errors)
        let bar = ProgressBar("Counting", console: console, elapsed: { time.withLock { $0 } })
        for second in 1...11 {
            time.withLock { $0 = .seconds(second) }
            bar.update(to: UInt64(second * 10))
        }
        bar.finish(quietly: true)
        #expect(errors.text == "Counting: 50 events  10.0/s\nCounting: 100 events  10.0/s\n")
    }

    @Test("the documentation lists every exit status, with its meaning")
    func exitStatuses() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("docs/command-line.md"), encoding: .utf8)
        for status in ExitStatus.allCases {
            #expect(text.contains("| \(status.rawValue) | \(status.meaning) |"))
        }
    }

    @Test("every command has a help with an example of itself")
    func help() async {
        for command in SillokCommand.configuration.subcommands {
            let name = command.configuration.commandName ?? ""
            let help = await sillok("help", name)
            #expect(help.status == 0)
            #expect(help.output.contains("Example") && help.output.contains("  sillok \(name)"), "\(name)")
        }
    }
}
