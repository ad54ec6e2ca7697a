import RawLoop
import Sillok
import SillokSQLite

/// The events of all workloads: 256 bytes of JSON each, the same as those of the raw loop.
enum Workload {
    /// What the payloads are, to those who decode them.
    enum Line: Codable, Equatable, Sendable {
        case lineAdded(number: Int, item: String, quantity: Int, cents: Int, note: String)
    }

    static let type: EventType = "lineAdded"
    static let streams = 1000
    static let customers = 10_000

    /// Event `number` without tags.
    static func event(_ number: Int, id: EventID = EventID(), tags: [EventTag] = []) -> EventData {
        let payload = [UInt8](unsafeUninitializedCapacity: Int(raw_payload_bytes)) { buffer, count in
            raw_payload(buffer.baseAddress, UInt64(number))
            count = Int(raw_payload_bytes)
        }
        return EventData(id: id, type: type, tags: tags, payload: payload)
    }

    static func stream(_ number: Int) -> StreamID { StreamID("order-\(number)") }
    static func streamTag(_ number: Int) -> EventTag { EventTag("order:\(number)") }
    static func customerTag(_ number: Int) -> EventTag { EventTag("customer:\(number)") }

    /// Names that a program would have at hand.
    struct Names {
        let streams = (0..<Workload.streams).map(stream)
        let streamTags = (0..<Workload.streams).map(streamTag)
        let customerTags = (0..<Workload.customers).map(customerTag)

        /// Event `number` with two tags, and its stream among a thousand.
        func entry(_ number: Int, id: EventID = EventID()) -> AppendRequest.Entry {
            let stream = number % Workload.streams
            let tags = [streamTags[stream], customerTags[number * 7919 % Workload.customers]]
            return AppendRequest.Entry(
                stream: streams[stream], event: Workload.event(number, id: id, tags: tags))
        }
    }

    /// An id without any order (version 4).
    static func randomID() -> EventID {
        EventID(
            high: UInt64.random(in: 0 ... .max) & ~0xF000 | 0x4000,
            low: UInt64.random(in: 0 ... .max) >> 2 | 1 << 63)
    }
}

extension SQLiteEventStore {
    /// Appends events of the common workload in batches of a thousand until the log has `count`.
    func fill(to count: Int, _ names: Workload.Names, id: () -> EventID = { EventID() }) async throws {
        var number = Int(try await head().value)
        while number < count {
            let end = min(number + 1000, count)
            _ = try await append(AppendRequest((number..<end).map { names.entry($0, id: id()) }))
            number = end
        }
    }
}
