import SillokCore
import SillokDisk
import SillokLog
import SillokSegments
import SillokSimulation
import SillokSystem

/// A history of one store in a folder: its log on a simulated disk, its writer, and its index in a file of the system.
/// Everything that happens to it follows from a seed.
///
/// What was acknowledged, and what a reader was shown, must be there after every end of the system, at its position,
/// and must be found in every way. What was refused with a definite outcome must never appear.
final class StoreHistory {
    /// What the clients of the store know.
    private struct Model {
        /// The positions of the events that were acknowledged or shown.
        var positions: [EventID: UInt64] = [:]
        /// The events of appends that were refused.
        var refused: Set<EventID> = []
        /// The events that are not in the log any more, because an older copy of it was brought back.
        var gone: Set<EventID> = []
        var sent: [AppendRequest] = []
    }

    private let seed: UInt64
    private let folder: String
    private let disk: SimulatedDisk
    private let isTraced: Bool
    private let replay: String
    private let tuning: LogTuning
    private let time = Lock(Timestamp(microsecondsSince1970: 1_000_000_000))
    private var numbers: SimulationNumbers
    private var model = Model()
    private var store: DirectLog?
    private var step = 0
    private var savedLog: (image: DiskImage, model: Model)?
    private var savedIndex: [String: [UInt8]]?

    private init(_ seed: UInt64, _ faults: PlantedFaults, isTraced: Bool) {
        (self.seed, self.isTraced) = (seed, isTraced)
        let planted = faults.isEmpty ? "" : " --faults \(faults.rawValue)"
        replay = "stores \(seed) \(seed)\(planted) --trace"
        let root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        folder = "\(root)/sillok-simulate-\(getpid())/bank.sillok"
        disk = SimulatedDisk(seed: seed)
        numbers = SimulationNumbers(seed: seed, purpose: 9)
        var tuning = LogTuning.tiny
        tuning.writerSteps = LogTuning().writerSteps
        tuning.partEntries = numbers.number(5...60)
        tuning.segments.firstSegmentBytes = numbers.element([2_048, 4_096, 16_384]) ?? 4_096
        tuning.segments.maximumSegmentBytes = 16_384
        tuning.segments.faults = faults
        self.tuning = tuning
    }

    /// Runs the history of a seed; returns the number of events that were acknowledged or shown.
    static func run(seed: UInt64, _ faults: PlantedFaults, isTraced: Bool = false) -> Result<Int, Violation> {
        let history = StoreHistory(seed, faults, isTraced: isTraced)
        return Result { () throws(Violation) in
            defer { history.clear() }
            try history.run()
            return history.model.positions.count
        }
    }

    /// Runs histories with a planted fault until one of them is caught that is sound without it.
    static func catchFault(
        _ fault: PlantedFaults, from first: UInt64, limit: UInt64
    ) -> (violation: Violation?, tries: UInt64) {
        for seed in first..<first + limit {
            guard case .failure(let violation) = run(seed: seed, fault) else { continue }
            if case .success = run(seed: seed, []) { return (violation, seed - first + 1) }
        }
        return (nil, limit)
    }

    // MARK: Steps

    private func run() throws(Violation) {
        makeFolders()
        try reopen()
        for _ in 0..<numbers.number(10...60) {
            step += 1
            try takeStep()
        }
        end(byPowerCut: true)
        try reopen()
    }

    private func takeStep() throws(Violation) {
        switch numbers.below(100) {
        case 0..<60: try append()
        case 60..<66: store?.writeIdleMark()
        case 66..<72: store?.prepareNextSegment()
        case 72..<78: disk.fail(numbers.element([.sync, .write]) ?? .sync, after: numbers.below(3))
        case 78..<82: disk.stop(inChange: numbers.below(6))
        case 82..<92:
            end(byPowerCut: numbers.happens(600))
            try changeIndex()
            try reopen()
        case 92..<96:
            // The opening settles what is unknown, so that the copy has it for certain.
            end(byPowerCut: false)
            try reopen()
            end(byPowerCut: false)
            savedLog = (disk.image, model)
            savedIndex = indexFiles()
            try reopen()
        default: try bringBackLog()
        }
        if disk.isStopped {
            end(byPowerCut: numbers.happens(800))
            try reopen()
        }
    }

