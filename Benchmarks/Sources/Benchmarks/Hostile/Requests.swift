import Foundation

/// f: one key holds all places for waiting reads, while another key reads. Needs a built `sillok`, which SILLOK_BENCH_SERVER
/// names: the server is a process of its own.
func waitingReads(_ plan: Plan, _ verdicts: inout Verdicts) async throws {
    guard let program = ProcessInfo.processInfo.environment["SILLOK_BENCH_SERVER"] else {
        return verdicts.skip("f", "SILLOK_BENCH_SERVER names no server")
    }
    let times = try await onThread { try WaitingReads(plan: plan, program: program).run() }
    verdicts.add(
        "f", "520 waiting reads of one key", "another key's read p99", seconds: times.attacked, control: times.control,
        atMost: 3)
    verdicts.add(
        "f", "the same", "another key's reads that were refused", "\(times.refused)", "0", ratio: nil, goal: "0",
        isMet: times.refused == 0)
}

/// Runs `body` on a thread that it may block.
private func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: .init(catching: body)) }
    }
}

private struct WaitingReads {
    let plan: Plan
    let program: String

    struct Times { var control = 0.0, attacked = 0.0, refused = 0 }

    func run() throws -> Times {
        let path = plan.fresh("waiting")
        for end in ["", "-wal", "-shm", "-lock"] { try? FileManager.default.removeItem(atPath: path + "-access" + end) }
        let port = UInt16.random(in: 20_000..<60_000)
        let server = Process()
        server.executableURL = URL(fileURLWithPath: program)
        server.arguments = ["serve", path, "--http", "127.0.0.1:\(port)", "--auth", "keys"]
        server.standardOutput = FileHandle.nullDevice
        server.standardError = FileHandle.nullDevice
        try server.run()
        defer {
            server.terminate()
            server.waitUntilExit()
            plan.remove("waiting")
        }
        while (try? Connection(port)) == nil { usleep(20_000) }
        let (attacker, other) = (try key("attacker", path), try key("other", path))
        var times = Times()
        let connection = try Connection(port)
        let count = plan.isQuick ? 200 : 1000
        (times.control, _) = try reads(connection, other, count)
        let waiting = try (0..<520).map { _ in try Connection(port) }
        for one in waiting {
            try one.send(request(attacker, "Sillok-At-Least: 1000000\r\nPrefer: wait=30\r\n"))
        }
        usleep(500_000)
        (times.attacked, times.refused) = try reads(connection, other, count)
        return times
    }

    private func key(_ name: String, _ path: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["keys", "create", path, "--name", name, "--scope", "read"]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let word = text.split(whereSeparator: { " \n\t\"".contains($0) }).first { $0.hasPrefix("sillok_") }
        guard let word else { throw BenchFailure(description: "no key was made: \(text)") }
        return String(word)
    }

    private func request(_ key: String, _ more: String = "") -> String {
        "GET /v1/events?limit=1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(key)\r\n\(more)\r\n"
    }

    /// The p99 of reads one after the other, and how many were refused.
    private func reads(_ connection: Connection, _ key: String, _ count: Int) throws -> (Double, Int) {
        var (times, refused): ([Double], Int) = ([], 0)
        for _ in 0..<count {
            let start = secondsNow()
            try connection.send(request(key))
            if try !connection.answer().hasPrefix("HTTP/1.1 200") { refused += 1 }
            times.append(secondsNow() - start)
        }
        return (times.quantile(0.99), refused)
    }
}

struct BenchFailure: Error, CustomStringConvertible {
    let description: String
}

/// A connection that blocks its thread.
private final class Connection {
    private let descriptor: Int32

    init(_ port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw BenchFailure(description: "no connection: \(errno)") }
    }

    deinit { close(descriptor) }

    func send(_ text: String) throws {
        let bytes = Array(text.utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count else {
            throw BenchFailure(description: "the connection is broken")
        }
    }

    /// The next answer, whole.
    func answer() throws -> String {
        var text = ""
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &bytes, bytes.count)
            guard count > 0 else { throw BenchFailure(description: "the connection ended: \(text)") }
            text += String(decoding: bytes[..<count], as: UTF8.self)
            guard let end = text.range(of: "\r\n\r\n") else { continue }
            let head = text[..<end.lowerBound].lowercased()
            let length = head.range(of: "content-length: ").flatMap { range in
                Int(head[range.upperBound...].prefix { $0.isNumber })
            }
            if text[end.upperBound...].utf8.count >= length ?? 0 { return text }
        }
    }
}
