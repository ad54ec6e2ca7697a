import Foundation

/// What one run of a workload took.
struct Sample {
    var events: Int
    var seconds: Double
    /// Processor time of the whole process: of who appends as well as of the store.
    var cpuSeconds: Double

    var rate: Double { Double(events) / seconds }
    var cpuMicroseconds: Double { cpuSeconds / Double(events) * 1e6 }
}

/// Times `body`, which says how many events it handled.
func measure(_ body: () async throws -> Int) async rethrows -> Sample {
    let (start, cpu) = (secondsNow(), cpuSecondsNow())
    let events = try await body()
    return Sample(events: events, seconds: secondsNow() - start, cpuSeconds: cpuSecondsNow() - cpu)
}

/// Seconds of a clock that never jumps.
func secondsNow() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// Processor time that this process has used.
func cpuSecondsNow() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// Resident memory of this process in MB; 0 where the system does not say.
func residentMegabytes() -> Double {
    guard let status = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
    let fields = status.split(separator: " ")
    return fields.count > 1 ? Double(fields[1]).map { $0 * Double(sysconf(Int32(_SC_PAGESIZE))) / 1e6 } ?? 0 : 0
}

extension [Double] {
    /// The value that a part of all values lies below; 0 of none.
    func quantile(_ part: Double) -> Double {
        isEmpty ? 0 : sorted()[Swift.min(count - 1, Int(part * Double(count)))]
    }

    var median: Double { quantile(0.5) }
}

/// Sides that are measured in turns, so that what disturbs the machine disturbs all of them.
struct Rounds {
    private(set) var samples: [String: [Sample]] = [:]

    /// Runs each side once in each round, in an order that turns.
    init(_ count: Int, _ sides: [(name: String, body: () async throws -> Sample)]) async throws {
        for round in 0..<count {
            for index in sides.indices {
                let side = sides[(index + round) % sides.count]
                samples[side.name, default: []].append(try await side.body())
            }
        }
    }

    func rate(_ side: String) -> Double { (samples[side] ?? []).map(\.rate).median }
    func cpu(_ side: String) -> Double { (samples[side] ?? []).map(\.cpuMicroseconds).median }

    /// How many times longer `side` takes than `other`: the median of the rounds.
    func slowdown(_ side: String, against other: String) -> Double {
        zip(samples[side] ?? [], samples[other] ?? []).map { $1.rate / $0.rate }.median
    }
}
