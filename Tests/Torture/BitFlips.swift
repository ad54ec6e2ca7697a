import Foundation
import SillokCore

/// Turns single bits of a closed store around, each in a copy of its own, and reads all that it holds. The store is a
/// file, or a folder with a log.
///
/// Every event must come byte for byte, or a typed error must say that something is wrong. What comes short in silence
/// is counted (`cut`, `wrong`) and must be named by `verify`: the pages of the index carry no checksum.
struct BitFlips {
    private let folder: String
    private let count: Int
    private var random: SeededGenerator
    private var outcomes: [String: Int] = [:]
    private var truth = Truth()

    /// What a sound store answers.
    struct Truth: Equatable {
        var all: [RecordedEvent] = []
        var streams: [StreamID: [RecordedEvent]] = [:]
    }

    /// The ending of the store's name.
    private let ending: String
    /// The files of the store, by what their paths have behind that of the store.
    private var files: [(path: String, bytes: [UInt8])] = []

    init(folder: String, seed: UInt64, words: [String]) {
        self.folder = folder
        count = words.first.flatMap(Int.init) ?? 300
        ending = words.contains("folder") ? "sillok" : "sqlite"
        random = SeededGenerator(seed)
    }

    private var original: String { "\(folder)/flips.\(ending)" }
    private var copy: String { "\(folder)/flipped.\(ending)" }

    /// Whether every bit that changes an answer was noticed by a read or named by the store's own check.
    mutating func run() async throws -> Bool {
        try await fill()
        try readFiles()
        let bytes = files.reduce(0) { $0 + $1.bytes.count }
        for _ in 0..<count {
            var bit = random.below(bytes * 8)
            var place = 0
            while bit >= files[place].bytes.count * 8 {
                bit -= files[place].bytes.count * 8
                place += 1
            }
            try write(flipping: bit, of: place)
            let outcome = await read()
            var verified = "not-opened"
            if let store = try? await TorturePlace(copy).store(for: .reading) {
                verified = (try? await store.verify().isSound) == true ? "sound" : "named"
                await store.close()
            }
            outcomes["\(outcome)-\(verified)", default: 0] += 1
            if outcome == "wrong" || (outcome != "same" && verified == "sound") {
                let (page, name) = (bit / 8 / 4096 + 1, files[place].path)
                print("# \(outcome), \(verified): byte \(bit / 8) of \(name) (page \(page), offset \(bit / 8 % 4096))")
            }
        }
        print("flips \(count)\nbytes \(bytes)")
        for (outcome, count) in outcomes.sorted(by: { $0.key < $1.key }) { print("\(outcome) \(count)") }
        return !outcomes.keys.contains { $0.hasSuffix("sound") && $0 != "same-sound" }
    }

    private mutating func fill() async throws {
        let opened = try openStore(original, AckLog(folder + "/flips-log"), checkpointPages: 100)
        let store = opened.store
        for number in 0..<60 {
            let key = RequestKey(writer: number % 3, number: number)
            let request = TortureRequest(seed: 7, key: key, milliseconds: 1 << 40 + UInt64(number))
            _ = try await store.append(AppendRequest(request.entries))
        }
        truth = try await answers(of: store)
        await opened.close()
    }

    private mutating func readFiles() throws {
        let below = ending == "sqlite" ? [""] : try FileManager.default.subpathsOfDirectory(atPath: original).sorted()
        for path in below.map({ $0.isEmpty ? "" : "/" + $0 }) {
            guard let data = try? Data(contentsOf: URL(filePath: original + path)), !data.isEmpty else { continue }
            files.append((path, [UInt8](data)))
        }
    }

    private func answers(of store: any EventStore) async throws -> Truth {
        var answers = Truth()
        for try await page in store.pages(.all) { answers.all += page.events }
        let streams = truth.streams.isEmpty ? Set(answers.all.compactMap(\.stream)) : Set(truth.streams.keys)
        for stream in streams {
            for try await page in store.pages(ReadRequest(.stream(stream), limit: 50)) {
                answers.streams[stream, default: []] += page.events
            }
        }
        return answers
    }

    /// Reads a flipped copy: `same`, `detected` (a typed error), or `wrong`.
    private func read() async -> String {
        do {
            let store = try await TorturePlace(copy).store(for: random.isEven ? .reading : .writing)
            do {
                let answers = try await answers(of: store.store)
                await store.close()
                return judge(answers)
            } catch {
                await store.close()
                throw error
            }
        } catch is StoreError {
            return "detected"
        } catch {
            print("# untyped: \(error)")
            return "wrong"
        }
    }

    /// `cut` is what no reader can notice without a checksum over the pages of the index: a stream that ends early.
    private func judge(_ answers: Truth) -> String {
        if answers == truth { return "same" }
        guard answers.all == truth.all else { return "wrong" }
        for (stream, events) in truth.streams {
            let read = answers.streams[stream] ?? []
            if read != Array(events.prefix(read.count)) { return "wrong" }
            if read.count < events.count { print("# \(stream) has \(read.count) events of \(events.count)") }
        }
        return "cut"
    }

    private func write(flipping bit: Int, of place: Int) throws {
        for ending in ["", "-wal", "-shm", "-lock"] { try? FileManager.default.removeItem(atPath: copy + ending) }
        if ending == "sillok" {
            try FileManager.default.createDirectory(atPath: copy + "/log", withIntermediateDirectories: true)
        }
        for (index, file) in files.enumerated() {
            var bytes = file.bytes
            if index == place { bytes[bit / 8] ^= 1 << UInt8(bit % 8) }
            try Data(bytes).write(to: URL(filePath: copy + file.path))
        }
    }
}

extension SeededGenerator {
    fileprivate var isEven: Bool {
        var copy = self
        return copy.next() % 2 == 0
    }
}
