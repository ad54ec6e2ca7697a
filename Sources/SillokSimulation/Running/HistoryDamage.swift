import SillokCore
import SillokDisk
import SillokSegments

extension LogHistory {
    /// Damages the disk while no system runs, opens the log, and checks that it shows nothing wrong and hides nothing
    /// without a report. Sometimes it writes to the damaged log as well. In the
    /// end everything is as before the damage.
    func damage() throws(Violation) {
        guard !isDamaged else { return try reopen(by: .kill) }
        try reopen(by: anyEnd())
        log = nil
        disk.killProcess()
        let (sound, pristine) = (disk.image, model)
        let faults = disk.faults
        disk.faults = DiskFaults()
        disk.forgetPlannedFailures()
        defer { disk.faults = faults }
        count(\.damages)
        for _ in 0..<(numbers.happens(700) ? 1 : numbers.number(2...4)) {
            let damage = applyDamage()
            note("    \(damage)")
        }
        findDamaged(sound)
        note("    damaged entries \(damagedEntries.sorted()), elsewhere: \(isElsewhereDamaged)")
        let damaged = disk.image
        try salvage()
        switch try open() {
        case .opened:
            try checkContents()
            // What was lost with the damaged groups may come back, such as an older file about what is durable.
            if model.entries.count < pristine.entries.count { isElsewhereDamaged = true }
            if numbers.happens(500) { try liveOn() }
        case .stopped: break
        case .failed(let error), .refused(let error):
            try checkRefusal(error, damaged)
        }
        log = nil
        disk.makeReadable()
        disk.image = sound
        model = pristine
        (damagedEntries, isElsewhereDamaged) = ([], false)
        try reopen(by: .kill)
    }

    /// Writes to a damaged log that has opened, and opens it again.
    private func liveOn() throws(Violation) {
        for _ in 0..<numbers.number(1...4) {
            try append()
            try sync()
        }
        try mark()
        end(by: anyEnd())
        let damaged = disk.image
        switch try open() {
        case .opened: try checkContents()
        case .stopped: break
        case .failed(let error), .refused(let error): try checkRefusal(error, damaged)
        }
    }

    /// Checks that a refusal is a report of the damage, and that it has changed nothing.
    func checkRefusal(_ error: LogError, _ damaged: DiskImage) throws(Violation) {
        count(\.refusals)
        try require(
            isElsewhereDamaged || damagedEntries.contains { model.mayBeProved($0) },
            "the log refuses to open, and nothing that was acknowledged is damaged: \(error)")
        switch error {
        case .disk: break
        case .damaged, .unsupported, .missing:
            try require(disk.image.isSame(as: damaged), "an opening that was refused has changed the disk: \(error)")
        default: throw violation("damage was reported as: \(error)")
        }
    }

    /// Fails, because the log refuses to open and nothing was damaged.
    func takeRefusal(_ error: LogError) throws(Violation) {
        throw violation("the log refuses to open, and nothing is damaged: \(error)")
    }

    /// Finds what the damage has changed.
    func findDamaged(_ sound: DiskImage) {
        let before = Dictionary(sound.contents.map { ($0.path, $0.bytes) }) { $1 }
        let after = Dictionary(disk.image.contents.map { ($0.path, $0.bytes) }) { $1 }
        damagedEntries = Set(
            model.entries.indices.filter { index in
                // Where it is unknown, it may be anywhere.
                guard let place = model.entries[index].place else { return true }
                guard let old = before[place.path], let new = after[place.path] else { return true }
                return place.range.upperBound > new.count || old[place.range] != new[place.range]
                    || disk.isUnreadable(place.path, place.range)
            })
        isElsewhereDamaged =
            before.contains { path, bytes in
                guard path.hasSuffix(".seg") || path.hasSuffix("/store") else { return false }
                guard let new = after[path], new.count == bytes.count else { return true }
                let important = path.hasSuffix("/store") ? bytes.count : 64
                return new.prefix(important) != bytes.prefix(important) || disk.isUnreadable(path, 0..<bytes.count)
            }
            || after.keys.contains { $0.hasSuffix(".seg") && before[$0] == nil }
            || model.possible.contains { place in
                guard let old = before[place.path], let new = after[place.path] else { return true }
                let range = place.range.clamped(to: 0..<min(old.count, new.count))
                return old[range] != new[range]
            }
    }

