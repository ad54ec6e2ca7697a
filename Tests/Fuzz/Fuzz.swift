import Foundation
import SillokCore
import SillokJSON

/// `sillok-fuzz [CASES [SEED]]`: codes random values and random texts by the library and by Foundation, and compares.
///
/// Every difference that is not one of ``KnownDifference`` is printed with its seed and ends the run with status 1.
@main
enum Fuzz {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst().map { UInt64($0) }
        let cases = (arguments.first ?? nil) ?? 100_000
        let seed = (arguments.dropFirst().first ?? nil) ?? UInt64.random(in: 1...UInt64(UInt32.max))
        print("\(cases) cases, seed \(seed)")
        var report = FuzzReport()
        let start = Date()
        for number in 0..<cases {
            report.take(FuzzCase(seed: seed &+ number))
            if (number + 1).isMultiple(of: 250_000) {
                let seconds = Int(-start.timeIntervalSinceNow)
                let line = "\(number + 1) cases in \(seconds) s, \(report.unknown.count) unknown\n"
                FileHandle.standardError.write(Data(line.utf8))
            }
            if report.unknown.count >= 20 { break }
        }
        print(report.description)
        exit(report.unknown.isEmpty ? 0 : 1)
    }
}

/// What the cases came to.
struct FuzzReport: CustomStringConvertible {
    private(set) var cases = 0
    private(set) var agreed = 0
    private(set) var refusedByBoth = 0
    private(set) var known: [KnownDifference: Int] = [:]
    private(set) var unknown: [String] = []

    /// Takes a case into account.
    mutating func take(_ fuzzCase: FuzzCase) {
        cases += 1
        switch fuzzCase.verdict() {
        case .same: agreed += 1
        case .bothRefuse: refusedByBoth += 1
        case .known(let difference): known[difference, default: 0] += 1
        case .unknown(let text): unknown.append("seed \(fuzzCase.seed): \(text)")
        }
    }

    var description: String {
        let counts = known.sorted { $0.key.rawValue < $1.key.rawValue }.map {
            "  known: \($0.key.rawValue): \($0.value)"
        }
        let lines = ["\(cases) cases: \(agreed) the same, \(refusedByBoth) refused by both, \(unknown.count) unknown"]
        return (lines + counts + unknown).joined(separator: "\n")
    }
}

/// Where the library and Foundation differ on purpose; docs/json.md has them.
enum KnownDifference: String, Hashable {
    case repeatedKey = "a name twice in an object is refused"
    case depth = "deeper than 128 levels is refused"
    case encoding = "anything but UTF-8, or a mark before it, is refused"
    case wholeNumber = "a number with a fraction is no whole one, also if the nearest double is"
    case tinyNumber = "a number nearer to zero than any double is zero"
    case unread = "parts that the type does not read are checked as well"
}

/// What one case came to.
enum FuzzVerdict {
    case same, bothRefuse
    case known(KnownDifference)
    case unknown(String)
}
