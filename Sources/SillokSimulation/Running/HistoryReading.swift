import SillokChain
import SillokCore
import SillokDisk
import SillokSegments
import SillokSystem

extension LogHistory {
    var isDamaged: Bool { !damagedEntries.isEmpty || isElsewhereDamaged }

    /// Compares everything that a log shows after an opening with the model. What it shows is acknowledged from then
    /// on.
    func checkContents() throws(Violation) {
        guard let log else { return }
        let faults = pauseFaults()
        defer { disk.faults = faults }
        try require(
            log.writtenHead == log.durableHead,
            "an opened log has \(log.writtenHead) as its head, and \(log.durableHead) is durable")
        try require(log.identity == identity, "the log has another identity")
        let shown = try countShown(log.reader, through: log.durableHead)
        note("    \(shown) records up to \(log.durableHead)")
        try settle(shown: shown)
        try require(
            log.durableHead == model.head, "the head is \(log.durableHead), and the records end at \(model.head)")
        damagedEntries = damagedEntries.filter { $0 < model.entries.count }
        for _ in 0..<3 { try readOne(log.reader, through: model.head) }
    }

    /// Takes what the log shows into the model.
    private func settle(shown: Int) throws(Violation) {
        var settled = model
        guard let reason = settled.settle(shown: shown, damaged: damagedEntries) else { return model = settled }
        guard hasUnreadable else { throw violation(reason) }
        // Groups of trackings behind the last event cannot be read apart, so with damage in front of them any number of
        // them may be shown.
        let fewer = model.records[..<shown].reversed().prefix { !$0.isEvent }.count
        let more = model.records[shown...].prefix { !$0.isEvent }.count
        for count in shown - fewer...shown + more {
            settled = model
            if settled.settle(shown: count, damaged: damagedEntries) == nil { return model = settled }
        }
        throw violation(reason)
    }

    /// Compares what a process that only reads sees while the log is open for writing.
    func readFromAnotherProcess() throws(Violation) {
        guard let live = log, live.failure == nil, !disk.isStopped, !isDamaged else { return }
        let faults = pauseFaults()
        defer { disk.faults = faults }
        let (changes, durable) = (disk.changes, live.durableHead)
        let log: SegmentLog
        do throws(LogError) {
            log = try SegmentLog(opening: Self.folder, on: disk, .readOnly, settings)
        } catch {
            throw violation("a log cannot be opened for reading: \(error)")
        }
        // After a failure the file that says how far the log is durable may be an older one.
        try require(
            log.durableHead == durable || mayFail && log.durableHead < durable,
            "another process sees \(log.durableHead) as durable, and \(durable) is")
        _ = try countShown(log.reader, through: log.durableHead)
        try require(disk.changes == changes, "a log that was opened for reading has written")
    }

    /// Opens a damaged log for salvage: every event that it shows is right, and every sound one is there.
    func salvage() throws(Violation) {
        let changes = disk.changes
        let log: SegmentLog
        do throws(LogError) {
            log = try SegmentLog(opening: Self.folder, on: disk, .salvage, settings)
        } catch {
            return try require(isElsewhereDamaged, "the log cannot be opened for salvage: \(error)")
        }
        for position in stride(from: 1 as UInt64, through: model.head, by: 1) {
            var reason: String?
            do {
                reason = try log.reader.record(at: position) { self.difference($0, self.model.event(at: position)) }
            } catch {
                let isDamaged = model.entry(of: position).map(damagedEntries.contains) ?? true
                try require(
                    isElsewhereDamaged || isDamaged, "the sound event at \(position) cannot be salvaged: \(error)")
            }
            if let reason { throw violation("salvaged: \(reason)") }
        }
        try require(disk.changes == changes, "a log that was opened for salvage has written")
    }

    /// Compares some events of the open log.
    func readSome() throws(Violation) {
        guard let log, !disk.isStopped, log.durableHead > 0 else { return }
        let faults = pauseFaults()
        defer { disk.faults = faults }
        for _ in 0..<5 { try readOne(log.reader, through: log.durableHead) }
        let first = 1 + numbers.next() % log.durableHead
        let last = min(log.durableHead, first + UInt64(numbers.below(20)))
        var next = first
        var reason: String?
        do {
            try log.reader.forEach(from: first, through: last) { record in
                reason = self.difference(record, self.model.event(at: next))
                next += 1
                return reason == nil
            }
        } catch {
            try requireExcuse(error, at: next)
            return
        }
        if let reason { throw violation(reason) }
        try require(next == last + 1, "reading from \(first) through \(last) ended before \(next)")
    }

    /// Lets nothing fail for a while, except that counts are short.
    private func pauseFaults() -> DiskFaults {
        let faults = disk.faults
        var quiet = DiskFaults()
        quiet.shortCounts = faults.shortCounts
        disk.faults = quiet
        disk.forgetPlannedFailures()
        return faults
    }

