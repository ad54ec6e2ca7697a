import Sillok
import SillokCopying
import SillokTerminal

extension CopyCommand {
    /// Copies one category, compares it, and reports where the readers of the copy continue.
    func copyCategory(_ name: String, _ source: any EventStore, _ target: any EventStore) async throws {
        let console = Console.current
        let copier = try CategoryCopier(
            of: StreamCategory(name), from: source, to: target, keepsTimes: !restamp)
        let start = try await copier.start()
        let (head, first) = (try await source.head(), start.mark.position.value)
        let bar = ProgressBar("Copying", total: head.value - min(first, head.value))
        let copied: UInt64
        do {
            copied = try await copier.run(after: start, through: head) { bar.update(to: $0.value - first) }
        } catch {
            bar.finish(quietly: true)
            if error is CancellationError { console.note("stopped; run the same command again to continue.") }
            throw error
        }
        bar.finish(quietly: !console.errorTerminal.isTerminal)
        console.note(change: "\(copied.grouped) events of the category are copied")
        var same: CategoryCopier.Same?
        if !noVerify {
            let bar = ProgressBar("Comparing", total: head.value)
            defer { bar.finish(quietly: true) }
            same = try await copier.compare(through: head) { bar.update(to: $0.value) }
        }
        try report(copied, of: name, same)
    }

    private func report(_ copied: UInt64, of name: String, _ same: CategoryCopier.Same?) throws {
        let console = Console.current
        if show.json {
            return try console.print(json: [
                "copied": copied, "compared": same != nil, "events": same?.events ?? 0, "streams": same?.streams ?? 0,
                "mark": same?.mark.description ?? "", "isBehind": same?.isBehind ?? false,
            ])
        }
        try console.print("copied \(copied.grouped) events of category \(name.visible)")
        guard let same else { return }
        try console.print("\(same.events.grouped) events are the same in both logs; the last is at \(same.mark) in TO")
        if same.isBehind {
            console.note("FROM has newer events of the category: stop its writers and run the same command again.")
        } else {
            try console.print("all \(same.streams.grouped) streams have the same number of events")
        }
    }
}
