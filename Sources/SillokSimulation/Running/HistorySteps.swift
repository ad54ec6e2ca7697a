import SillokChain
import SillokCore
import SillokDisk
import SillokSegments
import SillokSystem

/// How likely each step of a history is.
struct StepWeights: Sendable {
    /// A step of a history.
    enum Step: CaseIterable, Sendable {
        case append, appendAndSync, sync, prepare, mark, settlePlaces, read, readOnly, close, kill, cutPower
        case stopSoon, failSoon, fillDisk, damage
    }

    private var steps: [Step] = []

    init() {}

    /// Chooses weights, so that some histories have many openings and others long segments.
    init(_ numbers: inout SimulationNumbers) {
        for step in Step.allCases {
            let usual =
                switch step {
                case .append, .appendAndSync: 30
                case .sync: 15
                case .prepare, .mark: 6
                case .damage, .kill, .cutPower, .stopSoon, .failSoon: 4
                case .settlePlaces, .read, .readOnly, .close, .fillDisk: 3
                }
            steps += Array(repeating: step, count: numbers.happens(150) ? 0 : numbers.number(1...2 * usual))
        }
        steps.append(.appendAndSync)
    }

    func next(_ numbers: inout SimulationNumbers) -> Step { numbers.element(steps) ?? .append }
}

extension LogHistory {
    /// How a system ends.
    enum End: Sendable {
        case kill, powerCut
    }

    func takeStep() throws(Violation) {
        step += 1
        if log?.failure != nil, numbers.happens(300) { return try reopen(by: anyEnd()) }
        let next = weights.next(&numbers)
        note("\(next)")
        switch next {
        case .append: try append()
        case .appendAndSync:
            try append()
            try sync()
        case .sync: try sync()
        case .prepare: try prepare()
        case .mark: try mark()
        case .settlePlaces: try settlePlaces()
        case .read: try readSome()
        case .readOnly: try readFromAnotherProcess()
        case .close:
            try mark()
            try reopen(by: .kill)
        case .kill: try reopen(by: .kill)
        case .cutPower: try reopen(by: .powerCut)
        case .stopSoon: disk.stop(inChange: numbers.below(6))
        case .failSoon: planFailure()
        case .fillDisk: fillDisk()
        case .damage: try damage()
        }
        if disk.isStopped { try reopen(by: anyEnd()) }
    }

    func anyEnd() -> End { numbers.happens(600) ? .powerCut : .kill }

    private func planFailure() {
        let calls: [DiskCall] = [.write, .sync, .syncFolder, .create, .open, .read, .names, .remove, .rename]
        let code = numbers.happens(200) ? ENOSPC : EIO
        disk.fail(numbers.element(calls) ?? .write, after: numbers.below(3), code: code)
        mayFail = true
    }

    private func fillDisk() {
        var faults = disk.faults
        if faults.capacity == nil {
            faults.capacity = disk.image.usedBytes + numbers.below(2 * settings.maximumSegmentBytes)
            mayFail = true
        } else {
            faults.capacity = nil
        }
        disk.faults = faults
    }

    // MARK: Writing

    /// Writes a group, and takes it into the model unless it certainly failed.
    func append(_ appends: [Int]? = nil) throws(Violation) {
        guard let log, !disk.isStopped else { return }
        let records = fill(appends ?? anyAppends())
        let wasFailed = log.failure != nil
        _ = disk.takeObservedWrites()
        count(\.groups)
        do throws(LogError) {
            try log.write(&buffer)
        } catch {
            return try appendFailed(records, error, wasFailed: wasFailed)
        }
        try require(!wasFailed, "a group was written after the log had failed")
        takeObserved(records, isWhole: true)
        note("    \(records.count) records up to \(model.head) at \(model.entries.last?.place.map { "\($0)" } ?? "?")")
        try require(log.writtenHead == model.head, "after a write the head is \(log.writtenHead), not \(model.head)")
        try takeDurableHead()
    }

