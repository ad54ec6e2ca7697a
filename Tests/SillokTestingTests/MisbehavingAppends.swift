import Sillok

extension MisbehavingStore {
    @discardableResult
    func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        do {
            return try await misbehave(changed(request))
        } catch {
            throw AppendError(error)
        }
    }

    private func misbehave(_ changed: AppendRequest) async throws -> Receipt {
        var request = changed
        try await checkEarly(&request)
        let isRepeat = try await isKnown(request)
        let receipt: Receipt
        do {
            receipt = try await record(request)
        } catch AppendError.conflict(let conflict) {
            throw try await afterConflict(conflict, request)
        }
        noteTime(receipt, isRepeat: isRepeat)
        return shown(receipt, isRepeat: isRepeat)
    }

    /// The request as the bug understands it.
    private func changed(_ original: AppendRequest) -> AppendRequest {
        var request = original
        for index in request.entries.indices {
            switch bug {
            case .dropsMetadata: request.entries[index].event.metadata = Metadata()
            case .sortsTags: request.entries[index].event.tags.sort()
            case .readsPayloadsAsText:
                let text = String(decoding: request.entries[index].event.payload, as: UTF8.self)
                request.entries[index].event.payload = Array(text.utf8)
            case .mergesNamesThatLookTheSame:
                request.entries[index].stream = request.entries[index].stream?.merged
            case .ignoresGivenTimes: request.entries[index].recordedAt = nil
            default: break
            }
        }
        for index in request.condition.unchanged.indices {
            let since = request.condition.unchanged[index].since
            func seen(_ position: Position) -> EventMark { EventMark(position: position, id: nil) }
            switch bug {
            case .takesOneEventTooManyAsSeen: request.condition.unchanged[index].seen = seen(since.next)
            case .takesOneEventTooFewAsSeen: request.condition.unchanged[index].seen = seen(since.previous)
            default: break
            }
        }
        return request
    }

    /// What the bug does before the store takes its lock.
    private func checkEarly(_ request: inout AppendRequest) async throws {
        switch bug {
        case .forgetsIDsAtReopen where isReopened: try await giveNewIDs(&request)
        case .forgetsIDsOfEarlyAppends where state.withLock({ $0.appends > 6 }): try await giveNewIDs(&request)
        case .checksConditionBeforeIdempotency:
            if let conflict = try await conflict(with: request.condition) { throw conflict }
        case .checksRevisionsOutsideTheLock: try await checkOutside(&request, \.revisions, empty: [:])
        case .checksQueriesOutsideTheLock: try await checkOutside(&request, \.unchanged, empty: [])
        default: break
        }
        state.withLock { $0.appends += 1 }
    }

    /// Checks a part of the condition now and appends without it later.
    private func checkOutside<Part>(
        _ request: inout AppendRequest, _ part: WritableKeyPath<AppendCondition, Part>, empty: Part
    ) async throws {
        if try await isKnown(request) { return }
        if let conflict = try await conflict(with: request.condition) { throw conflict }
        request.condition[keyPath: part] = empty
        for _ in 0..<10 { await Task.yield() }
    }

    /// What a condition finds at this moment, without an append.
    private func conflict(with condition: AppendCondition) async throws -> AppendConflict? {
        var probe = AppendRequest([.init(stream: nil, event: EventData(type: "probe", text: ""))], if: condition)
        probe.condition.revisions["probe"] = Revision(.max)
        do {
            _ = try await base.append(probe)
            return nil
        } catch {
            guard case AppendError.conflict(let conflict) = error else { throw error }
            let streams = conflict.streams.filter { $0.key != "probe" }
            if streams.isEmpty && conflict.events.isEmpty { return nil }
            return AppendConflict(streams: streams, events: conflict.events, head: conflict.head)
        }
    }

    /// Ids that the store should know become new ones.
    private func giveNewIDs(_ request: inout AppendRequest) async throws {
        for index in request.entries.indices {
            let id = request.entries[index].event.id
            let isForgotten = bug == .forgetsIDsAtReopen || state.withLock { $0.firstAppends.contains(id) }
            if isForgotten, try await base.event(id) != nil { request.entries[index].event.id = EventID() }
        }
    }

    private func isKnown(_ request: AppendRequest) async throws -> Bool {
        for entry in request.entries where try await base.event(entry.event.id) != nil { return true }
        return false
    }

    private func record(_ request: AppendRequest) async throws -> Receipt {
        if state.withLock({ $0.appends <= 3 }) {
            state.withLock { $0.firstAppends.formUnion(request.entries.map(\.event.id)) }
        }
        guard bug == .announcesEventsBeforeTheyAreVisible else { return try await base.append(request) }
        let head = try await base.head().next
        state.withLock { _ = $0.hidden.insert(head) }
        let receipt = try await base.append(request)
        for _ in 0..<20 { await Task.yield() }
        state.withLock { _ = $0.hidden.remove(head) }
        return receipt
    }

    /// What the bug leaves behind when a condition does not hold, and the conflict that it reports.
    private func afterConflict(_ conflict: AppendConflict, _ request: AppendRequest) async throws -> AppendConflict {
        switch bug {
        case .storesHalfABatchOnConflict where request.entries.count > 1:
            _ = try await base.append(AppendRequest(Array(request.entries.prefix(request.entries.count / 2))))
        case .keepsTrackingOfRefusedAppends:
            if let tracking = request.tracking {
                state.withLock { $0.refusedTracking[tracking.source] = tracking.position }
            }
        case .refusesWithoutTheEvents:
            return AppendConflict(streams: conflict.streams, events: [], head: conflict.head)
        default: break
        }
        return conflict
    }

    private func noteTime(_ receipt: Receipt, isRepeat: Bool) {
        guard bug == .letsTimeRunBackwards, !isRepeat else { return }
        state.withLock { state in
            for place in receipt.firstPosition.value...receipt.position.value {
                state.times[Position(place)] = clock.now()
            }
        }
    }

    /// The receipt as the bug shows it.
    private func shown(_ receipt: Receipt, isRepeat: Bool) -> Receipt {
        var (position, revisions, time) = (receipt.position, receipt.revisions, receipt.recordedAt)
        if bug == .answersARepeatWithTheHead && isRepeat { position = position.next }
        if bug == .letsTimeRunBackwards, let noted = state.withLock({ $0.times[receipt.position] }) { time = noted }
        if bug == .mixesUpRevisionsOfABatch, revisions.count > 1, let most = revisions.values.max() {
            revisions = revisions.mapValues { _ in most }
        }
        return Receipt(
            firstPosition: receipt.firstPosition, mark: EventMark(position: position, id: receipt.mark.id),
            revisions: revisions, recordedAt: time)
    }
}
