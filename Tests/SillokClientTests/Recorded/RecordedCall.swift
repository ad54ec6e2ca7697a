import Foundation
import NIOCore
import Sillok
import SillokSQLite
import SillokWire

/// A call of another version: the message of its client and the answer of its server.
struct RecordedCall: Sendable {
    let method: String
    /// The framed message of the client.
    let request: ByteBuffer
    /// The framed answer of the server.
    let answer: ByteBuffer

    private struct Line: Decodable {
        let method: String
        let request: Data
        let answer: Data
    }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/0672aac")

    /// The recorded calls, in order.
    static func all() throws -> [RecordedCall] {
        let text = try String(contentsOf: folder.appending(path: "calls.jsonl"), encoding: .utf8)
        return try text.split(separator: "\n").map { line in
            let line = try JSONDecoder().decode(Line.self, from: Data(line.utf8))
            return RecordedCall(
                method: line.method, request: ByteBuffer(bytes: line.request), answer: ByteBuffer(bytes: line.answer))
        }
    }

    /// A copy of the store over which the calls were recorded, at the time of the recording.
    static func withStore(_ body: (SQLiteEventStore) async throws -> Void) async throws {
        let place = FileManager.default.temporaryDirectory.appending(path: "sillok-calls-\(UUID().uuidString)")
        try FileManager.default.copyItem(at: folder.appending(path: "bank.store"), to: place)
        let clock = WallClock { Timestamp(microsecondsSince1970: 1_900_000_000_000_000) }
        let store = try SQLiteEventStore(path: place.path, mode: .existing, clock: clock)
        let result: Result<Void, any Error>
        do { result = .success(try await body(store)) } catch { result = .failure(error) }
        await store.close()
        for suffix in ["", "-lock"] { try? FileManager.default.removeItem(atPath: place.path + suffix) }
        try result.get()
    }

    /// What an answer to this call says, to compare it with another one.
    func outcome(of answer: ByteBuffer) throws -> Outcome {
        var message = answer
        message.moveReaderIndex(forwardBy: ProtobufWriter.frameBytes)
        switch method {
        case "Describe": return try read(Remote.DescribeResponse.self, message) { "\($0.store) \($0.limits)" }
        case "Append": return try read(Remote.AppendResponse.self, message) { Answered($0) }
        case "Read": return try read(Remote.ReadResponse.self, message) { Answered($0) }
        case "GetEvent": return try read(Remote.EventResponse.self, message) { $0 }
        case "GetStream", "ListStreams": return try read(Remote.StreamsResponse.self, message) { $0 }
        case "GetTracking": return try read(Remote.TrackingResponse.self, message) { $0?.position }
        default: return try read(Remote.HeadResponse.self, message) { $0 }
        }
    }

    private func read<Body: Remote.AnswerBody, Value: Hashable & Sendable>(
        _ type: Body.Type, _ message: ByteBuffer, _ value: (Body.Value) -> Value
    ) throws -> Outcome {
        let answer = try Remote.Answer<Body>(reading: message)
        if let failure = answer.failure { return Outcome(try failure.error()) }
        return .value(value(try answer.value()))
    }

    /// Makes the call of a store, and returns the outcome.
    func outcome(on store: any EventStore) async throws -> Outcome {
        var message = request
        message.moveReaderIndex(forwardBy: ProtobufWriter.frameBytes)
        switch method {
        case "Describe": return .value("\(try await store.storeID()) \(store.limits)")
        case "Append":
            let request = try AppendRequest(reading: message)
            return await Outcome.of { Answered(try await store.append(request)) }
        case "Read":
            let request = try ReadRequest(reading: message)
            return await Outcome.of { Answered(try await store.read(request)) }
        case "GetEvent":
            let id = try Remote.EventRequest(reading: message).id
            return await Outcome.of { try await store.event(id) }
        case "GetStream":
            let stream = try Remote.StreamRequest(reading: message).stream
            return await Outcome.of { try await store.stream(stream).map { [$0] } ?? [] }
        case "ListStreams":
            let streams = try Remote.StreamsRequest(reading: message)
            return await Outcome.of {
                try await store.streams(
                    in: streams.category, after: streams.after, limit: streams.limit)
            }
        case "GetTracking":
            let source = try Remote.TrackingRequest(reading: message).source
            return await Outcome.of { try await store.tracking(of: source)?.position }
        case "Reach":
            let reach = try Remote.ReachRequest(reading: message)
            return await Outcome.of {
                try await store.reach(reach.position, for: reach.query ?? .all)
                return true
            }
        default: return await Outcome.of { try await store.head() }
        }
    }
}

/// A receipt or a page without the ids of marks: an older server does not return them.
private struct Answered: Hashable, Sendable {
    private var events: [RecordedEvent] = []
    private var revisions: [StreamID: Revision] = [:]
    private let facts: [String]

    init(_ receipt: Receipt) {
        revisions = receipt.revisions
        facts = ["\(receipt.firstPosition)", "\(receipt.position)", "\(receipt.recordedAt)"]
    }

    init(_ page: EventBatch) {
        events = page.events
        facts = ["\(page.through)", "\(page.head)", "\(page.isEnd)"]
    }
}

/// What a call came to: its value or its error.
enum Outcome: Hashable, @unchecked Sendable {
    case value(AnyHashable)
    case failure(AnyHashable)

    static func value<Value: Hashable & Sendable>(_ value: Value) -> Outcome { .value(AnyHashable(value)) }

    init(_ error: any Error) {
        switch AppendError(error) {
        case .invalid(let error): self = .failure(AnyHashable(error))
        case .conflict(let error): self = .failure(AnyHashable(error))
        case .knownID(let error): self = .failure(AnyHashable(error))
        case .tracking(let error): self = .failure(AnyHashable(error))
        case .refused(let error): self = .failure(AnyHashable("\(error)"))
        case .failed(let error): self = .failure(AnyHashable("\(error.code) \(error.outcome)"))
        }
    }

    static func of<Value: Hashable & Sendable>(_ body: () async throws -> Value) async -> Outcome {
        do { return value(try await body()) } catch { return Outcome(error) }
    }
}
