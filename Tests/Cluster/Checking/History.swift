import Foundation

/// An append as its writer saw it.
struct SeenAppend: Sendable {
    /// `appended`, `refused` (nothing was stored) or `open` (not settled at the end).
    var verb = "appended"
    /// The address: of an application, of a host, or `settled` if another address settled an unknown outcome.
    var place = "app1"
    var writer = "app1_0"
    var number = 1
    /// When the first attempt and the last one were sent, and when the last one was answered, in microseconds.
    var sent: Int64 = 0
    var attempt: Int64 = 0
    var answered: Int64 = 0
    var isUnknown = false
    /// The first and the last position, or 0 if the writer was not told.
    var first: UInt64 = 0
    var last: UInt64 = 0
    /// `-`, `r/STREAM/REVISION` or `t/TAG/POSITION`.
    var basis = "-"
    var ids: [String] = []

    /// The application that sent it, or an empty text.
    var application: String { place.hasPrefix("app") ? String(place.prefix { $0 != "/" }) : "" }
}

/// An event of the final log, with the server that stored it.
struct LoggedEvent: Sendable {
    var position: UInt64
    var id: String
    var stream = "-"
    var revision: UInt64 = 0
    var recorded: Int64 = 0
    var type = "written"
    var tags: [String] = []
    var link = ""
    var server = "-"
    var timeline = "-"
    var payload = ""
}

/// A read of the head.
struct SeenHead: Sendable {
    var place: String
    var sent: Int64
    var answered: Int64
    var head: UInt64
}

/// What a subscriber noted.
enum Sight: Sendable {
    case saw(position: UInt64, id: String, link: String)
    /// The store said that the log is another one. The subscriber starts again.
    case changed
}

/// A fault with its times, in microseconds.
struct Round: Sendable {
    var number = 1
    var fault = "kill"
    var host = "db1"
    var leader = "db2"
    var primary = "db1"
    var term = "1"
    var timeline = "1"
    var begun: Int64 = 0
    var held: Int64 = 0
    var healing: Int64 = 0
    var healed: Int64 = 0
    var calm: Int64 = 0
    var termAfter = "1"
    var timelineAfter = "1"
    var primaryAfter = "db1"

    var isWhole: Bool { calm > 0 }
}

/// A row of a read model.
struct ModelRow: Hashable, Sendable {
    var stream: String
    var events: Int
    var total: Int
    var last: UInt64
}

/// Everything that was seen in a run, as plain values.
struct History: Sendable {
    var appends: [SeenAppend] = []
    var heads: [SeenHead] = []
    var sights: [String: [Sight]] = [:]
    var rounds: [Round] = []
    /// The order and the key of each call of an effect.
    var effects: [(order: String, key: String)] = []
    var log: [LoggedEvent] = []
    var model: [String: [ModelRow]] = [:]
    /// How often each application was started.
    var starts: [String: Int] = [:]
    var troubles: [String] = []

    init() {}

    /// - Parameter isShort: whether to leave out what subscribers and readers saw.
    init(folder: String, isShort: Bool = false) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.hasSuffix(".history") {
            try lines("\(folder)/\(name)") { words in add(words, isShort) }
        }
        try lines("\(folder)/log", separator: 9) { fields in
            guard fields.count >= 11 else { return }
            log.append(
                LoggedEvent(
                    position: UInt64(fields[0]) ?? 0, id: fields[1], stream: fields[2],
                    revision: UInt64(fields[3]) ?? 0, recorded: Int64(fields[4]) ?? 0, type: fields[5],
                    tags: fields[6].isEmpty ? [] : fields[6].split(separator: ",").map(String.init),
                    link: String(fields[7].prefix(16)), server: fields[8], timeline: fields[9], payload: fields[10]))
        }
        try lines("\(folder)/model") { words in
            guard words.count == 5 else { return }
            model[words[0], default: []].append(
                ModelRow(
                    stream: words[1], events: Int(words[2]) ?? 0, total: Int(words[3]) ?? 0,
                    last: UInt64(words[4]) ?? 0))
        }
        rounds.sort { $0.number < $1.number }
    }

    private func lines(_ path: String, separator: UInt8 = 32, _ take: ([String]) -> Void) throws {
        let data = try Data(contentsOf: URL(filePath: path))
        for line in data.split(separator: 10) {
            take(
                line.split(separator: separator, omittingEmptySubsequences: separator == 32)
                    .map { String(decoding: $0, as: UTF8.self) })
        }
    }

    private mutating func add(_ words: [String], _ isShort: Bool) {
        switch words.first {
        case "appended" where words.count == 14, "refused" where words.count == 14, "open" where words.count == 14:
            appends.append(
                SeenAppend(
                    verb: words[0], place: words[1], writer: words[2], number: Int(words[4]) ?? 0,
                    sent: Int64(words[5]) ?? 0, attempt: Int64(words[6]) ?? 0, answered: Int64(words[7]) ?? 0,
                    isUnknown: words[9] == "unknown", first: UInt64(words[10]) ?? 0, last: UInt64(words[11]) ?? 0,
                    basis: words[12], ids: words[13].split(separator: ",").map(String.init)))
        case "read" where words.count == 5 && !isShort:
            heads.append(
                SeenHead(
                    place: words[1], sent: Int64(words[2]) ?? 0, answered: Int64(words[3]) ?? 0,
                    head: UInt64(words[4]) ?? 0))
        case "saw" where words.count == 6 && !isShort:
            sights[words[1], default: []].append(
                .saw(position: UInt64(words[3]) ?? 0, id: words[4], link: words[5]))
        case "changed" where words.count == 4: sights[words[1], default: []].append(.changed)
        case "effect" where words.count == 5: effects.append((words[3], words[4]))
        case "started": starts[words[1], default: 0] += 1
        case "trouble": troubles.append(words.joined(separator: " "))
        default: addRound(words)
        }
    }

    private mutating func addRound(_ words: [String]) {
        if words.first == "round", words.count == 9 {
            rounds.append(
                Round(
                    number: Int(words[1]) ?? 0, fault: words[2], host: words[3], leader: words[4], primary: words[5],
                    term: words[6], timeline: words[7], begun: Int64(words[8]) ?? 0))
            return
        }
        guard words.count >= 3, let number = Int(words[1]), let time = Int64(words[2]),
            let index = rounds.firstIndex(where: { $0.number == number })
        else { return }
        switch words[0] {
        case "hold": rounds[index].held = time
        case "heal": rounds[index].healing = time
        case "healed": rounds[index].healed = time
        case "calm" where words.count == 6:
            rounds[index].calm = time
            (rounds[index].termAfter, rounds[index].timelineAfter) = (words[3], words[4])
            rounds[index].primaryAfter = words[5]
        default: break
        }
    }
}
