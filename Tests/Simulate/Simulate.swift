import SillokSegments
import SillokSimulation
import SillokSystem

/// Runs histories of the log engine on simulated disks: `sillok-simulate VERB …`. It ends with 1 after a violation.
///
/// - `short FROM TO`: explores every crash point of the short histories with these numbers.
/// - `seeds FROM TO`: runs one long history for each seed.
/// - `stores FROM TO`: runs one history of a whole store, with its writer and its index, for each seed.
/// - `flips COUNT`: flips this number of bits in closed logs, 200 in each.
/// - `planted NAME`: plants a fault and runs seeds until it is caught; `planted all` does so for each fault.
///
/// Options: `--operations N` (the most steps of a history), `--from N` (the first seed, or the first log of flips),
/// `--limit N` (how many seeds `planted` tries), `--every N` (seeds between two lines of progress), `--faults BITS`,
/// `--trace` (prints each step). Every line of progress says with which arguments the run continues.
@main
enum Simulate {
    static func main() {
        var words = Array(CommandLine.arguments.dropFirst())
        let options = Options(taking: &words)
        let numbers = words.dropFirst().compactMap { UInt64($0) }
        switch (words.first, numbers.count) {
        case ("short", 2): exit(short(Int(clamping: numbers[0]), Int(clamping: numbers[1]), options))
        case ("seeds", 2): exit(seeds(numbers[0]...max(numbers[0], numbers[1]), options))
        case ("stores", 2): exit(stores(numbers[0]...max(numbers[0], numbers[1]), options))
        case ("flips", 1): exit(flips(Int(clamping: numbers[0]), options))
        case ("planted", _) where words.count == 2: exit(planted(words[1], options))
        default:
            print("sillok-simulate short FROM TO | seeds FROM TO | stores FROM TO | flips COUNT | planted NAME")
            let names = (PlantedFaults.named + PlantedFaults.ofStores).map(\.name)
            print("the faults: \(names.joined(separator: " "))")
            exit(64)
        }
    }

    private static func short(_ first: Int, _ last: Int, _ options: Options) -> Int32 {
        for number in stride(from: first, through: min(last, Explorer.count - 1), by: 1) {
            guard let explorer = Explorer(number, faults: options.campaign.faults) else { return 64 }
            let start = seconds()
            do throws(Violation) {
                try explorer.run()
            } catch {
                say("VIOLATION \(error)")
                return 1
            }
            say(
                "short \(number): \(explorer.name): \(explorer.points) calls, \(explorer.states) states, "
                    + "\(rounded(seconds() - start)) s")
        }
        return 0
    }

    private static func seeds(_ range: ClosedRange<UInt64>, _ options: Options) -> Int32 {
        let start = seconds()
        var (counts, violations) = (HistoryCounts(), 0)
        for seed in range {
            switch options.campaign.run(seed: seed) {
            case .success(let more): counts += more
            case .failure(let violation):
                say("VIOLATION \(violation)")
                violations += 1
            }
            if violations > 9 || seed == range.upperBound || (seed - range.lowerBound + 1) % options.every == 0 {
                let done = seed - range.lowerBound + 1
                say(
                    "\(done) seeds, \(violations) violations, \(counts), \(rounded(Double(done) / (seconds() - start)))"
                        + " seeds a second; continue with: seeds \(seed + 1) \(range.upperBound)")
            }
            if violations > 9 { break }
        }
        return violations == 0 ? 0 : 1
    }

    private static func stores(_ range: ClosedRange<UInt64>, _ options: Options) -> Int32 {
        let start = seconds()
        var (violations, acknowledged) = (0, 0)
        for seed in range {
            switch StoreHistory.run(seed: seed, options.campaign.faults, isTraced: options.campaign.isTraced) {
            case .success(let events): acknowledged += events
            case .failure(let violation):
                say("VIOLATION \(violation)")
                violations += 1
            }
            let done = seed - range.lowerBound + 1
            if violations > 9 || seed == range.upperBound || done % options.every == 0 {
                say(
                    "\(done) stores, \(violations) violations, \(acknowledged) events, "
                        + "\(rounded(Double(done) / (seconds() - start))) a second; continue with: "
                        + "stores \(seed + 1) \(range.upperBound)")
            }
            if violations > 9 { break }
        }
        return violations == 0 ? 0 : 1
    }

