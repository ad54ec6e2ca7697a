import Foundation

/// The arguments of a verb, `name=value`.
struct Words: Sendable {
    private let values: [String: String]

    init(_ arguments: some Sequence<String>) {
        let pairs = arguments.map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
        values = Dictionary(pairs.map { ($0.first ?? "", $0.count > 1 ? $0[1] : "") }) { $1 }
    }

    func has(_ name: String) -> Bool { values[name] != nil }
    func number(_ name: String, _ usual: Int) -> Int { values[name].flatMap(Int.init) ?? usual }
    func text(_ name: String) throws -> String {
        guard let text = values[name] else { throw ClusterFailure("the argument \(name)=… is missing") }
        return text
    }
}

struct ClusterFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Microseconds since this machine was started, as in /proc/uptime: all processes on it, and the faults, have the same
/// clock.
func microseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_BOOTTIME, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
}

/// A file to which a process adds lines that survive its death.
final class HistoryFile: Sendable {
    private let descriptor: Int32

    init(_ path: String) throws {
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        guard descriptor >= 0 else { throw ClusterFailure("cannot open \(path)") }
    }

    deinit { close(descriptor) }

    func write(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        let written = Foundation.write(descriptor, bytes, bytes.count)
        precondition(written == bytes.count, "the history cannot be written")
    }
}
