import Foundation
import Sillok
import SillokCore

/// What the two logs say, as plain values. Nothing here knows the runner or its types.
struct ProcessFacts {
    /// An event of the log.
    struct Entry {
        let position: UInt64
        let id: String
        let type: String
        /// Microseconds since 1970.
        let time: Int64
        let body: [String: Any]

        func text(_ name: String) -> String { body[name] as? String ?? "" }
        func number(_ name: String) -> Int { (body[name] as? NSNumber)?.intValue ?? 0 }
    }

    /// A line of the payment service, or of the runner's calls.
    struct Line {
        let verb: String
        let key: String
        /// `KIND ORDER CENTS`.
        let content: String
        /// Microseconds of the monotonic clock.
        let time: Int64
    }

    /// The events by stream.
    private(set) var streams: [String: [Entry]] = [:]
    /// The events of the stock of all items, in the order of the log.
    private(set) var stock: [(item: String, entry: Entry)] = []
    private(set) var payments: [Line] = []
    private(set) var calls: [Line] = []
    private(set) var events = 0

    init() {}

    init(_ store: any EventStore, payments: String, calls: String) async throws {
        for try await page in store.pages(.all) {
            for event in page.events {
                events += 1
                let body = (try? JSONSerialization.jsonObject(with: Data(event.payload))) as? [String: Any]
                let entry = Entry(
                    position: event.position.value, id: event.id.description, type: event.type.text,
                    time: event.recordedAt.microsecondsSince1970, body: body ?? [:])
                let name = event.stream?.text ?? ""
                streams[name, default: []].append(entry)
                if name.hasPrefix("stock-") { stock.append((String(name.dropFirst(6)), entry)) }
            }
        }
        self.payments = Self.lines(payments)
        self.calls = Self.lines(calls)
    }

    private static func lines(_ path: String) -> [Line] {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            guard let verb = words.first, let time = words.last.flatMap(Int64.init) else { return nil }
            let hasKey = verb != "failed" && verb != "opened"
            let rest = words.dropFirst(hasKey ? 2 : 1).prefix(3)
            return Line(
                verb: verb, key: hasKey && words.count > 1 ? words[1] : "", content: rest.joined(separator: " "),
                time: time)
        }
    }

    func entries(_ category: String, _ key: String) -> [Entry] { streams["\(category)-\(key)"] ?? [] }

    /// The payments of a kind that were executed for an order.
    func executed(_ kind: String, _ order: String) -> [Line] {
        payments.filter { $0.verb == "executed" && $0.content.hasPrefix("\(kind) \(order) ") }
    }

    /// The sum of payments that were executed, in cents.
    func sum(_ kind: String, _ order: String) -> Int {
        executed(kind, order).reduce(0) { $0 + (Int($1.content.split(separator: " ").last ?? "") ?? 0) }
    }
}
