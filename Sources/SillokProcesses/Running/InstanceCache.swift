import SillokCore
import SillokProcessMachine

/// Instances as they were last loaded, so that only the later records of a stream are read. The log stays the truth:
/// each load reads what came after, and starts again if the log no longer has the place.
final class InstanceCache<Manager: ProcessManager>: Sendable {
    struct Entry: Sendable {
        var instance: ProcessInstance<Manager>
        /// The log was read up to here.
        var mark: EventMark
        /// The revision up to which a snapshot is stored.
        var stored = Revision.none
    }

    private struct State {
        var entries: [String: (entry: Entry, use: UInt64)] = [:]
        var uses: UInt64 = 0
        var longest = Revision.none
    }

    private let limit: Int
    private let state = Lock(State())

    init(limit: Int) { self.limit = max(0, limit) }

    subscript(key: String) -> Entry? {
        state.withLock { state in
            state.uses += 1
            state.entries[key]?.use = state.uses
            return state.entries[key]?.entry
        }
    }

    func set(_ entry: Entry, for key: String) {
        state.withLock { state in
            state.longest = max(state.longest, entry.instance.revision)
            if limit == 0 { return }
            state.uses += 1
            state.entries[key] = (entry, state.uses)
            guard state.entries.count > limit else { return }
            // A tenth at once, so that it is not searched for each instance.
            let oldest = state.entries.sorted { $0.value.use < $1.value.use }.prefix(max(1, limit / 10))
            for (key, _) in oldest { state.entries[key] = nil }
        }
    }

    /// The greatest revision of an instance that was loaded.
    var longest: Revision { state.withLock { $0.longest } }

    func remove(_ key: String) { state.withLock { $0.entries[key] = nil } }
}
