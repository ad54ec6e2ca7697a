import ArgumentParser
import Foundation
import Sillok
import SillokCloudEvents
import SillokTerminal
import SillokWire

struct AppendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "append",
        abstract: "Record one event.",
        discussion: """
            The payload comes from --data, from --data-file, or from the standard input. When the command returns, the
            event is on the disk. You can repeat the command with the same --id: the event is recorded once.

            Examples:
              sillok append bank.sqlite account-1 --type opened --data '{"owner":"Ada"}' --expect 0
              curl -s https://example.org/order/7 | sillok append shop.sqlite order-7 --type placed --actor ada
              sillok append school.sqlite --type enrolled --tag course:7 --tag student:3 --data '{}'
            """)

    @OptionGroup var store: StoreArgument

    @Argument(help: "The stream. Without one the event belongs to no stream, and queries find it by its tags or type.")
    var stream: String?

    @Option(help: "The type of the event, in the past tense.")
    var type: String

    @Option(help: "The payload as text.")
    var data: String?

    @Option(help: "A file with the payload; - is the standard input.", completion: .file())
    var dataFile: String?

    @Option(help: "The content type of the payload.")
    var contentType = ContentType.json.text

    @Option(help: "A tag: something that the event is about, such as course:7; may be repeated.")
    var tag: [String] = []

    @Option(help: "Who did it.")
    var actor: String?

    @Option(help: "Why it was done.")
    var reason: String?

    @Option(help: "Metadata as key=value; may be repeated.")
    var meta: [String] = []

    @Option(help: "The revision that the stream must have; 0 for a stream that must not exist.")
    var expect: UInt64?

    @Option(help: "The id of the event, a UUID; a new one if not given.")
    var id: String?

    @OptionGroup var waiting: LockWaiting

    @OptionGroup var show: ShowOptions

    func validate() throws {
        if expect != nil && stream == nil { throw ValidationError("--expect needs a stream.") }
        if data != nil && dataFile != nil { throw ValidationError("--data and --data-file exclude each other.") }
        if let id, EventID(id) == nil { throw ValidationError("--id \(id.visible) is not a UUID.") }
        var known = [actor.map { _ in Metadata.Key.actor }, reason.map { _ in Metadata.Key.reason }].compactMap(\.self)
        for entry in meta {
            guard let (key, _) = Self.parts(of: entry) else {
                throw ValidationError("--meta \(entry.visible) is not key=value.")
            }
            if known.contains(where: { $0.hasSameBytes(as: key) }) {
                throw ValidationError(
                    "The metadata \(key.visible) is given twice. An event has one value for each key.")
            }
            known.append(key)
        }
    }

    private static func parts(of entry: String) -> (key: String, value: String)? {
        let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
    }

    func run() async throws {
        let stream = stream.map { StreamID($0) }
        if let reserved = ReservedStream(stream) {
            throw CommandFailure(.usage, "\(reserved)", hint: "Nothing was stored. Use another category.")
        }
        let event = try await event()
        var condition = AppendCondition.always
        if let stream, let expect { condition = .revision(Revision(expect), of: stream) }
        let request = AppendRequest([.init(stream: stream, event: event)], if: condition)
        let receipt = try await store.writing(waiting: waiting.time) { store in
            try store.limits.check(request)
            return try await store.append(request)
        }
        Console.current.note(change: "the event \(event.id) is recorded at position \(receipt.position)")
        if let warning = store.clockWarning(last: receipt.recordedAt) { Console.current.note(warning) }
        try show(event, receipt)
    }

    private func event() async throws -> EventData {
        let content = ContentType(contentType)
        let payload = try await payload()
        if content.isJSON {
            if let refusal = FileStart.refusal(of: dataFile?.visible ?? "the payload", payload) { throw refusal }
            if payload.starts(with: FileStart.mark) {
                throw CommandFailure(
                    .invalidData,
                    "the payload begins with a byte order mark of UTF-8 (EF BB BF), which JSON must not have",
                    hint: "Remove the first three bytes: tail -c +4 FILE | sillok append …")
            }
            do {
                _ = try JSONReader(payload)
            } catch {
                throw CommandFailure(
                    .invalidData, "the payload is not JSON: \(error)",
                    hint: "If the payload is not JSON, give its content type, such as --content-type text/plain.")
            }
        }
        var metadata = Metadata(actor: actor, reason: reason)
        for case (let key, let value)? in meta.map({ Self.parts(of: $0) }) { metadata[key] = value }
        return EventData(
            id: id.flatMap { EventID($0) } ?? EventID(), type: EventType(type), tags: tag.map { EventTag($0) },
            metadata: metadata, contentType: content, payload: payload)
    }

    private func payload() async throws -> [UInt8] {
        if let data { return Array(data.utf8) }
        if let dataFile, dataFile != "-" {
            let file = try InputFile(path: dataFile)
            return try await file.bytes(limit: LimitSetting<Limits>.most)
        }
        if isatty(STDIN_FILENO) == 1 {
            Console.current.note("Type the payload, then Ctrl-D. (--data gives it on the command line.)")
        }
        let bytes = try await InputFile.standard.bytes(limit: LimitSetting<Limits>.most)
        // A line break at the end is the shell's, not the payload's.
        return bytes.last == 0x0A && ContentType(contentType).isJSON ? bytes.dropLast() : bytes
    }

    private func show(_ event: EventData, _ receipt: Receipt) throws {
        let revision = receipt.revisions.first?.value
        if show.json {
            return try Console.current.print(json: [
                "id": event.id, "position": receipt.position, "stream": stream, "revision": revision,
                "time": receipt.recordedAt,
            ])
        }
        let place = revision.map { "\(stream?.visible ?? "")@\($0)" } ?? "no stream"
        try Console.current.print("recorded \(type.visible) at position \(receipt.position), \(place)")
        if receipt.position == 1 { Console.current.suggest("sillok read \(store.store.visible)") }
    }
}
