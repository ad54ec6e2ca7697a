import Sillok
import SillokCore
import SillokProcessMachine

/// Loads instances from their streams, and appends what follows from their inputs.
struct InstanceStore<Manager: ProcessManager>: Sendable {
    let store: any EventStore
    let source: EventQuery
    let time: StoreTime
    let coding = EventCoding<Manager.Event>()
    let cache: InstanceCache<Manager>
    let snapshots: InstanceSnapshots<Manager>

    /// Returns the current state of an instance: as it was known, and the records that came since.
    func load(_ key: String) async throws -> ProcessInstance<Manager> {
        var known = cache[key]
        if known == nil { known = try await snapshots.entry(key) }
        if let known {
            do {
                return try await load(known)
            } catch let error as StoreError where error.code == .storeChanged {
                cache.remove(key)
            }
        }
        return try await load(.init(instance: ProcessInstance(key: key), mark: .start))
    }

    private func load(_ known: InstanceCache<Manager>.Entry) async throws -> ProcessInstance<Manager> {
        var entry = known
        let (stream, key) = (entry.instance.stream, entry.instance.key)
        let request = ReadRequest(.stream(stream), after: .mark(entry.mark), limit: store.limits.pageEvents)
        for try await page in store.pages(request) {
            for event in page.events {
                for record in try records(of: event, key) {
                    try entry.instance.apply(record, event, source: try await parts(of: record, for: key))
                }
            }
            entry.mark = page.mark
        }
        do {
            entry.stored = try await snapshots.store(entry)
        } catch {
            // A snapshot only saves reading. It is tried again after as many records as before.
            entry.stored = entry.instance.revision
        }
        cache.set(entry, for: key)
        return entry.instance
    }

    /// Decodes a record. One of a newer version is left to a build that knows it.
    private func records(of event: RecordedEvent, _ key: String) throws -> [ProcessRecord] {
        do {
            return try ProcessRecord.coding.decode(event)
        } catch let error where error is UnknownEventType || error is NewerEventVersion {
            throw UnknownStep(process: Manager.name, key: key, step: "\(event.type)", cause: error)
        }
    }

    /// Returns whether the log has a record of an event that an instance may have forgotten.
    func isRecorded(_ event: RecordedEvent, in instance: ProcessInstance<Manager>) async throws -> Bool {
        guard instance.mayHaveForgotten(event) else { return false }
        for id in instance.recordIDs(of: event.id) where try await store.event(id) != nil { return true }
        return false
    }

    private func parts(of record: ProcessRecord, for key: String) async throws -> [Recorded<Manager.Event>] {
        guard case .received(let position, let id, _) = record else { return [] }
        guard let event = try await store.event(id) else {
            throw StoreError(
                .corrupt, "\(Manager.name) \(key) has handled event \(id) at position \(position), which is not there.")
        }
        return try parts(of: event, for: key)
    }

    /// Returns the parts of an event that belong to an instance.
    func parts(of event: RecordedEvent, for key: String) throws -> [Recorded<Manager.Event>] {
        try coding.recorded(event, for: source).filter { Manager.correlate($0).key == key }
    }

    /// Appends records of an instance, together with other events.
    ///
    /// - Returns: `false` if the condition does not hold, or the input was recorded meanwhile: load again.
    func append(
        _ records: [EventData], of instance: ProcessInstance<Manager>, with others: [AppendRequest.Entry] = [],
        if condition: AppendCondition
    ) async throws -> Bool {
        if records.isEmpty && others.isEmpty { return true }
        let own = records.map { AppendRequest.Entry(stream: instance.stream, event: $0) }
        do {
            let receipt = try await store.append(AppendRequest(others + own, if: condition))
            time.note(receipt.recordedAt)
            return true
        } catch {
            switch error {
            case .conflict, .knownID: return false
            case .invalid, .tracking, .refused, .failed: throw error.underlyingError
            }
        }
    }
}
