import SillokCore

/// Pages of a walk through history that are read before they are asked for.
///
/// A page below a head that was seen never changes, so it may be read at any time. Whoever reads the second page of a
/// walk forwards will ask for the third: a reader thread fetches it while the caller works on the second.
struct ReadAhead {
    typealias Answer = CheckedContinuation<EventBatch, any Error>

    private enum Slot {
        /// A thread is reading it; the caller who has asked for it meanwhile.
        case reading(Answer?)
        case ready(EventBatch)
    }

    /// What a caller who asks for a page finds.
    enum Finding {
        case nothing
        case page(EventBatch)
        /// The page comes; the caller's continuation is kept.
        case waits
    }

    private var slots: [ReadRequest: Slot] = [:]
    /// So many pages are kept at most, of callers who may never come back for them.
    private static let capacity = 4

    /// The request of the page after `batch` that is worth reading now, if there is one.
    static func next(_ request: ReadRequest, _ batch: EventBatch) -> ReadRequest? {
        guard request.direction == .forward, let bound = request.before?.position, bound <= batch.head.next,
            request.after?.position != nil
        else { return nil }
        return request.next(after: batch)
    }

    /// Notes that a thread is about to read a page; `false` if there is no room or it is being read.
    mutating func begin(_ request: ReadRequest) -> Bool {
        guard slots[request] == nil else { return false }
        if slots.count >= Self.capacity {
            guard let old = slots.first(where: { if case .ready = $0.value { true } else { false } })?.key else {
                return false
            }
            slots[old] = nil
        }
        slots[request] = .reading(nil)
        return true
    }

    /// What a caller finds; one who has to wait leaves `answer`.
    mutating func take(_ request: ReadRequest, _ answer: Answer) -> Finding {
        switch slots[request] {
        case .ready(let batch)?:
            slots[request] = nil
            return .page(batch)
        case .reading(nil)?:
            slots[request] = .reading(answer)
            return .waits
        default: return .nothing
        }
    }

    /// Ends the reading of a page: who waits for it, or `nil` if it is kept for later.
    mutating func end(_ request: ReadRequest, _ result: Result<EventBatch, any Error>) -> Answer? {
        guard case .reading(let answer)? = slots.removeValue(forKey: request) else { return nil }
        if answer == nil, case .success(let batch) = result { slots[request] = .ready(batch) }
        return answer
    }
}