    /// Brings an older copy of the log back, while the index is not changed.
    private func bringBackLog() throws(Violation) {
        guard let savedLog else { return }
        note("the log is replaced by an older copy")
        end(byPowerCut: false)
        let later = Set(model.positions.keys)
        disk.image = savedLog.image
        let (sent, refused, gone) = (model.sent, model.refused, model.gone)
        model = savedLog.model
        (model.sent, model.refused) = (sent, refused)
        model.gone = gone.union(later).subtracting(model.positions.keys)
        try reopen()
    }

    private func changeIndex() throws(Violation) {
        switch numbers.below(10) {
        case 0..<2: setIndex([:])
        case 2..<4: if let savedIndex { setIndex(savedIndex) }
        default: break
        }
    }

    private func end(byPowerCut isCut: Bool) {
        note(isCut ? "power cut" : "killed")
        disk.forgetPlannedFailures()
        if isCut { disk.cutPower() } else { disk.killProcess() }
        store?.end()
        store = nil
    }

    // MARK: Appending

    private func append() throws(Violation) {
        guard let store else { return }
        time.withLock { $0 = Timestamp(microsecondsSince1970: $0.microsecondsSince1970 + 1_000) }
        let group = (0..<numbers.number(1...3)).map { _ in anyRequest() }
        let answers = store.execute(group)
        for (request, answer) in zip(group, answers) { try take(request, answer) }
        if numbers.happens(200), !disk.isStopped { try checkAll(store) }
    }

    /// A new append, or one that was sent before.
    private func anyRequest() -> AppendRequest {
        if numbers.happens(250), let old = numbers.element(Array(model.sent.suffix(12))),
            !old.entries.contains(where: { model.gone.contains($0.event.id) })
        {
            return old
        }
        let stream = StreamID("s-\(numbers.below(4))")
        let entries = (0..<numbers.number(1...4)).map { _ in
            AppendRequest.Entry(
                stream: stream,
                event: EventData(
                    id: EventID(high: numbers.next(), low: numbers.next()), type: EventType("t-\(numbers.below(3))"),
                    contentType: .bytes, payload: [UInt8](repeating: 7, count: numbers.below(300))))
        }
        let isGuarded = numbers.happens(300)
        let condition =
            isGuarded ? AppendCondition.revision(Revision(UInt64(numbers.below(12))), of: stream) : .always
        let request = AppendRequest(entries, if: condition)
        model.sent.append(request)
        return request
    }

    private func take(_ request: AppendRequest, _ answer: Result<Receipt, any Error>) throws(Violation) {
        let ids = request.entries.map(\.event.id)
        switch answer {
        case .success(let receipt):
            note("\(ids.count) events at \(receipt.firstPosition)")
            for (index, id) in ids.enumerated() {
                let position = receipt.firstPosition.value + UInt64(index)
                if let known = model.positions[id] {
                    try require(known == position, "an event at \(known) was acknowledged again, at \(position)")
                }
                try require(!model.refused.contains(id), "the refused event at \(position) was acknowledged")
                model.positions[id] = position
            }
        case .failure(let error):
            note("\(error)")
            let failure = (error as? AppendError)?.failure ?? error as? StoreError
            if failure?.outcome == .unknown { return }
            for id in ids {
                // A repeat of a stored append is acknowledged, or its outcome is unknown.
                try require(model.positions[id] == nil, "a stored append was refused: \(error)")
            }
            // Those of a conflict in a later form were not stored before either.
            if request.condition == .always || failure != nil { model.refused.formUnion(ids) }
        }
        if case .success = answer { return }
        // It may be sent again, and then be stored.
        let refused = model.refused
        model.sent.removeAll { sent in sent.entries.contains { refused.contains($0.event.id) } }
    }

    // MARK: Opening

    private func makeFolders() {
        var path = ""
        let system = SystemDisk()
        let folders = folder.split(separator: "/").dropLast()
        for part in folders {
            let parent = path
            path += "/\(part)"
            try? system.makeFolder(path)
            try? disk.makeFolder(path)
            try? disk.syncFolder(parent)
        }
        try? system.makeFolder(folder)
        // The check that the folder is the same one looks at this file.
        if let file = try? system.open(folder + "/store", .create) { try? file.writeAll([0], at: 0) }
    }

