import Foundation
import SillokCore
import Testing

@testable import SillokService

/// A server whose clock and counters the test moves.
private struct Measured {
    var history = MetricsHistory()
    var now: Timestamp = "2026-11-29T00:00:00.300000Z"
    var totals = MetricsHistory.Totals(appends: 0, events: 0, reads: 0, failures: 0, times: .seconds)

    /// Records once a second, with ten appends of two events in each.
    mutating func run(seconds: Int, lag: Double = 0) {
        for _ in 0..<seconds {
            now = now.advanced(byMicroseconds: 1_000_000)
            totals.appends &+= 10
            totals.events &+= 20
            totals.times.record(0.001)
            history.record(totals, lagSeconds: lag, at: now)
        }
    }

    func points(_ window: MetricsHistory.Window) -> [MetricsHistory.Point] { history.points(window, until: now) }
}

@Suite("History of measurements")
struct MetricsHistoryTests {
    private let path = FileManager.default.temporaryDirectory.appending(path: "sillok-metrics-\(UUID())").path

    @Test("24 hours stay in a fixed amount of memory, and each range has its values")
    func day() {
        var server = Measured()
        server.run(seconds: 2 * 86_400)
        #expect(MetricsHistory.bytes == 67_200)
        #expect(server.history.encoded.count <= MetricsHistory.bytes + 64)
        for (window, number) in zip(MetricsHistory.Window.allCases, [300, 360, 720]) {
            #expect(abs(server.points(window).count - number) <= 1, "\(window)")
        }
        for window in MetricsHistory.Window.allCases {
            for point in server.points(window).dropFirst() {
                #expect(abs(Double(point.events) / point.seconds - 20) < 0.5, "\(window): \(point)")
                #expect(point.median != nil && point.p99 != nil)
            }
        }
    }

    @Test("a short lag is seen in the values of 24 hours")
    func peak() {
        var server = Measured()
        server.run(seconds: 600)
        server.run(seconds: 1, lag: 7)
        server.run(seconds: 600)
        #expect(server.points(.day).map(\.lagSeconds).max() == 7)
        #expect(server.points(.hour).filter { $0.lagSeconds == 7 }.count == 1)
    }

    @Test("a restart keeps the values, and its pause is a gap")
    func restart() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        var server = Measured()
        server.run(seconds: 7200)
        let before = server.points(.day)
        #expect(MetricsFile(path).save(server.history))
        #expect(!FileManager.default.fileExists(atPath: path + ".new"))
        var again = Measured(history: MetricsFile(path).load(), now: server.now.advanced(byMicroseconds: 600_000_000))
        #expect(again.points(.day) == before && !before.isEmpty)
        #expect(again.history.seconds(120, until: again.now).isEmpty)
        again.run(seconds: 3600)
        let points = again.points(.day)
        #expect(points.count > before.count + 28)
        #expect(points.map(\.at) == points.map(\.at).sorted())
        let pauses = zip(points, points.dropFirst()).filter { $1.at.microseconds(since: $0.at) > 240_000_000 }
        #expect(pauses.count == 1)
        // The counters of the new process began at zero.
        #expect(points.allSatisfy { abs(Double($0.events) / $0.seconds - 20) < 1 })
    }

    @Test("a file that is missing or damaged is an empty history", arguments: [0, 9, 40, 5000])
    func damaged(byte: Int) throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(MetricsFile(path).load().points(.day, until: Measured().now).isEmpty)
        var server = Measured()
        server.run(seconds: 3600)
        var bytes = server.history.encoded
        bytes[byte] ^= 4
        for damaged in [bytes, Array(server.history.encoded.dropLast(100)), [], Array("sillok metrics 1".utf8)] {
            try Data(damaged).write(to: URL(filePath: path))
            let read = MetricsFile(path).load()
            #expect(read.points(.hour, until: server.now).isEmpty)
        }
        try Data(server.history.encoded).write(to: URL(filePath: path))
        #expect(MetricsFile(path).load().points(.hour, until: server.now) == server.points(.hour))
    }

    @Test("a file that cannot be written is reported")
    func unwritable() { #expect(!MetricsFile("/nowhere/\(UUID())/metrics").save(MetricsHistory())) }

    @Test("a clock that jumps ahead leaves a gap, and one that is set back drops the future")
    func jumps() {
        var server = Measured()
        server.run(seconds: 600)
        server.now = server.now.advanced(byMicroseconds: 3_600_000_000)
        server.run(seconds: 600)
        let ahead = server.points(.day)
        #expect(ahead.allSatisfy { $0.seconds <= 360 })
        #expect(zip(ahead, ahead.dropFirst()).contains { $1.at.microseconds(since: $0.at) >= 3_600_000_000 })
        server.now = server.now.advanced(byMicroseconds: -5_400_000_000)
        server.run(seconds: 1)
        #expect(server.points(.day).allSatisfy { $0.at <= server.now })
        server.run(seconds: 600)
        for window in MetricsHistory.Window.allCases {
            let points = server.points(window)
            #expect(points.map(\.at) == points.map(\.at).sorted() && Set(points.map(\.at)).count == points.count)
            #expect(!points.isEmpty)
        }
    }

    @Test("counters that began again, or are huge, do not stop the program")
    func counters() {
        var server = Measured()
        server.run(seconds: 10)
        server.totals.appends = 0
        server.totals.events = .max
        server.now = server.now.advanced(byMicroseconds: 1_000_000)
        server.history.record(server.totals, lagSeconds: .infinity, at: server.now)
        server.history.record(server.totals, lagSeconds: 0, at: Timestamp(microsecondsSince1970: .max))
        server.history.record(server.totals, lagSeconds: 0, at: Timestamp(microsecondsSince1970: .min))
        server.run(seconds: 2)
        #expect(server.points(.fiveMinutes).map(\.events).max() ?? 0 <= UInt64(UInt32.max))
    }
}
