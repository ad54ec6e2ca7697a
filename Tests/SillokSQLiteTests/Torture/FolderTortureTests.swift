#if os(Linux)
import Foundation
import SillokCore
import SillokTestSupport
import Testing

/// What processes and disks do to a log in a folder: the same scenarios as for a store in a file.
@Suite("torture of a folder", .serialized, .timeLimit(.minutes(30)))
struct FolderTortureTests {
    @Test("DUR-1: when 32 writers are killed at any instant, nothing is lost, doubled, torn or out of order")
    func kills() async throws {
        let bench = try TortureBench()
        var random = SystemRandomNumberGenerator()
        let (kills, store) = (times("SILLOK_KILLS", 5), bench.path("store.sillok"))
        var last: TortureReport?
        for round in 1...kills {
            // Every other run has short segments, so that kills fall into their change too.
            let writing = try bench.start("write", store: store, more: round % 2 == 0 ? "short-log" : nil)
            // One kill in four is counted from the start of the process, so that it may fall into the opening.
            if round % 4 != 0, let pipe = writing.standardOutput as? Pipe {
                _ = pipe.fileHandleForReading.availableData
            }
            try await Task.sleep(for: .milliseconds(Int.random(in: 200...1200, using: &random)))
            kill(writing.processIdentifier, SIGKILL)
            writing.waitUntilExit()
            let report = try bench.run("check", store: store, more: round == kills ? nil : "quick")
            #expect(report.isClean, "seed \(bench.seed), kill \(round):\n\(report)")
            last = report
        }
        let report = try #require(last)
        #expect(report.count("acknowledged") > 0)
        print(
            "DUR-1 on a folder: \(kills) kills, seed \(bench.seed): \(report.count("events")) events,",
            "\(report.count("acknowledged")) acknowledged appends; 0 wrong;",
            "slowest opening after a kill \(report.count("slowest-opening-us") / 1000) ms")
    }

    @Test("DUR-1: when a store is killed while it rebuilds its index and serves, every event is found afterwards")
    func rebuildKills() async throws {
        let bench = try TortureBench(inMemory: true)
        var random = SystemRandomNumberGenerator()
        let (kills, events) = (times("SILLOK_REBUILD_KILLS", 4), times("SILLOK_REBUILT_EVENTS", 20_000))
        let store = bench.path("store.sillok")
        let filled = try bench.run("fill", store: store, more: "\(events)")
        #expect(filled.isClean && filled.count("events") >= events, "seed \(bench.seed):\n\(filled)")
        var moments: [String] = []
        for round in 1...kills {
            // The others continue the rebuild that was killed.
            if round % 3 == 1 {
                for ending in ["", "-wal", "-shm"] { unlink(store + "/index.sqlite" + ending) }
            }
            let process = try bench.start("rebuild", store: store)
            let pipe = try #require(process.standardOutput as? Pipe)
            var text = String(decoding: pipe.fileHandleForReading.availableData, as: UTF8.self)
            let pause = Int.random(in: 0...max(100, events / 20), using: &random)
            try await Task.sleep(for: .milliseconds(pause))
            kill(process.processIdentifier, SIGKILL)
            text += String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
            process.waitUntilExit()
            #expect(process.terminationReason == .uncaughtSignal, "seed \(bench.seed), kill \(round):\n\(text)")
            let last = text.split(separator: "\n").last { !$0.hasPrefix("open") } ?? "index 100"
            moments.append("\(pause) ms (\(last) %)")
        }
        let rebuilt = try bench.run("check-rebuilt", store: store)
        #expect(rebuilt.isClean, "seed \(bench.seed), kills after \(moments):\n\(rebuilt)")
        let report = try bench.run("check", store: store)
        #expect(report.isClean, "seed \(bench.seed), kills after \(moments):\n\(report)")
        #expect(report.count("events") == rebuilt.count("found"))
        print(
            "DUR-1 on a folder, rebuild of the index: \(kills) kills, seed \(bench.seed), after",
            "\(moments.joined(separator: ", ")): \(rebuilt.count("found")) events found by id, in",
            "\(rebuilt.count("streams")) streams and by \(rebuilt.count("tags")) tags; \(report.count("acknowledged"))",
            "acknowledged appends, 0 lost")
    }

    @Test(
        "DUR-2: after a power cut at any instant, no acknowledged event is lost and the store is undamaged",
        .enabled(if: PowerCut.isPossible, "DUR-2 needs root, unshare, mkfs.ext4 and loop devices"))
    func cuts() throws {
        let cuts = times("SILLOK_POWER_CUTS", 10)
        let bench = try TortureBench()
        let report = try PowerCut.run(on: bench, "\(cuts),folder")
        #expect(report.isClean, "seed \(bench.seed):\n\(report)")
        #expect(report.count("cuts") == cuts)
        #expect(report.count("acknowledged") > 0)
        print(
            "DUR-2 on a folder: \(cuts) power cuts, seed \(bench.seed): \(report.count("events")) events,",
            "\(report.count("acknowledged")) acknowledged appends, \(report.count("in-flight")) in flight at a cut;",
            "0 lost, 0 wrong; slowest opening \(report.count("slowest-opening-us") / 1000) ms")
    }

    @Test(
        "DUR-2: an engine that answers before its sync loses acknowledged events, and the check finds it",
        .enabled(if: PowerCut.isPossible, "DUR-2 needs root, unshare, mkfs.ext4 and loop devices"))
    func unsynced() throws {
        let bench = try TortureBench()
        let report = try PowerCut.run(on: bench, "10,unsynced,folder")
        #expect(!report.isClean)
        // The file `durable` may say that the log reached further than its segments do on the disk.
        #expect(report.count("lost") > 0 || report.description.contains("damaged"), "seed \(bench.seed):\n\(report)")
    }

