import Foundation
import SillokCore
import SillokSQLiteConnections
import SillokTestSupport
import SillokTesting
import Testing

@testable import SillokLog

@Suite struct OpeningTests {
    private let place = StorePlace()

    @Test(arguments: [LogTuning.tiny, LogTuning()])
    func `a store that was not closed has every acknowledged event`(_ tuning: LogTuning) async throws {
        var tuning = tuning
        // A mark that is written while the files are copied would be in some of them only.
        tuning.idleTime = .seconds(3600)
        var store = try place.open("bank.sillok", .create, tuning)
        var count = 0
        for round in 1...12 {
            try await store.fill(count..<count + round * 3, by: round)
            count += round * 3
            _ = try await store.append(AppendRequest([], tracking: Tracking(source: "other", position: UInt64(round))))
            // What a killed process leaves, opened by another one.
            let image = try place.image("image-\(round)")
            let killed = try LogEventStore(path: image, mode: .existing, tuning: tuning)
            try await killed.expect(count)
            #expect(try await killed.tracking(of: "other")?.position == UInt64(round))
            try await killed.fill(count..<count + 5)
            try await killed.expect(count + 5)
            await killed.close()
            if round % 3 == 0 {
                await store.close()
                store = try place.open("bank.sillok", .existing, tuning)
                try await store.expect(count)
            }
        }
        await store.close()
    }

    @Test func `one process at a time may write, and a missing store is reported`() async throws {
        #expect(throws: StoreError.self) { try place.open("none", .existing) }
        #expect(throws: StoreError.self) { try place.open("none", .readOnly) }
        #expect(!FileManager.default.fileExists(atPath: place("none")))
        let store = try place.open()
        let error = #expect(throws: StoreError.self) { try place.open() }
        #expect(error?.code == .locked)
        await store.close()
        await (try place.open()).close()
    }

    @Test func `a network file system is refused, unless the operator allows it`() throws {
        for path in [place(), place("bank.sqlite")] {
            let error = FileSystem.$network.withValue({ _ in "NFS" }) {
                #expect(throws: StoreError.self) {
                    if path.hasSuffix(".sqlite") {
                        _ = try FileLock(storeAt: path)
                    } else {
                        _ = try LogEventStore(path: path)
                    }
                }
            }
            #expect(error?.message.contains("NFS") == true && error?.message.contains("SILLOK_NETWORK_FILES") == true)
            #expect(!FileManager.default.fileExists(atPath: path))
        }
        #expect(FileSystem.network("/proc") == nil)
    }

    @Test func `a store is removed if it was not used`() async throws {
        for onlyIfUnused in [true, false, nil] {
            for isUsed in [false, true] {
                let name = "\(onlyIfUnused.map { $0 ? "unused" : "any" } ?? "none")-\(isUsed)"
                let store = try place.open(name)
                if isUsed { try await store.fill(0..<3) }
                if let onlyIfUnused {
                    await store.closeRemovingFiles(onlyIfUnused: onlyIfUnused)
                } else {
                    await store.close()
                }
                let isThere = FileManager.default.fileExists(atPath: place(name))
                #expect(isThere == (onlyIfUnused.map { $0 && isUsed } ?? true), "\(name)")
            }
        }
    }

    @Test func `a folder that was replaced takes no more appends`() async throws {
        let store = try place.open()
        try await store.fill(0..<3)
        try FileManager.default.moveItem(atPath: place(), toPath: place("moved"))
        await (try place.open()).close()
        let error = await #expect(throws: AppendError.self) { try await store.append([note(3)]) }
        #expect(error?.failure?.code == .fileReplaced)
        await #expect(throws: StoreError.self) { try await store.read(.all) }
        await store.close()
        let moved = try place.open("moved")
        try await moved.expect(3)
        await moved.close()
    }

    @Test(arguments: [LogTuning.tiny, LogTuning()])
    func `another process finds every event at once`(_ tuning: LogTuning) async throws {
        let store = try place.open("bank.sillok", .create, tuning)
        let beside = try place.open("bank.sillok", .readOnly, tuning)
        for number in 0..<150 {
            try await store.fill(number..<number + 1)
            let query = EventQuery.tags(EventTag("third", "\(number % 3)"))
            let tagged = try await beside.read(ReadRequest(query, direction: .backward))
            #expect(tagged.events.first?.position.value == UInt64(number + 1))
            #expect(tagged.events.count == number / 3 + 1)
        }
        try await beside.expect(150)
        _ = try await store.append(AppendRequest([], tracking: Tracking(source: "other", position: 4)))
        #expect(try await beside.tracking(of: "other")?.position == 4)
        async let reached: Void = beside.reach(151, for: .stream("s-0"))
        try await store.fill(150..<151)
        try await reached
        let error = await #expect(throws: AppendError.self) { try await beside.append([note(0)]) }
        #expect(error?.failure?.code == .readOnly)
        await beside.close()
        await store.close()
    }
}
