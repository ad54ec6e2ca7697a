#if os(Linux)
import Foundation
import SillokCore

/// Cuts the power of a disk under 32 writers, repeatedly, and compares the store with the clients' log after each cut.
struct PowerCuts {
    private let disk: CutDisk
    private let logPath: String
    private let seed: UInt64
    private let cuts: Int
    /// Whether commits wait for the disk. Without that, acknowledged events must be lost: the negative control.
    private let isSynced: Bool
    private let name: String
    private var inFlight = 0
    private var slowestMount: Int64 = 0

    init(folder: String, logPath: String, seed: UInt64, words: [String]) throws {
        disk = try CutDisk(in: folder)
        self.logPath = logPath
        self.seed = seed
        cuts = words.first.flatMap { Int($0) } ?? 10
        isSynced = !words.contains("unsynced")
        name = words.contains("folder") ? "store.sillok" : "store.sqlite"
    }

    private var store: String { "\(disk.path)/\(name)" }

    /// Returns whether the store is sound after every cut. Ends at the first finding.
    mutating func run() async throws -> Bool {
        endWithStandardInput()
        try disk.mount()
        if cuts == 0 { try disk.cut() }
        for round in 0..<cuts {
            try await writeAndCut(round)
            let start = AckLog.now()
            try disk.mount()
            slowestMount = max(slowestMount, AckLog.now() - start)
            inFlight += try History(logPath).requests.values.count { $0.outcome == .open }
            let isLast = round == cuts - 1
            let findings = try await checkStore(store, logPath, seed: seed, withVerify: isLast || round % 10 == 9)
            guard findings.isEmpty else {
                print("cuts \(round + 1)\n# cut \(round + 1) of \(cuts), seed \(seed)")
                return false
            }
        }
        try await disk.unmount()
        print("cuts \(cuts)\nin-flight \(inFlight)\nslowest-mount-us \(slowestMount)")
        return true
    }

    /// Starts writers, stops them at a random instant, cuts the power, kills them and unmounts the disk.
    ///
    /// The writers are stopped first: no call may be acknowledged between the cut and the kill.
    private func writeAndCut(_ round: Int) async throws {
        var random = SeededGenerator(seed, UInt64(round), 1 << 40)
        let writers = try startWriters(round)
        defer {
            kill(writers.processIdentifier, SIGKILL)
            writers.waitUntilExit()
        }
        // One cut in four is counted from the start of the process, so that it may fall into the opening.
        if round % 4 != 3, let pipe = writers.standardOutput as? Pipe { _ = pipe.fileHandleForReading.availableData }
        try await Task.sleep(for: .milliseconds(100 + random.below(900)))
        guard writers.isRunning else { throw TortureFailure("the writers ended before the cut") }
        try await stopThreads(of: writers.processIdentifier)
        try disk.cut()
        kill(writers.processIdentifier, SIGKILL)
        writers.waitUntilExit()
        try await disk.unmount()
    }

    /// Every other run has a short write-ahead log, so that cuts fall into checkpoints too.
    private func startWriters(_ round: Int) throws -> Process {
        let words = (round % 2 == 1 ? ["short-log"] : []) + (isSynced ? [] : ["unsynced"])
        let process = Process()
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["write", store, logPath, String(seed), words.joined(separator: ",")]
        process.standardOutput = Pipe()
        process.standardInput = FileHandle.nullDevice
        try process.run()
        return process
    }

    /// Stops a process and waits until none of its threads runs or waits for the disk.
    private func stopThreads(of process: Int32) async throws {
        kill(process, SIGSTOP)
        let tasks = "/proc/\(process)/task"
        for _ in 0..<3000 {
            let threads = try FileManager.default.contentsOfDirectory(atPath: tasks)
            let isStopped = threads.allSatisfy { thread in
                let line = (try? String(contentsOfFile: "\(tasks)/\(thread)/stat", encoding: .utf8)) ?? ""
                return line.split(separator: ")").last?.hasPrefix(" T") ?? false
            }
            if isStopped { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw TortureFailure("the threads of the writers did not stop")
    }

    /// Ends this process, and with it the namespace, when the process that started it is gone.
    private func endWithStandardInput() {
        Thread.detachNewThread {
            var byte: UInt8 = 0
            while read(0, &byte, 1) > 0 {}
            exit(3)
        }
    }
}
#endif
