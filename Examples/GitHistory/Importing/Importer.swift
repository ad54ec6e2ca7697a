import Sillok

/// Brings the history of a repository into a store, without what is there already.
///
/// Safe to kill and to run again at any moment: a part of a commit is recorded whole or not at all, and recording it
/// once more changes nothing. Parents are recorded before their children. References are recorded last, so that the
/// whole history of a recorded reference is stored, and a later run asks git only for what is new.
struct Importer: Sendable {
    let repository: GitRepository
    let store: any EventStore
    var sizes = CommitBatches()

    /// How far an import is.
    struct Progress: Equatable, Sendable {
        /// Commits looked at.
        var commits = 0
        /// How many there are, if git could count them.
        var total: Int?
    }

    /// What an import did, and where its time went.
    struct Report: Sendable {
        var commits = 0
        var newCommits = 0
        var newEvents = 0
        var newReferences = 0
        /// Until git said the first commit, and later while the import had nothing else to do.
        var waiting: Duration = .zero
        /// Loading what is known of commits, deciding and encoding.
        var deciding: Duration = .zero
        /// Of that, in the store.
        var reading: Duration = .zero
        /// In the store, until the events were on the disk.
        var appending: Duration = .zero
        /// All of it.
        var elapsed: Duration = .zero

        fileprivate mutating func add(_ recorded: Recorded) {
            commits += recorded.commits
            newCommits += recorded.newCommits
            newEvents += recorded.newEvents
            deciding += recorded.duration
        }
    }

    /// What recording a batch came to.
    fileprivate struct Recorded: Sendable {
        var commits: Int
        var newCommits = 0
        var newEvents = 0
        var duration: Duration = .zero
    }

    /// Imports, and says after every append how far it is.
    func run(progress: @Sendable (Progress) -> Void = { _ in }) async throws -> Report {
        let clock = ContinuousClock()
        let start = clock.now
        let references = try await onThread { [repository] in try repository.references() }
        var report = Report()
        if !references.isEmpty {
            try await importCommits(of: references, into: &report, progress: progress)
            report.newReferences = try await record(references)
        }
        report.elapsed = start.duration(to: clock.now)
        return report
    }

    private func importCommits(
        of references: [GitReference], into report: inout Report, progress: @Sendable (Progress) -> Void
    ) async throws {
        let (tips, known) = (references.map(\.commit), try await recordedTips())
        let reader = BatchReader(try repository.log(from: tips, excluding: known), sizes: sizes)
        defer { reader.stop() }
        // git counts while its other process looks for the first commit: that costs no time of its own.
        let total = try await onThread { [repository] in try repository.count(from: tips, excluding: known) }
        progress(Progress(total: total))
        let times = PacedStore.Times()
        var latest: Task<Recorded, any Error>?
        do {
            var mark = ContinuousClock.now
            for try await batch in reader.batches {
                report.waiting += mark.duration(to: .now)
                let before = latest
                if batch.continues { _ = try await before?.value }
                latest = Task { [store] in
                    let paced = PacedStore(base: store, times: times) { _ = try await before?.value }
                    return try await Self.record(batch, in: paced)
                }
                // One batch is appended while the next is decided, and no more than that.
                if let before { report.add(try await before.value) }
                reader.didTake()
                progress(Progress(commits: report.commits, total: total))
                mark = .now
            }
            if let latest { report.add(try await latest.value) }
        } catch {
            latest?.cancel()
            _ = await latest?.result
            throw error
        }
        progress(Progress(commits: report.commits, total: total))
        (report.appending, report.reading) = await (times.appending, times.reading)
        report.deciding -= await times.appending + times.waiting
    }

    private static func record(_ batch: CommitBatch, in store: PacedStore) async throws -> Recorded {
        let start = ContinuousClock.now
        let outcome = try await CommandHandler<CommitHistory>(CommitStream.category, in: store).execute(batch.parts)
        var recorded = Recorded(commits: batch.commits, newEvents: outcome.events.count)
        for case (_, .commitRecorded) in outcome.events { recorded.newCommits += 1 }
        recorded.duration = start.duration(to: .now)
        return recorded
    }

    /// The commits that references pointed to when they were last recorded.
    private func recordedTips() async throws -> [String] {
        var tips: [StreamID?: String] = [:]
        let coding = EventCoding<Reference.Event>()
        for try await page in store.pages(.category(ReferenceStream.category)) {
            for event in page.events {
                for case .pointed(let commit) in try coding.decode(event) { tips[event.stream] = commit }
            }
        }
        return Set(tips.values).sorted()
    }

    /// Records where references point to now; the count of those that moved or are new.
    private func record(_ references: [GitReference]) async throws -> Int {
        let handler = CommandHandler<Reference>(ReferenceStream.category, in: store)
        var moved = 0
        for start in stride(from: 0, to: references.count, by: 100) {
            let part = references[start..<min(start + 100, references.count)]
            moved += try await handler.execute(part.map { ($0.name.text, .point(to: $0.commit)) }).events.count
        }
        return moved
    }
}