    /// Appends an event of such a size that `rest` bytes are left in the segment in front of its seal, if it fits.
    func fillSegment(leaving rest: Int) throws(Violation) {
        guard let place = model.entries.last?.place, let size = disk.bytes(of: place.path)?.count else { return }
        // A header, a prefix with its link, and the body without the payload.
        let count = size - 64 - rest - place.range.upperBound - 64 - (hasLinks ? 64 : 32)
        let overhead = SampleAppend.quoting([], &numbers).bodies[0].count
        guard count >= overhead else { return }
        appends.append(.quoting([UInt8](repeating: 7, count: count - overhead), &numbers))
        try append([appends.count - 1])
    }

    private func appendFailed(
        _ records: [LogModel.Record], _ error: LogError, wasFailed: Bool
    ) throws(Violation) {
        note("    failed: \(error)")
        count(\.failures)
        if disk.isStopped {
            takeObserved(records, isWhole: false)
            return model.loseUnsynced()
        }
        switch error {
        case .stopped:
            try require(wasFailed, "the log refuses a group although nothing has failed: \(error)")
            try require(
                disk.takeObservedWrites().isEmpty, "the log has failed and still writes")
        case .full:
            try require(mayFail && !wasFailed, "there is space, and the log is full: \(error)")
            try require(log?.failure == nil, "the log is full and takes no other group: \(error)")
            try require(log?.writtenHead == model.head, "the log is full, and its head has moved")
        case .disk:
            try require(mayFail && !wasFailed, "nothing has failed on the disk: \(error)")
            try require(log?.failure != nil, "a write has failed, and the log continues: \(error)")
            takeObserved(records, isWhole: false)
            model.loseUnsynced()
        default: throw violation("a write failed with: \(error)")
        }
        try takeDurableHead()
    }

    /// Takes what was written in a call: marks and seals, and the group if there is one.
    private func takeObserved(_ records: [LogModel.Record]?, isWhole: Bool) {
        var writes = disk.takeObservedWrites().filter { $0.path.hasSuffix(".seg") }
        var place: LogModel.Place?
        // Adjacent writes are observed as one, such as the header of a new segment and its first group.
        if records != nil, let last = writes.last, last.range.count >= buffer.count {
            writes.removeLast()
            place = LogModel.Place(
                path: last.path, range: last.range.upperBound - buffer.count..<last.range.upperBound)
        }
        // The last bytes of a mark are zeros, so a part of it may be all of it.
        for write in writes where write.range.count <= 64 && write.range.lowerBound > 0 {
            let range = write.range.lowerBound..<write.range.lowerBound + 64
            model.add([], at: LogModel.Place(path: write.path, range: range), isWhole: isWhole)
        }
        if let records { model.add(records, at: place, isWhole: isWhole) }
    }

    /// Compares the durable position that the log reports with what may be durable.
    private func takeDurableHead() throws(Violation) {
        guard let log else { return }
        try require(
            log.durableHead >= model.acknowledgedHead && log.durableHead <= model.head,
            "the log says that it is durable up to \(log.durableHead): \(model.acknowledgedHead) is acknowledged, "
                + "\(model.head) is written"
        )
        model.acknowledge(through: log.durableHead)
    }

    /// Fills the buffer with appends.
    private func fill(_ indexes: [Int]) -> [LogModel.Record] {
        buffer.begin(first: model.head + 1)
        var records: [LogModel.Record] = []
        var position = model.head
        var recorded = model.records.last(where: \.isEvent)?.recorded ?? 1_000_000
        for index in indexes {
            let append = appends[index]
            guard buffer.records == 0 || buffer.events + append.entries.count <= 50 else { break }
            if append.tracking != nil {
                records.append(
                    LogModel.Record(
                        position: position + 1, isEvent: false, append: index, index: 0, revision: 0, recorded: 0,
                        link: nil))
            }
            let stamps = append.entries.map { entry in
                recorded += Int64(numbers.below(100))
                return EventStamp(
                    revision: entry.stream == nil ? 0 : numbers.next() >> 20, recorded: recorded,
                    link: hasLinks ? anyLink() : nil)
            }
            for (event, stamp) in stamps.enumerated() {
                position += 1
                records.append(
                    LogModel.Record(
                        position: position, isEvent: true, append: index, index: append.trackings + event,
                        revision: stamp.revision, recorded: stamp.recorded, link: stamp.link))
            }
            buffer.add(hasLinks ? append.linked : append.plain) { stamps[$0] }
        }
        return records
    }

