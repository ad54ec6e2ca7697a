import SillokCore
import SillokDisk
import SillokSegments

extension LogHistory {
    /// What came of an attempt to open the log.
    enum Opening {
        case opened
        case stopped
        case failed(LogError)
        case refused(LogError)
    }

    /// Creates the log, with crashes and failures in between.
    func create() throws(Violation) {
        makeParent()
        if numbers.happens(300) { disk.stop(inChange: numbers.below(30)) }
        if numbers.happens(100) { planSomeFailure() }
        for attempt in 0..<10 {
            if attempt > 5 {
                disk.faults = DiskFaults()
                disk.forgetPlannedFailures()
            }
            let existed: Bool
            do throws(LogError) {
                existed = try createIfMissing()
            } catch {
                note("creation failed: \(error)")
                if disk.isStopped || numbers.happens(200) {
                    end(by: anyEnd())
                    if attempt < 5, numbers.happens(400) { disk.stop(inChange: numbers.below(20)) }
                } else {
                    try require(mayFail, "nothing has failed on the disk: \(error)")
                }
                continue
            }
            note("created")
            return try reopen(by: existed || numbers.happens(500) ? nil : anyEnd())
        }
        throw violation("the log cannot be created")
    }

    /// Creates the log unless there is one, and returns whether there was one.
    func createIfMissing() throws(LogError) -> Bool {
        let existed = try SegmentLog.exists(Self.folder, on: disk)
        if !existed {
            try SegmentLog.create(Self.folder, on: disk, identity, settings)
            isCreated = true
        }
        return existed
    }

    func makeParent() {
        let faults = disk.faults
        disk.faults = DiskFaults()
        defer { disk.faults = faults }
        do throws(DiskError) {
            try disk.makeFolder(DiskImage.folder(of: Self.folder))
            try disk.syncFolder("")
        } catch {
            note("the parent failed: \(error)")
        }
    }

    private func planSomeFailure() {
        disk.fail(numbers.element(DiskCall.allCases) ?? .write, after: numbers.below(4))
        mayFail = true
    }

    /// Ends the system.
    func end(by end: End) {
        note("    \(end)")
        log = nil
        switch end {
        case .kill:
            count(\.kills)
            disk.killProcess()
        case .powerCut:
            count(\.powerCuts)
            disk.cutPower()
            model.loseUnsynced()
        }
    }

    /// Ends the system and opens the log again, with crashes and failures in between, and compares it with the model.
    func reopen(by end: End?) throws(Violation) {
        if let end { self.end(by: end) }
        log = nil
        for attempt in 0..<12 {
            let isLast = attempt > 8
            if isLast {
                disk.faults = DiskFaults()
                disk.forgetPlannedFailures()
            }
            if !isLast, numbers.happens(200) { disk.stop(inChange: numbers.below(5)) }
            switch try open() {
            case .opened:
                disk.stop(inChange: nil)
                isCreated = true
                return try checkContents()
            case .stopped: self.end(by: anyEnd())
            case .failed(let error):
                try require(mayFail, "nothing has failed on the disk: \(error)")
                disk.stop(inChange: nil)
                if numbers.happens(300) { self.end(by: anyEnd()) }
            case .refused(.missing) where !isCreated: return try create()
            case .refused(let error): return try takeRefusal(error)
            }
        }
        throw violation("the log cannot be opened")
    }

    /// Tries to open the log once.
    func open() throws(Violation) -> Opening {
        count(\.openings)
        do throws(LogError) {
            log = try SegmentLog(opening: Self.folder, on: disk, .write, settings)
            return disk.isStopped ? .stopped : .opened
        } catch {
            note("    opening failed: \(error)")
            if disk.isStopped { return .stopped }
            switch error {
            case .disk, .full: return .failed(error)
            default: return .refused(error)
            }
        }
    }
}
