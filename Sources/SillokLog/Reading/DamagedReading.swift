import SillokCore
import SillokIndex
import SillokSegments
import SillokStorage
import SillokThreads

// Reading a log of which events are lost. A page ends in front of lost events. A page that would begin with one fails,
// so that no reader passes over a loss without noticing.
extension LogReader {
    /// Returns what `make` makes of one page of events.
    func readablePage<Output>(
        _ request: ReadRequest, _ cancellation: Cancellation, _ make: (PageReading) throws -> Output
    ) throws -> Output {
        guard hasGaps else { return try pageBeforeDamage(request, cancellation, make) }
        // The bounds depend on the head.
        try renew()
        let isForward = request.direction == .forward
        var request = request
        let after = try position(of: request.after, orAt: 0)
        let before = try position(of: request.before, orAt: isForward ? .max : view.head.addingSaturated(1))
        let lost: ClosedRange<Int64>?
        if isForward {
            let next = after.addingSaturated(1)
            lost = losses.first { $0.upperBound >= next && $0.lowerBound < before }
            if let lost {
                if lost.contains(next) { throw failure(lost, request) }
                request.before = .position(Position(UInt64(clamping: lost.lowerBound)))
            }
        } else {
            let next = before - 1
            lost = losses.last { $0.lowerBound <= next && $0.upperBound > after }
            if let lost {
                if lost.contains(next) { throw failure(lost, request) }
                request.after = .position(Position(UInt64(clamping: lost.upperBound)))
            }
        }
        return try make { add in
            let page = try page(request, cancellation, add)
            guard let lost, page.isEnd else { return page }
            let end = isForward ? lost.lowerBound - 1 : lost.upperBound.addingSaturated(1)
            return EventBatch(
                events: [], through: Position(UInt64(clamping: end)), isEnd: false, head: page.head
            ).marked(request) { try? id(at: $0) }
        }
    }

    /// Returns what `make` makes of a page that ends in front of the first event that turns out to be damaged.
    private func pageBeforeDamage<Output>(
        _ request: ReadRequest, _ cancellation: Cancellation, _ make: (PageReading) throws -> Output
    ) throws -> Output {
        do {
            return try make { try page(request, cancellation, $0) }
        } catch LogError.damaged(let damage) {
            let place = Int64(clamping: damage.position)
            guard request.direction == .forward, let after = try? position(of: request.after, orAt: 0),
                place > after + 1, place <= view.head
            else { throw LogError.damaged(damage) }
            var request = request
            request.before = .position(Position(damage.position))
            return try make { add in
                let page = try page(request, cancellation, add)
                return EventBatch(events: [], mark: page.mark, isEnd: false, head: page.head)
            }
        }
    }

    /// Bounds that are no positions need events that may be lost.
    private func position(of bound: ReadRequest.Bound?, orAt usual: Int64) throws -> Int64 {
        switch bound {
        case nil: return usual
        case .position(let position)?: return Int64(clamping: position.value)
        case .mark(let mark)?: return Int64(clamping: mark.position.value)
        case .time?, .revision?:
            throw StoreError(
                .corrupt,
                "a damaged log is read by positions only, because the events that a time or a revision leads to may be "
                    + "lost. \(remedy)")
        }
    }

    private func failure(_ lost: ClosedRange<Int64>, _ request: ReadRequest) -> StoreError {
        let isLast = lost.upperBound == .max
        let range =
            isLast ? "from position \(lost.lowerBound) on" : "at positions \(lost.lowerBound) to \(lost.upperBound)"
        let more =
            request.direction == .backward
            ? "Events in front of them are read before position \(lost.lowerBound)."
            : isLast ? "" : "Events behind them are read after position \(lost.upperBound)."
        return StoreError(.corrupt, "the events \(range) are lost, because the log is damaged. \(more) \(remedy)")
    }

    /// Throws, because what is asked for may be among the lost events.
    func requireAll(_ subject: String) throws {
        guard hasGaps else { return }
        throw StoreError(
            .corrupt, "\(subject) may be among the events that are lost, because the log is damaged. \(remedy)")
    }

    private var remedy: String { DamagedLog.remedy }
}
