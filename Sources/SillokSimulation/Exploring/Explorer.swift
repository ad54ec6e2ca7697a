import SillokCore
import SillokDisk
package import SillokSegments
import SillokSystem

/// Runs a short history again and again, each time with another call to the disk in which the power is cut, the process
/// is killed, or the call fails; and so with the openings that follow, up to three crashes deep.
package final class Explorer {
    private let number: Int
    private let script: ShortHistory
    private let faults: PlantedFaults
    private var numbers: SimulationNumbers
    private var visited: Set<Int> = []
    /// What has led to the state that is explored.
    private var path: [String] = []
    /// The number of openings that were compared with the model.
    package private(set) var states = 0
    /// The number of calls of the history in which it was interrupted.
    package private(set) var points = 0

    /// The number of short histories.
    package static var count: Int { ShortHistory.count }

    /// Creates the explorer of a short history; `nil` if there is none with this number.
    package init?(_ number: Int, faults: PlantedFaults = []) {
        guard let script = ShortHistory.numbered(number) else { return nil }
        (self.number, self.faults, self.script) = (number, faults, script)
        numbers = SimulationNumbers(seed: UInt64(number), purpose: 3)
    }

    /// The name of the history.
    package var name: String { script.name }

    /// Explores all crash points.
    package func run() throws(Violation) {
        let undisturbed = history()
        try live(undisturbed)
        let changes = undisturbed.disk.changes
        points = changes
        try recover(undisturbed, depth: 0)
        for change in 0..<changes {
            path = ["stopped in change \(change)"]
            // The call in which it stops may have taken place, or not, or in part.
            for variant in 0..<3 as Range<UInt64> {
                let history = history()
                history.disk.reseed(variant)
                history.disk.stop(inChange: change)
                try live(history)
                try crash(history, depth: 0)
            }
            for code in [EIO, ENOSPC] {
                path = ["change \(change) failed with \(code)"]
                let history = self.history()
                history.disk.fail(inChange: change, code: code)
                history.mayFail = true
                try live(history)
                try crash(history, depth: 1)
            }
        }
    }

    private func history() -> LogHistory {
        let history = LogHistory(
            seed: UInt64(number), segmentBytes: script.segmentBytes, faults: faults,
            replay: "short \(number) \(number)")
        history.makeParent()
        return history
    }

    /// Runs the history until the disk stops.
    private func live(_ history: LogHistory) throws(Violation) {
        guard try begin(history) else { return }
        for act in script.acts {
            history.step += 1
            switch act {
            case .append(let samples): try history.append(samples)
            case .fill(let rest): try history.fillSegment(leaving: rest)
            case .sync: try history.sync()
            case .prepare: try history.prepare()
            case .mark: try history.mark()
            case .settlePlaces: try history.settlePlaces()
            case .kill, .cutPower:
                if history.disk.isStopped { return }
                history.log = nil
                if act == .kill {
                    history.disk.killProcess()
                } else {
                    history.disk.cutPower { $1 }
                    history.model.loseUnsynced()
                }
                guard try begin(history) else { return }
            }
            if history.disk.isStopped { return }
        }
    }

    /// Creates the log if there is none, opens it and compares it. Returns whether it is open.
    private func begin(_ history: LogHistory) throws(Violation) -> Bool {
        for _ in 0..<2 {
            do throws(LogError) {
                let wasCreated = history.isCreated
                let existed = try history.createIfMissing()
                guard existed || !wasCreated else { throw LogError.missing("after it was created") }
            } catch {
                if history.disk.isStopped { return false }
                try expect(history, error)
                continue
            }
            switch try history.open() {
            case .opened:
                history.isCreated = true
                try history.checkContents()
                return !history.disk.isStopped
            case .stopped: return false
            case .failed(let error): try expect(history, error)
            case .refused(let error): throw violation(history, "the log refuses to open: \(error)")
            }
        }
        throw violation(history, "the log cannot be opened")
    }

    private func expect(_ history: LogHistory, _ error: LogError) throws(Violation) {
        if !history.mayFail { throw violation(history, "nothing has failed on the disk: \(error)") }
    }

    private func violation(_ history: LogHistory, _ message: String) -> Violation {
        history.violation("\(script.name): \(path.joined(separator: ", ")): \(message)")
    }

    // MARK: Crashes

    /// Ends the system in every way, and recovers from each.
    private func crash(_ history: LogHistory, depth: Int) throws(Violation) {
        let (image, model, isCreated) = (history.disk.image, history.model, history.isCreated)
        history.log = nil
        let outcomes = outcomes(of: image.unsynced, limit: script.outcomes[depth])
        for outcome in outcomes + [nil] {
            history.log = nil
            history.disk.image = image
            (history.model, history.isCreated) = (model, isCreated)
            if let outcome {
                path.append("power cut keeps \(outcome.map(String.init).joined())")
                history.disk.cutPower { index, _ in outcome[index] }
                history.model.loseUnsynced()
            } else {
                path.append("killed")
                history.disk.killProcess()
            }
            defer { path.removeLast() }
            try recover(history, depth: depth)
        }
    }

    /// Opens the log undisturbed, then with a crash in each call of the opening.
    private func recover(_ history: LogHistory, depth: Int) throws(Violation) {
        history.log = nil
        history.mayFail = false
        history.disk.forgetPlannedFailures()
        let (image, model, isCreated) = (history.disk.image, history.model, history.isCreated)
        var hasher = Hasher()
        hasher.combine(image.sum)
        hasher.combine(model.records.count)
        hasher.combine(model.acknowledgedRecords)
        hasher.combine(isCreated)
        guard visited.insert(hasher.finalize()).inserted else { return }
        states += 1
        let changes = history.disk.changes
        do throws(Violation) {
            _ = try begin(history)
            let count = history.disk.changes - changes
            try goOn(history)
            guard depth < 3 else { return }
            for change in 0..<count {
                history.log = nil
                history.disk.image = image
                (history.model, history.isCreated) = (model, isCreated)
                history.disk.stop(inChange: change)
                path.append("opening stopped in change \(change)")
                defer { path.removeLast() }
                if try begin(history) { continue }
                try crash(history, depth: depth + 1)
            }
        } catch {
            throw error.message.hasPrefix(script.name) ? error : violation(history, error.message)
        }
    }

    /// Appends to the opened log, loses everything that is not synced, and opens it again.
    private func goOn(_ history: LogHistory) throws(Violation) {
        history.log = nil
        history.disk.cutPower { _, _ in 0 }
        history.model.loseUnsynced()
        _ = try begin(history)
        // As large as a group that may have been cut, so that an old group may follow it.
        try history.append([ShortHistory.other])
        try history.sync()
        history.log = nil
        history.disk.cutPower { _, _ in 0 }
        _ = try begin(history)
    }

    /// Which versions of the unsynced sectors and names a power cut keeps: all combinations if they are few, otherwise
    /// nothing, everything, each one alone, all but one, and some others.
    private func outcomes(of unsynced: [Int], limit: Int) -> [[Int]?] {
        guard !unsynced.isEmpty else { return [[]] }
        let all = unsynced.reduce(1) { $0 > limit ? $0 : $0 * ($1 + 1) }
        if all <= limit {
            return (0..<all).map { number in
                var rest = number
                return unsynced.map { versions in
                    defer { rest /= versions + 1 }
                    return rest % (versions + 1)
                }
            }
        }
        let nothing = unsynced.map { _ in 0 }
        var outcomes = [nothing, unsynced]
        for index in unsynced.indices {
            outcomes.append(nothing.enumerated().map { $0.offset == index ? unsynced[index] : 0 })
            outcomes.append(unsynced.enumerated().map { $0.offset == index ? 0 : $0.element })
        }
        if outcomes.count > limit {
            outcomes = Array(outcomes.prefix(2)) + (2..<limit).compactMap { _ in numbers.element(outcomes) }
        }
        for _ in 0..<limit / 2 { outcomes.append(unsynced.map { numbers.below($0 + 1) }) }
        return outcomes
    }
}
