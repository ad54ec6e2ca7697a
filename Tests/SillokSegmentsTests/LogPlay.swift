import Foundation
import SillokChain
import SillokCore
import SillokDisk
import SillokTestSupport
import Testing

@testable import SillokSegments

/// A log in a temporary folder, its settings, and short ways to write and read it.
final class LogPlay {
    let files = TemporaryFolder()
    let identity: LogIdentity
    var disk: any Disk = SystemDisk()
    var settings = LogSettings()

    var folder: String { files("bank.sillok") }

    init(segmentBytes: Int = 4096, store: UInt64 = 7, hashKey: LogIdentity.HashKey? = nil) {
        settings.firstSegmentBytes = segmentBytes
        settings.maximumSegmentBytes = segmentBytes
        identity = LogIdentity(
            store: StoreID(high: store, low: 1), hashKey: hashKey ?? .init(low: 3, high: store),
            createdAt: Timestamp(microsecondsSince1970: 1), chainStart: 1)
    }

    func create() throws { try SegmentLog.create(folder, on: disk, identity, settings) }

    func open(_ mode: LogMode = .write) throws -> SegmentLog {
        try SegmentLog(opening: folder, on: disk, mode, settings)
    }

    /// Creates the log and opens it.
    func begin() throws -> SegmentLog {
        try create()
        return try open()
    }

    func group() -> GroupBuffer { GroupBuffer(for: identity, settings) }

    /// Writes groups with one event of each of these payload sizes, and syncs each group.
    func append(_ payloads: [Int], to log: SegmentLog, sync: Bool = true) throws {
        for bytes in payloads { try append(group: [bytes], to: log, sync: sync) }
    }

    /// Writes one group with an event of each of these payload sizes.
    func append(group payloads: [Int], to log: SegmentLog, sync: Bool = true) throws {
        var group = group()
        group.begin(first: log.writtenHead + 1)
        for bytes in payloads { add(event(at: group.nextPosition, bytes), to: &group) }
        try log.write(&group)
        if sync { try log.sync() }
    }

    func add(_ entry: AppendRequest.Entry, tracking: Tracking? = nil, to group: inout GroupBuffer) {
        let position = group.nextPosition
        group.add(EncodedAppend([entry], tracking: tracking, hasLinks: true)) { _ in
            EventStamp(revision: position, recorded: Int64(position) * 10, link: LogPlay.link(position))
        }
    }

    static func link(_ position: UInt64) -> ChainDigest? {
        ChainDigest([UInt8](repeating: UInt8(truncatingIfNeeded: position), count: 32))
    }

    /// The event that belongs at a position, so that a reader can check it.
    func event(at position: UInt64, _ bytes: Int) -> AppendRequest.Entry {
        AppendRequest.Entry(
            stream: "account-\(position % 3)",
            event: EventData(
                id: EventID(high: position, low: 42), type: "deposited", tags: ["owner:\(position)"],
                payload: (0..<bytes).map { UInt8(truncatingIfNeeded: UInt64($0) &+ position) }))
    }

    /// Reads all events, checks each, and returns the sizes of their payloads.
    @discardableResult
    func payloads(of log: SegmentLog, sourceLocation: SourceLocation = #_sourceLocation) throws -> [Int] {
        var sizes: [Int] = []
        try log.reader.forEach(from: 1, through: log.durableHead) { record in
            let event = try record.event()
            let expected = self.event(at: UInt64(sizes.count) + 1, event.payload.count)
            #expect(event.position.value == UInt64(sizes.count) + 1, sourceLocation: sourceLocation)
            #expect(event.data == expected.event, sourceLocation: sourceLocation)
            #expect(event.stream == expected.stream, sourceLocation: sourceLocation)
            #expect(record.link == LogPlay.link(record.position), sourceLocation: sourceLocation)
            sizes.append(event.payload.count)
            return true
        }
        #expect(UInt64(sizes.count) == log.durableHead, sourceLocation: sourceLocation)
        return sizes
    }

    // MARK: Files

    func segmentPath(_ ordinal: UInt32) -> String { LogFiles(folder, disk, identity, settings).segmentPath(ordinal) }
    func placesPath(_ ordinal: UInt32) -> String { LogFiles(folder, disk, identity, settings).placesPath(ordinal) }

    func bytes(_ ordinal: UInt32) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: segmentPath(ordinal))))
    }

    func setBytes(_ ordinal: UInt32, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(filePath: segmentPath(ordinal)))
    }

    func change(_ ordinal: UInt32, _ body: (inout [UInt8]) throws -> Void) throws {
        var bytes = try bytes(ordinal)
        try body(&bytes)
        try setBytes(ordinal, bytes)
    }

    func removeDurableFile() { try? FileManager.default.removeItem(atPath: folder + "/durable") }

    /// The names and bytes of all files.
    func snapshot() throws -> [String: [UInt8]] {
        var contents: [String: [UInt8]] = [:]
        for place in ["", "/log"] {
            for name in try SystemDisk().names(in: folder + place) where name != "log" {
                contents["\(place)/\(name)"] = Array(try Data(contentsOf: URL(filePath: "\(folder)\(place)/\(name)")))
            }
        }
        return contents
    }

    func restore(_ snapshot: [String: [UInt8]]) throws {
        for name in try self.snapshot().keys { try FileManager.default.removeItem(atPath: folder + name) }
        for (name, bytes) in snapshot { try Data(bytes).write(to: URL(filePath: folder + name)) }
    }

    /// The offsets of the groups in a segment.
    func groups(_ ordinal: UInt32) throws -> [(offset: Int, header: GroupHeader)] {
        let files = LogFiles(folder, disk, identity, settings)
        var walk = try GroupWalk(try disk.open(segmentPath(ordinal), .read), ordinal, files)
        var groups: [(Int, GroupHeader)] = []
        var offset = LogFormat.headerBytes
        while let header = try walk.header(at: offset) {
            groups.append((offset, header))
            offset += header.totalBytes
        }
        return groups
    }
}

extension LogError {
    /// The damage, if it is that.
    var damage: LogDamage? {
        if case .damaged(let damage) = self { return damage }
        return nil
    }
}
