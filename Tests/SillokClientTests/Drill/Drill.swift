import Foundation
import Sillok
import SillokProjections
import SillokClient
import SillokServer
import SillokTestSupport

/// A server, two projectors, a publisher, a remote subscriber and a client with a token, whose log is restored.
///
/// The log has six events, and everybody keeps the place of the sixth. An older copy has the first three of them, and
/// grew by seven others. What goes wrong is a finding, so that the drill can be seen to fail.
struct Drill {
    let log: any DrilledLog
    let participants: [any Participant]
    /// What a participant sees of a store; the plant of the drill changes it.
    let seen: @Sendable (any EventStore) -> any EventStore
    private(set) var findings: [String] = []

    init(
        on log: any DrilledLog, in folder: TemporaryFolder,
        seeing seen: @escaping @Sendable (any EventStore) -> any EventStore
    ) async throws {
        self.log = log
        self.seen = seen
        participants = [
            try ProjectingParticipant("balances", partitions: 1, in: folder),
            try ProjectingParticipant("totals", partitions: 3, in: folder),
            try PublishingParticipant(in: folder),
            SubscribingParticipant(), TokenParticipant(),
        ]
        try await prepare()
    }

    /// Makes the copies: `older-3` to `older-10`, the older copy as it grew, and `same`, the log itself.
    private func prepare() async throws {
        try await append(3, "first")
        try log.keep("older-3")
        for length in 4...10 {
            try await append(1, "other \(length)")
            try log.keep("older-\(length)")
        }
        try log.restore("older-3")
        try await append(3, "original")
        try log.keep("same")
    }

    private func append(_ count: Int, _ text: String) async throws {
        let opened = try await log.open()
        try await opened.store.happen(count, text)
        await opened.close()
    }

    /// Everybody is stopped while the log is replaced. They are started with every length of the older copy, from
    /// before the kept place to behind it, and must refuse each.
    mutating func stopped() async throws {
        let before = try await followed("before")
        for length in 3...10 {
            try log.restore("older-\(length)")
            let stage = try await DrillStage(log, isReplacedInUse: false)
            let runs = start(on: stage)
            try await expectStopped(runs, before, "a log of \(length)")
            await stage.end()
        }
        try await expectWayBack()
    }

    /// Everybody runs while the log is replaced by the older copy.
    mutating func running(length: Int) async throws {
        let stage = try await DrillStage(log, isReplacedInUse: true)
        let runs = start(on: stage)
        let before = try await stage.marks()
        try await expectHandled(before, "before")
        try await stage.replace(by: "older-\(length)")
        try await expectStopped(runs, before, "a log of \(length), in use")
        await stage.end()
        try await expectWayBack()
    }

    /// The control: the log is replaced by an identical copy, and everybody continues.
    mutating func identical(inUse: Bool) async throws {
        if !inUse { _ = try await followed("before") }
        if !inUse { try log.restore("same") }
        let stage = try await DrillStage(log, isReplacedInUse: inUse)
        let runs = start(on: stage)
        try await expectHandled(try await stage.marks(), "before")
        if inUse { try await stage.replace(by: "same") }
        try await stage.opened.store.happen(4, "later")
        let after = try await stage.marks()
        try await expectHandled(after, "after an identical copy")
        if after.count != 10 { findings.append("the log has \(after.count) events") }
        for (participant, run) in zip(participants, runs) {
            guard case .failure(let error)? = run.result else { continue }
            findings.append("\(participant.name) ended at an identical copy: \(error)")
        }
        for run in runs { await run.cancel() }
        await stage.end()
    }

    // MARK: Steps

    private func start(on stage: DrillStage) -> [DrillRun] {
        participants.map { participant in
            let store = seen(participant.isRemote ? stage.remote : stage.local)
            return DrillRun { try await participant.follow(store) }
        }
    }

    /// Lets everybody follow the log to its end, and stops them.
    private mutating func followed(_ when: String) async throws -> [EventMark] {
        let stage = try await DrillStage(log, isReplacedInUse: false)
        let runs = start(on: stage)
        let marks = try await stage.marks()
        try await expectHandled(marks, when)
        for run in runs { await run.cancel() }
        await stage.end()
        return marks
    }