    @Test(
        "DUR-6: a failing call loses nothing, is reported correctly, and stops the store at once",
        arguments: FaultTests.classes)
    func faults(_ calls: FaultTests.Class) async throws {
        try await FaultTests.run(calls, storeNamed: "store.sillok")
    }

    /// What a disk is that becomes full.
    enum SmallDisk: CaseIterable {
        /// The fault shim refuses writes beyond a limit.
        case shim
        /// A file system in memory, of 8 MiB.
        case small
        /// File systems of 40 MiB: in memory, and ext4 on a loop device.
        case tmpfs, ext4

        /// Mounts the file system, if there is one and this process may. The log and its index fill it.
        func mount(at path: String, image: String) -> Bool {
            switch self {
            case .shim: return true
            case .small: return succeeds("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", path)
            case .tmpfs: return succeeds("mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", path)
            case .ext4:
                return FileManager.default.createFile(atPath: image, contents: Data(count: 40 << 20))
                    && succeeds("mkfs.ext4", "-q", "-F", "-O", "^has_journal", image)
                    && succeeds("mount", "-o", "loop", image, path)
            }
        }
    }

    @Test(
        "DUR-7: on a full disk appends are refused definitely, reads work, and appends work again",
        arguments: SmallDisk.allCases)
    func fullDisk(_ disk: SmallDisk) throws {
        let bench = try TortureBench(inMemory: true)
        let (store, filler) = (bench.path("disk/store.sillok"), bench.path("disk/filler"))
        try FileManager.default.createDirectory(atPath: bench.path("disk"), withIntermediateDirectories: true)
        guard disk.mount(at: bench.path("disk"), image: bench.path("image")) else {
            print("DUR-7 on a folder: no right to mount a small disk (\(disk))")
            return
        }
        defer { if disk != .shim { _ = succeeds("umount", bench.path("disk")) } }
        try Data(count: disk == .shim || disk == .small ? 3_500_000 : 30_000_000).write(to: URL(filePath: filler))
        let limited = ["FAULT_PATH": store, "FAULT_FULL": "4500000", "FAULT_FREE": filler]
        let report = try bench.run(
            "full", store: store, more: filler,
            environment: disk == .shim ? FaultShim.environment(bench, limited) : [:])
        #expect(report.isClean, "\(disk), seed \(bench.seed):\n\(report)")
        #expect(report.count("refused-when-full") == 20)
        #expect(report.count("resumed") == 200)
        print(
            "DUR-7 on a folder (\(disk)): full after \(report.count("appends-until-full")) appends, 20 refused,",
            "200 of 200 continued; 0 lost of \(report.count("events")) events, seed \(bench.seed)")
    }

    @Test(
        "class 18: when a process gets no more memory, nothing that it acknowledged is lost",
        .enabled(if: succeeds("prlimit", "--version"), "class 18 needs prlimit"))
    func memory() async throws {
        let bench = try TortureBench(inMemory: true)
        var random = SystemRandomNumberGenerator()
        let (rounds, store) = (times("SILLOK_ALLOCATIONS", 6), bench.path("store.sillok"))
        var ended = 0
        for round in 1...rounds {
            // Its crash is not described: that takes memory too.
            let writing = try bench.start(
                "write", store: store, more: round % 2 == 0 ? "short-log" : nil,
                environment: ["SWIFT_BACKTRACE": "enable=no"])
            if let pipe = writing.standardOutput as? Pipe { _ = pipe.fileHandleForReading.availableData }
            try await Task.sleep(for: .milliseconds(Int.random(in: 50...500, using: &random)))
            // From here on its memory cannot grow: the next allocation that needs more of it fails.
            let (process, bytes) = (String(writing.processIdentifier), try Self.dataBytes(of: writing))
            #expect(succeeds("prlimit", "--pid", process, "--data=\(bytes)"))
            for _ in 0..<300 where writing.isRunning { try await Task.sleep(for: .milliseconds(10)) }
            if writing.isRunning { kill(writing.processIdentifier, SIGKILL) } else { ended += 1 }
            writing.waitUntilExit()
            let report = try bench.run("check", store: store, more: round == rounds ? nil : "quick")
            #expect(report.isClean, "seed \(bench.seed), round \(round):\n\(report)")
            guard round == rounds else { continue }
            #expect(report.count("acknowledged") > 0 && ended > 0)
            print(
                "class 18 on a folder: \(rounds) processes without more memory, \(ended) of them ended at once, seed",
                "\(bench.seed): \(report.count("events")) events, \(report.count("acknowledged")) acknowledged",
                "appends, 0 lost")
        }
    }

    /// The private memory that a process can write to.
    private static func dataBytes(of process: Process) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmData:") })
        return try #require(Int(line.filter(\.isNumber))) * 1024
    }

    @Test("DUR-8: a changed bit that changes an answer is noticed by the read or named by verify")
    func flips() throws {
        let bench = try TortureBench(inMemory: true)
        let report = try bench.run(
            "flips", store: bench.folder.path, more: "\(times("SILLOK_FLIPS", 200)),folder")
        print("DUR-8 on a folder: seed \(bench.seed):", "\(report)".replacing("\n", with: ", "))
        #expect(report.isClean, "seed \(bench.seed):\n\(report)")
    }
}
#endif