    private static func flips(_ count: Int, _ options: Options) -> Int32 {
        let start = seconds()
        var (counts, done, seed) = (BitFlips.Counts(), 0, options.first)
        while done < count {
            let next = min(200, count - done)
            switch options.flips.run(seed: seed, count: next) {
            case .success(let more): counts += more
            case .failure(let violation):
                say("VIOLATION \(violation)")
                return 1
            }
            done += next
            seed += 1
            if done >= count || seed % 100 == 0 {
                say(
                    "\(done) flips: \(counts.refused) refused, \(counts.unreadable) unreadable, \(counts.cut) cut, "
                        + "\(counts.harmless) harmless, \(rounded(Double(done) / (seconds() - start))) flips a second;"
                        + " continue with: flips \(count - done) --from \(seed)")
            }
        }
        return 0
    }

    private static func planted(_ name: String, _ options: Options) -> Int32 {
        let chosen = PlantedFaults.named.filter { name == "all" || $0.name == name }
        let ofStores = PlantedFaults.ofStores.filter { name == "all" || $0.name == name }
        var status: Int32 = chosen.isEmpty && ofStores.isEmpty ? 64 : 0
        for (name, fault) in ofStores {
            let start = seconds()
            let (violation, tries) = StoreHistory.catchFault(fault, from: options.first, limit: options.limit)
            if !report(name, violation, tries, start) { status = 1 }
        }
        for (name, fault) in chosen {
            var campaign = options.campaign
            campaign.faults = fault
            let start = seconds()
            let (violation, tries) = campaign.catchFaults(from: options.first, limit: options.limit)
            if !report(name, violation, tries, start) { status = 1 }
        }
        return status
    }

    /// Prints whether a fault was caught, and returns that.
    private static func report(_ name: String, _ violation: Violation?, _ tries: UInt64, _ start: Double) -> Bool {
        guard let violation else {
            say("planted \(name): NOT CAUGHT in \(tries) seeds")
            return false
        }
        say("planted \(name): seed \(violation.seed), after \(tries) seeds, \(rounded(seconds() - start)) s")
        say("    step \(violation.step): \(violation.message)")
        return true
    }

    /// Prints a line at once, also to a file.
    private static func say(_ line: String) {
        print(line)
        fflush(nil)
    }

    private static func seconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func rounded(_ number: Double) -> Double { (number * 10).rounded() / 10 }
}

/// The options of the command.
private struct Options {
    var campaign = Campaign()
    var first: UInt64 = 1
    var limit: UInt64 = 20_000
    var every: UInt64 = 1_000

    var flips: BitFlips {
        var flips = BitFlips()
        (flips.faults, flips.isTraced) = (campaign.faults, campaign.isTraced)
        return flips
    }

    /// Takes the options out of the words.
    init(taking words: inout [String]) {
        func number(after name: String) -> UInt64? {
            guard let index = words.firstIndex(of: name), index + 1 < words.count else { return nil }
            defer { words.removeSubrange(index...index + 1) }
            return UInt64(words[index + 1])
        }
        if let most = number(after: "--operations").map({ Int(clamping: $0) }) {
            campaign.operations = min(30, most)...most
        }
        if let bits = number(after: "--faults") { campaign.faults = PlantedFaults(rawValue: UInt32(clamping: bits)) }
        first = number(after: "--from") ?? first
        limit = number(after: "--limit") ?? limit
        every = max(1, number(after: "--every") ?? every)
        if let index = words.firstIndex(of: "--trace") {
            words.remove(at: index)
            campaign.isTraced = true
        }
    }
}