    private mutating func expectHandled(_ marks: [EventMark], _ when: String) async throws {
        for participant in participants {
            var handled: [EventMark] = []
            let isComplete = try await eventually(within: .seconds(300)) {
                handled = try await participant.handled()
                return handled == marks
            }
            if !isComplete {
                findings.append("\(when): \(participant.name) handled \(handled.brief), not \(marks.brief)")
            }
        }
    }

    /// Each must end with `storeChanged`, with the way back in its message, and must have handled nothing else.
    private mutating func expectStopped(_ runs: [DrillRun], _ before: [EventMark], _ when: String)
        async throws
    {
        for (participant, run) in zip(participants, runs) {
            _ = try await eventually(within: .seconds(findings.isEmpty ? 30 : 1)) { run.result != nil }
            switch run.result {
            case .failure(let error)? where error.storeCode == .storeChanged:
                if !"\(error)".contains(participant.wayBackNamed) {
                    findings.append("\(when): \(participant.name) does not name the way back: \(error)")
                }
            case let end:
                findings.append(
                    "\(when): \(participant.name) did not stop: \(end.map { "\($0)" } ?? "it runs")")
            }
            await run.cancel()
            let handled = try await participant.handled()
            if handled != before {
                findings.append("\(when): \(participant.name) handled \(handled.brief)")
            }
        }
    }

    /// Expects that every participant handles the current log after the recovery that the messages describe.
    private mutating func expectWayBack() async throws {
        guard findings.isEmpty else { return }
        let stage = try await DrillStage(log, isReplacedInUse: false)
        for participant in participants { try await participant.goBack(seen(stage.local)) }
        let runs = start(on: stage)
        try await stage.opened.store.happen(1, "after the way back")
        try await expectHandled(try await stage.marks(), "after the way back")
        for run in runs { await run.cancel() }
        await stage.end()
    }
}

/// A server of the log, and how participants reach it.
final class DrillStage {
    private(set) var opened: OpenedLog
    let remote: RemoteEventStore
    /// The store of the projectors. A file that is replaced must be closed, so then they are remote too.
    let local: any EventStore
    private let log: any DrilledLog
    private var server: RunningServer

    init(_ log: any DrilledLog, isReplacedInUse: Bool) async throws {
        self.log = log
        opened = try await log.open()
        server = try await RunningServer(serving: opened.store)
        var options = RemoteEventStore.Options()
        options.timeout = .seconds(60)
        remote = try await RemoteEventStore(server.address, options)
        local = isReplacedInUse && !log.isRestoredInUse ? remote : opened.store
    }

    func marks() async throws -> [EventMark] {
        try await opened.store.read(.all).events.map { EventMark($0) }
    }

    /// Replaces the log of all participants: a file while its server is stopped, a database while it runs.
    func replace(by name: String) async throws {
        if log.isRestoredInUse { return try log.restore(name) }
        await server.stop()
        await opened.close()
        try log.restore(name)
        opened = try await log.open()
        var configuration = GRPCServer.Configuration()
        configuration.port = server.port
        server = try await RunningServer(serving: opened.store, configuration, isPortKept: true)
    }

    func end() async {
        await remote.close()
        await server.stop()
        await opened.close()
    }
}

/// A participant that runs, and how it ended.
final class DrillRun: Sendable {
    private let end = Lock<Result<Void, any Error>?>(nil)
    private let task: Task<Void, Never>

    init(_ body: @escaping @Sendable () async throws -> Void) {
        let end = end
        task = Task {
            let result: Result<Void, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            end.withLock { $0 = result }
        }
    }

    var result: Result<Void, any Error>? { end.withLock { $0 } }

    func cancel() async {
        task.cancel()
        await task.value
    }
}

extension EventStore {
    /// Appends events, one by one.
    func happen(_ count: Int, _ text: String) async throws {
        for number in 0..<count {
            let event = try EventCoding<DrillEvent>().encode(.happened("\(text), \(number)"))
            try await append([event], to: StreamID("stream-\(number)"))
        }
    }
}

extension [EventMark] {
    fileprivate var brief: String {
        "[" + map { "\($0.position)@\("\($0.id as Any)".suffix(6))" }.joined(separator: " ") + "]"
    }
}

extension Error {
    /// The code of a store's error, also of one that ended a projector.
    var storeCode: StoreError.Code? {
        (self as? StoreError)?.code ?? ((self as? ProjectionFailure)?.cause as? StoreError)?.code
    }
}
