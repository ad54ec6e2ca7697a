import SillokCore

/// Pages of a walk through history that are read before a caller requests them.
///
/// A page below a head that was seen never changes, so it may be read at any time. A caller that reads the second
/// page of a walk forwards will ask for the third: a reader thread fetches it while the caller works on the second.
struct ReadAhead {
    /// What is known of a page.
    enum Slot {
        /// A thread reads it, under this number.
        case reading(UInt64)
        case ready(EventBatch)
    }

    private var slots: [ReadRequest: Slot] = [:]
    /// The pages that are kept at most, of callers who may never ask for them.
    private static let capacity = 4

    /// The request of the page after `batch` that is worth reading now, if there is one.
    static func next(_ request: ReadRequest, _ batch: EventBatch) -> ReadRequest? {
        guard request.direction == .forward, let bound = request.before?.position, bound <= batch.head.next,
            request.after?.position != nil
        else { return nil }
        return request.next(after: batch)
    }

    /// Notes that a thread is about to read a page; `false` if there is no room or it is being read.
    mutating func begin(_ request: ReadRequest, _ number: UInt64) -> Bool {
        guard slots[request] == nil else { return false }
        if slots.count >= Self.capacity {
            guard let old = slots.first(where: { if case .ready = $0.value { true } else { false } })?.key else {
                return false
            }
            slots[old] = nil
        }
        slots[request] = .reading(number)
        return true
    }

    /// What is known of a page. One that is ready is handed out once.
    mutating func take(_ request: ReadRequest) -> Slot? {
        let slot = slots[request]
        if case .ready? = slot { slots[request] = nil }
        return slot
    }

    /// Ends the reading of a page; a page that no caller has asked for is kept.
    mutating func end(_ request: ReadRequest, _ number: UInt64, keeping batch: EventBatch?) {
        guard case .reading(number)? = slots[request] else { return }
        slots[request] = batch.map { .ready($0) }
    }
}
