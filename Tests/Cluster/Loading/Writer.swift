#if Postgres
import Foundation
import Sillok
import SillokPostgres

/// A writer that appends one request after the other, and repeats each one until its outcome is known.
struct Writer: Sendable {
    enum Kind: String, Sendable { case single, batch, revision, tags, mark, order }

    /// What a writer does wrong on purpose.
    struct Plant: Sendable {
        /// Takes an unknown outcome for success.
        var believesUnknown = false
        /// Repeats an append with an unknown outcome under new ids.
        var changesIDs = false

        init(_ words: Words) {
            believesUnknown = words.has("believes-unknown")
            changesIDs = words.has("changes-ids")
        }

        init() {}
    }

    let name: String
    /// The address that the writer uses: an application's, or one host's.
    let address: String
    let kind: Kind
    let store: PostgresEventStore
    /// The store that settles an unknown outcome. A writer that is nailed to a host uses the address of the primary.
    let settling: PostgresEventStore
    let history: HistoryFile
    let pause: Duration
    let plant: Plant

    private var isNailed: Bool { store !== settling }

    func run(until isOver: Flag) async {
        var number = 0
        while !isOver.isSet && !Task.isCancelled {
            number += 1
            let next = ContinuousClock.now + pause
            if let prepared = await request(number) { await append(prepared.request, prepared.basis, number, isOver) }
            try? await Task.sleep(until: next, clock: .continuous)
        }
        history.write("ended \(name) \(microseconds())")
    }

    private func event(_ number: Int, _ part: Int, tags: [EventTag] = []) -> EventData {
        EventData(type: "written", tags: tags, text: #"{"w":"\#(name)","n":\#(number),"p":\#(part)}"#)
    }

    private func stream(_ number: Int) -> StreamID { StreamID("writer", "\(name)_\(number % 3)") }

    /// Returns the next append and what its condition is based on, or `nil` if the log cannot be read.
    private func request(_ number: Int) async -> (request: AppendRequest, basis: String)? {
        do {
            switch kind {
            case .single: return (AppendRequest([.init(stream: stream(number), event: event(number, 0))]), "-")
            case .batch:
                let entries = (0..<3).map {
                    AppendRequest.Entry(stream: stream(number + $0 % 2), event: event(number, $0))
                }
                return (AppendRequest(entries), "-")
            case .order:
                let order = EventData(type: "placed", text: #"{"cents":\#(number)}"#)
                return (AppendRequest([.init(stream: StreamID("order", "\(name)_\(number)"), event: order)]), "-")
            case .revision:
                let stream = StreamID("counter", "\(number % 4)")
                let revision = try await store.stream(stream)?.revision ?? .none
                return (
                    AppendRequest(
                        [.init(stream: stream, event: event(number, 0))], if: .revision(revision, of: stream)),
                    "r/\(stream)/\(revision)"
                )
            case .tags, .mark:
                let tag = EventTag("seat:\(number % 4)")
                let mark = try await store.head(resumingAfter: .start)
                let condition =
                    kind == .mark
                    ? AppendCondition.unchanged(.tags(tag), seen: mark) : .unchanged(.tags(tag), since: mark.position)
                return (
                    AppendRequest([.init(stream: nil, event: event(number, 0, tags: [tag]))], if: condition),
                    "t/\(tag)/\(mark.position)"
                )
            }
        } catch { return nil }
    }

    private func append(_ first: AppendRequest, _ basis: String, _ number: Int, _ isOver: Flag) async {
        var request = first
        var (attempts, isUnknown, giveUp) = (0, false, Int64.max)
        let sent = microseconds()
        var attempt = sent
        func note(_ verb: String, _ receipt: Receipt?) {
            let place = isUnknown && isNailed ? "settled" : address
            let ids = request.entries.map { $0.event.id.description }.joined(separator: ",")
            history.write(
                "\(verb) \(place) \(name) \(kind.rawValue) \(number) \(sent) \(attempt) \(microseconds()) \(attempts) "
                    + "\(isUnknown ? "unknown" : "known") \(receipt?.firstPosition.value ?? 0) "
                    + "\(receipt?.position.value ?? 0) \(basis) \(ids)")
        }
        while true {
            attempts += 1
            attempt = microseconds()
            do {
                let receipt = try await (isUnknown ? settling : store).append(request)
                return note("appended", receipt)
            } catch {
                guard case .failed(let failure) = error, failure.code != .storeChanged else {
                    return note("refused", nil)
                }
                if failure.outcome == .unknown {
                    isUnknown = true
                    if plant.believesUnknown { return note("appended", nil) }
                    if plant.changesIDs {
                        request.entries = request.entries.map { entry in
                            .init(
                                stream: entry.stream,
                                event: EventData(
                                    type: entry.event.type, tags: entry.event.tags,
                                    text: String(decoding: entry.event.payload, as: UTF8.self)))
                        }
                    }
                } else if isNailed, !isUnknown {
                    return
                }
                if isOver.isSet { giveUp = min(giveUp, microseconds() + 90_000_000) }
                if microseconds() > giveUp || Task.isCancelled { return note("open", nil) }
                try? await Task.sleep(for: .milliseconds(100))
            }
        }
    }
}
#endif