    // MARK: Kinds of damage

    private func applyDamage() -> String {
        let files = disk.image.contents.filter { !$0.bytes.isEmpty }
        let segments = files.filter { $0.path.hasSuffix(".seg") }
        guard let file = numbers.element(files), let segment = numbers.element(segments) else { return "nothing" }
        switch numbers.below(14) {
        case 0...4: return flipEntry() ?? flip(file.path, 0..<file.bytes.count)
        case 5: return flip(file.path, 0..<file.bytes.count)
        case 6: return flip(segment.path, 0..<64)
        case 7: return overwriteSector(segment)
        case 8: return copySector(from: numbers.element(segments) ?? segment, to: segment)
        case 9: return misplaceEntry() ?? "nothing"
        case 10: return changeFiles(segments)
        case 11: return bringTwin(segment.path) ?? "nothing"
        case 12:
            let sector = numbers.below((segment.bytes.count + sectorBytes - 1) / sectorBytes)
            disk.makeUnreadable(segment.path, sector: sector)
            return "sector \(sector) of \(segment.path) is unreadable"
        default: return truncate(file)
        }
    }

    private func flip(_ path: String, _ range: Range<Int>) -> String {
        guard let count = disk.bytes(of: path)?.count else { return "nothing" }
        let offset = range.lowerBound + numbers.below(min(range.upperBound, count) - range.lowerBound)
        let bit = UInt8(1) << UInt8(numbers.below(8))
        disk.damage(path) { if offset < $0.count { $0[offset] ^= bit } }
        return "bit \(bit) flipped at \(offset) of \(path)"
    }

    func flipAnywhere() -> String {
        let files = disk.image.contents.filter { !$0.bytes.isEmpty }
        return numbers.element(files).map { flip($0.path, 0..<$0.bytes.count) } ?? "nothing"
    }

    func flipEntry() -> String? {
        guard let place = numbers.element(model.entries)?.place else { return nil }
        // Every second flip is in a header.
        let headerEnd = min(place.range.upperBound, place.range.lowerBound + 64)
        let end = numbers.happens(500) ? headerEnd : place.range.upperBound
        return flip(place.path, place.range.lowerBound..<end)
    }

    private func overwriteSector(_ file: (path: String, bytes: [UInt8])) -> String {
        let sector = numbers.below((file.bytes.count + sectorBytes - 1) / sectorBytes)
        let filling = numbers.happens(500) ? 0 : UInt8(numbers.below(256))
        disk.damage(file.path) { bytes in
            for index in sector * sectorBytes..<min(bytes.count, (sector + 1) * sectorBytes) { bytes[index] = filling }
        }
        return "sector \(sector) of \(file.path) is filled with \(filling)"
    }

    private func copySector(from: (path: String, bytes: [UInt8]), to: (path: String, bytes: [UInt8])) -> String {
        let source = numbers.below(from.bytes.count / sectorBytes)
        let target = numbers.below(to.bytes.count / sectorBytes)
        let isSwap = numbers.happens(500)
        let (first, second) = (source * sectorBytes, target * sectorBytes)
        disk.damage(to.path) { bytes in
            guard second + sectorBytes <= bytes.count, first + sectorBytes <= from.bytes.count else { return }
            bytes.replaceSubrange(second..<second + sectorBytes, with: from.bytes[first..<first + sectorBytes])
        }
        if isSwap {
            disk.damage(from.path) { bytes in
                guard first + sectorBytes <= bytes.count, second + sectorBytes <= to.bytes.count else { return }
                bytes.replaceSubrange(first..<first + sectorBytes, with: to.bytes[second..<second + sectorBytes])
            }
        }
        return "sector \(source) of \(from.path) is \(isSwap ? "swapped with" : "copied to") \(target) of \(to.path)"
    }