    private func anyAppends() -> [Int] {
        (0..<(numbers.happens(600) ? 1 : numbers.number(2...8))).map { _ in anyAppend() }
    }

    /// One of the samples, or an event whose payload is a copy of a group of this log.
    private func anyAppend() -> Int {
        let place = numbers.happens(20) ? numbers.element(model.entries)?.place : nil
        guard let place, let bytes = disk.bytes(of: place.path) else { return numbers.below(SampleAppend.all.count) }
        let quoted = bytes[place.range.clamped(to: 0..<bytes.count)].prefix(3_000)
        appends.append(.quoting([UInt8](repeating: 0, count: numbers.below(8)) + quoted, &numbers))
        return appends.count - 1
    }

    private func anyLink() -> ChainDigest? {
        ChainDigest((0..<4).flatMap { _ in withUnsafeBytes(of: numbers.next()) { Array($0) } })
    }

    func sync() throws(Violation) {
        guard let log, !disk.isStopped else { return }
        let wasFailed = log.failure != nil
        count(\.syncs)
        do throws(LogError) {
            try log.sync()
        } catch {
            note("    sync failed: \(error)")
            count(\.failures)
            if disk.isStopped { return }
            switch error {
            case .stopped: try require(wasFailed, "the log refuses a sync although nothing has failed: \(error)")
            case .disk:
                try require(mayFail && !wasFailed, "nothing has failed on the disk: \(error)")
                try require(log.failure != nil, "a sync has failed, and the log continues: \(error)")
                model.loseUnsynced()
            default: throw violation("a sync failed with: \(error)")
            }
            return try takeDurableHead()
        }
        try require(!wasFailed, "a sync succeeded after the log had failed")
        model.acknowledge()
        try require(
            log.durableHead == model.head && log.reader.durableHead == model.head,
            "after a sync the durable head is \(log.durableHead), not \(model.head)")
    }

    func prepare() throws(Violation) {
        guard let log, !disk.isStopped else { return }
        let wasFailed = log.failure != nil
        do throws(LogError) {
            try log.upkeep.prepareNextSegment()
        } catch {
            note("    failed: \(error)")
            if disk.isStopped { return }
            try require(mayFail || wasFailed, "nothing has failed on the disk: \(error)")
            try require(wasFailed || log.failure == nil, "there is no next segment, and the log stops: \(error)")
        }
    }

    func settlePlaces() throws(Violation) {
        guard let log, !disk.isStopped else { return }
        let wasFailed = log.failure != nil
        do throws(LogError) {
            try log.upkeep.settlePlaces()
        } catch {
            note("    failed: \(error)")
            if disk.isStopped { return }
            try require(mayFail || wasFailed, "nothing has failed on the disk: \(error)")
        }
    }

    func mark() throws(Violation) {
        guard let log, !disk.isStopped else { return }
        let wasFailed = log.failure != nil
        _ = disk.takeObservedWrites()
        do throws(LogError) {
            try log.writeMark()
            takeObserved(nil, isWhole: true)
        } catch {
            note("    mark failed: \(error)")
            takeObserved(nil, isWhole: false)
            if disk.isStopped || log.failure != nil { model.loseUnsynced() }
            try require(mayFail || wasFailed || disk.isStopped, "nothing has failed on the disk: \(error)")
        }
    }
}