    private func clear() {
        if store != nil { end(byPowerCut: false) }
        setIndex([:])
        for name in ["store", "lock"] { unlink("\(folder)/\(name)") }
        rmdir(folder)
        if let slash = folder.lastIndex(of: "/") { rmdir(String(folder[..<slash])) }
    }

    private func reopen() throws(Violation) {
        for attempt in 0..<6 {
            if attempt < 3, numbers.happens(200) { disk.stop(inChange: numbers.below(6)) }
            do {
                let time = time
                let origins = LogOrigins(
                    ids: IDGenerator(clock: WallClock { time.withLock { $0 } }, random: numbers), random: numbers)
                let opened = try DirectLog(folder, on: disk, tuning, origins, WallClock { time.withLock { $0 } })
                if disk.isStopped {
                    opened.end()
                    end(byPowerCut: true)
                    continue
                }
                disk.stop(inChange: nil)
                store = opened
                return try checkAll(opened)
            } catch let violation as Violation {
                throw violation
            } catch {
                guard disk.isStopped else { throw violation("the store does not open: \(error)") }
                end(byPowerCut: true)
            }
        }
        throw violation("the store cannot be opened")
    }

    // MARK: Checking

    private func checkAll(_ store: DirectLog) throws(Violation) {
        do {
            var (next, after): (UInt64, Position) = (1, .start)
            var (found, revisions): ([EventID: UInt64], [StreamID: UInt64]) = ([:], [:])
            while true {
                let page = try store.read(ReadRequest(after: .position(after), limit: 100))
                for event in page.events {
                    try require(event.position.value == next, "position \(event.position) follows \(next - 1)")
                    try require(found[event.id] == nil, "the event at \(next) is there twice")
                    try require(!model.refused.contains(event.id), "the refused event at \(next) is stored")
                    try require(!model.gone.contains(event.id), "the event at \(next) was taken back")
                    found[event.id] = next
                    if let stream = event.stream {
                        let before = revisions.updateValue(event.revision.value, forKey: stream) ?? 0
                        try require(event.revision.value == before + 1, "the revision at \(next) is wrong")
                    }
                    next += 1
                }
                if page.isEnd { break }
                after = page.through
            }
            for (id, position) in model.positions.sorted(by: { $0.value < $1.value }) {
                try require(
                    found[id] == position,
                    "the acknowledged event at \(position) is at \(found[id] ?? 0) of \(next - 1)")
            }
            for (id, position) in found.sorted(by: { $0.value < $1.value }) {
                let event = try store.event(id)
                try require(event?.position.value == position, "the event at \(position) is not found by its id")
            }
            for id in model.gone.sorted().prefix(20) {
                try require(try store.event(id) == nil, "an event is still in the index")
            }
            for (stream, revision) in revisions.sorted(by: { $0.key < $1.key }) {
                let facts = try store.facts(of: stream)
                try require(facts?.revision.value == revision, "stream \(stream) is not found up to \(revision)")
            }
            model.positions.merge(found) { $1 }
        } catch let violation as Violation {
            throw violation
        } catch {
            throw violation("the store cannot be read: \(error)")
        }
    }

    // MARK: The index

    private func indexFiles() -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for ending in ["", "-wal"] {
            guard let file = try? SystemDisk().open("\(folder)/index.sqlite\(ending)", .read),
                let size = try? file.size(), let bytes = try? file.bytes(at: 0, count: size)
            else { continue }
            files[ending] = bytes
        }
        return files
    }

    private func setIndex(_ files: [String: [UInt8]]) {
        for ending in ["", "-wal", "-shm", "-journal"] { unlink("\(folder)/index.sqlite\(ending)") }
        for (ending, bytes) in files {
            if let file = try? SystemDisk().open("\(folder)/index.sqlite\(ending)", .create) {
                try? file.writeAll(bytes, at: 0)
            }
        }
    }

    private func note(_ text: @autoclosure () -> String) {
        if isTraced { print("\(step): \(text())") }
    }

    private func violation(_ message: String) -> Violation {
        Violation(seed: seed, step: step, message: message, replay: replay)
    }

    private func require(_ condition: Bool, _ message: @autoclosure () -> String) throws(Violation) {
        if !condition { throw violation(message()) }
    }
}