    /// Writes a whole entry over another one, or behind the last one, as a disk does that writes to a wrong place.
    private func misplaceEntry() -> String? {
        guard let from = numbers.element(model.entries)?.place, let to = numbers.element(model.entries)?.place,
            let source = disk.bytes(of: from.path), from.range.upperBound <= source.count
        else { return nil }
        let bytes = source[from.range]
        let end = model.entries.last?.place.map { $0.path == to.path ? $0.range.upperBound : nil } ?? nil
        let start = numbers.happens(300) ? end ?? to.range.lowerBound : to.range.lowerBound
        disk.damage(to.path) { target in
            for (offset, byte) in bytes.enumerated() where start + offset < target.count {
                target[start + offset] = byte
            }
        }
        return "\(from) is copied to \(start) of \(to.path)"
    }

    private func truncate(_ file: (path: String, bytes: [UInt8])) -> String {
        let count = numbers.happens(300) ? 0 : numbers.below(file.bytes.count)
        disk.damage(file.path) { $0.removeLast($0.count - count) }
        return "\(file.path) is cut to \(count)"
    }

    private func changeFiles(_ segments: [(path: String, bytes: [UInt8])]) -> String {
        guard let file = numbers.element(segments), let other = numbers.element(segments) else { return "nothing" }
        switch numbers.below(3) {
        case 0:
            do throws(DiskError) {
                try disk.remove(file.path)
                try disk.syncFolder(DiskImage.folder(of: file.path))
            } catch {
                return "nothing: \(error)"
            }
            return "\(file.path) is removed"
        case 1:
            disk.damage(file.path) { $0 = other.bytes }
            disk.damage(other.path) { $0 = file.bytes }
            return "\(file.path) and \(other.path) are swapped"
        default:
            disk.damage(file.path) { $0 = other.bytes }
            return "\(file.path) is a copy of \(other.path)"
        }
    }

    /// Replaces a segment, or a sector of it, with that of another store that has recorded the same events.
    private func bringTwin(_ path: String) -> String? {
        guard let foreign = twin().bytes(of: path), let own = disk.bytes(of: path) else { return nil }
        if numbers.happens(300) {
            disk.damage(path) { $0 = foreign }
            return "\(path) is that of another store"
        }
        // A whole entry, or a sector.
        let places = model.entries.compactMap(\.place).filter { $0.path == path }
        let sector = numbers.below(max(1, own.count / sectorBytes)) * sectorBytes
        let range =
            (numbers.happens(500) ? numbers.element(places)?.range : nil) ?? sector..<sector + sectorBytes
        guard range.upperBound <= min(own.count, foreign.count) else { return nil }
        disk.damage(path) { $0.replaceSubrange(range, with: foreign[range]) }
        return "\(range) of \(path) is that of another store"
    }

    /// A log of another store that has recorded the same events at other times.
    private func twin() -> SimulatedDisk {
        let disk = SimulatedDisk(seed: seed)
        let other = LogIdentity(
            store: StoreID(high: ~identity.store.high, low: identity.store.low), hashKey: identity.hashKey,
            createdAt: identity.createdAt, chainStart: identity.chainStart)
        var buffer = GroupBuffer(for: other, settings)
        do {
            try disk.makeFolder(DiskImage.folder(of: Self.folder))
            try SegmentLog.create(Self.folder, on: disk, other, settings)
            let log = try SegmentLog(opening: Self.folder, on: disk, .write, settings)
            for entry in model.entries where !entry.records.isEmpty {
                fill(&buffer, model.records[entry.records])
                try log.write(&buffer)
                try log.sync()
            }
        } catch {
            note("    the twin failed: \(error)")
        }
        return disk
    }

    private func fill(_ buffer: inout GroupBuffer, _ records: ArraySlice<LogModel.Record>) {
        guard let first = records.first else { return }
        buffer.begin(first: first.position)
        var rest = records
        while let next = rest.first {
            let append = appends[next.append]
            let own = rest.prefix(append.bodies.count)
            let stamps = own.filter(\.isEvent).map {
                EventStamp(revision: $0.revision, recorded: $0.recorded + 1, link: $0.link)
            }
            buffer.add(hasLinks ? append.linked : append.plain) { stamps[$0] }
            rest = rest.dropFirst(own.count)
        }
    }
}