    /// Returns how many records of the model the log shows.
    private func countShown(_ reader: SegmentReader, through head: UInt64) throws(Violation) -> Int {
        hasUnreadable = false
        var shown = 0
        var reason: String?
        do {
            try reader.forEachRecord(from: 1, through: head) { record in
                guard shown < self.model.records.count else {
                    reason = "the log shows a record at \(record.position) that was never written"
                    return false
                }
                reason = self.difference(record, shown)
                shown += 1
                return reason == nil
            }
        } catch {
            hasUnreadable = true
            try requireExcuse(error, at: nil)
            return try countReadable(reader, through: head)
        }
        if let reason { throw violation(reason) }
        return shown
    }

    /// Reads every event alone, because some cannot be read. Returns how many records there are up to the head.
    private func countReadable(_ reader: SegmentReader, through head: UInt64) throws(Violation) -> Int {
        try require(head <= model.head, "the head is \(head), and only \(model.head) was written")
        for position in stride(from: 1 as UInt64, through: head, by: 1) { try compare(reader, at: position) }
        let shown = model.event(at: head).map { $0 + 1 } ?? 0
        // Groups of trackings behind the head do not count as lost: they cannot be read apart.
        let next = model.entries.indices.first { index in
            let records = model.entries[index].records
            return records.lowerBound >= shown && !records.isEmpty
                && (damagedEntries.contains(index) || model.records[records].contains(where: \.isEvent))
        }
        let end = next.map { model.entries[$0].records.lowerBound } ?? model.records.count
        return max(shown, min(model.acknowledgedRecords, end))
    }

    private func readOne(_ reader: SegmentReader, through head: UInt64) throws(Violation) {
        guard head > 0 else { return }
        try compare(reader, at: 1 + numbers.next() % head)
    }

    /// Compares all ways to read the event at a position.
    private func compare(_ reader: SegmentReader, at position: UInt64) throws(Violation) {
        let index = model.event(at: position)
        var reason: String?
        do {
            reason = try reader.record(at: position) { record in
                if let reason = self.difference(record, index) { return reason }
                guard let index else { return nil }
                return try self.decodedDifference(record, self.model.records[index])
            }
            guard reason == nil, let index else { throw violation(reason ?? "no event was written at \(position)") }
            let event = model.records[index]
            if try reader.recorded(at: position) != event.recorded { reason = "the time at \(position) is wrong" }
            if try reader.link(at: position) != event.link { reason = "the link at \(position) is wrong" }
        } catch let error as Violation {
            throw error
        } catch {
            try requireExcuse(error, at: position)
        }
        if let reason { throw violation(reason) }
    }

    /// Fails unless damage in the file of an event explains why it cannot be read; any damage if there is no position.
    private func requireExcuse(_ error: any Error, at position: UInt64?) throws(Violation) {
        if disk.isStopped { return }
        let entry = position.flatMap { model.entry(of: $0) }
        let place = entry.flatMap { model.entries[$0].place }
        let isReport =
            switch error as? LogError {
            case .damaged, .disk: true
            default: false
            }
        try require(
            isReport && isDamaged
                && (position == nil || isElsewhereDamaged
                    || damagedEntries.contains { mayBeInOneFile(model.entries[$0].place, place) }),
            "position \(position.map(String.init) ?? "?") cannot be read: \(error)")
    }

    private func mayBeInOneFile(_ place: LogModel.Place?, _ other: LogModel.Place?) -> Bool {
        guard let place, let other else { return true }
        return place.path == other.path
    }

    // MARK: Comparing

    /// How a record differs from that of the model.
    private func difference(_ record: RecordView, _ index: Int?) -> String? {
        guard let index else { return "there is a record at \(record.position) that was never written" }
        let expected = model.records[index]
        guard record.position == expected.position, (record.kind == .event) == expected.isEvent else {
            return "record \(index) is \(record.kind) \(record.position), not \(expected.position)"
        }
        guard record.revision == expected.revision, record.recorded == expected.recorded, record.link == expected.link
        else { return "the prefix of record \(index) at \(expected.position) is wrong" }
        return appends[expected.append].bodies[expected.index].withUnsafeBytes { body in
            guard let start = body.baseAddress, let shown = record.body.baseAddress else {
                return body.count == record.body.count ? nil : "the body of record \(index) is empty"
            }
            if body.count == record.body.count, memcmp(start, shown, body.count) == 0 { return nil }
            let offset = zip(body, record.body).enumerated().first { $0.element.0 != $0.element.1 }?.offset
            return "the body of record \(index) at \(expected.position) differs at byte \(offset ?? body.count): "
                + "it has \(record.body.count) bytes, expected \(body.count)"
        }
    }

    /// How a decoded event differs from the one that was appended.
    private func decodedDifference(_ record: RecordView, _ expected: LogModel.Record) throws -> String? {
        let append = appends[expected.append]
        let entry = append.entries[expected.index - append.trackings]
        let event = try record.event()
        let isSame =
            event.position.value == expected.position && event.stream == entry.stream && event.data == entry.event
            && event.revision.value == expected.revision
            && event.recordedAt.microsecondsSince1970 == expected.recorded
            && event.tracking?.source == append.tracking?.source
            && event.tracking?.position == append.tracking?.position
        return try isSame && record.id == entry.event.id ? nil : "the event at \(expected.position) is decoded wrongly"
    }
}
