import SillokCore

/// The result of a search along the log. A place is a position in a forward search and a negated position in a backward
/// search, so that places rise in both.
package enum Finding: Equatable {
    /// The first match is here.
    case match(Int64)
    /// Nothing matches up to the end of the log.
    case none
    /// Nothing matches before this place. The search ended here because of its limit or because the steps ran out.
    case open(Int64)
}

/// The places of one term, fetched in blocks whose size fits the access pattern.
///
/// A list that is scanned gets growing blocks. A list that is skipped through gets small blocks: a skip reads a few
/// entries, no matter how many it passes.
final class PositionList {
    private let source: any PositionSource
    private let direction: ReadRequest.Direction
    private let budget: StepBudget
    private var block: [Int64] = []
    private var next = 0
    private var blockSize = PositionList.firstBlock
    /// The number of entries of the block that were returned.
    private var answered = 0
    private var isLastBlock = false
    private static let firstBlock = 8
    private static let smallestBlock = 2
    private static let largestBlock = 1024

    init(_ source: any PositionSource, _ direction: ReadRequest.Direction, _ budget: StepBudget) {
        self.source = source
        self.direction = direction
        self.budget = budget
    }

    /// Returns the first place at or beyond `place`. Places must rise from call to call.
    func seek(_ place: Int64) throws -> Finding {
        while true {
            if let last = block.last, last >= place {
                let index = firstIndex(from: place)
                if index != next || answered == 0 { answered += 1 }
                next = index
                return .match(block[index])
            }
            if isLastBlock { return .none }
            if budget.isExhausted { return .open(place) }
            try read(from: place)
        }
    }

    /// Returns the index of the first entry at or beyond `place`; the block must contain one.
    private func firstIndex(from place: Int64) -> Int {
        if block[next] >= place { return next }
        var (low, step) = (next, 1)
        while low + step < block.count, block[low + step] < place {
            low += step
            step *= 2
        }
        var high = min(low + step, block.count - 1)
        while low + 1 < high {
            let middle = low + (high - low) / 2
            if block[middle] < place { low = middle } else { high = middle }
        }
        return high
    }

    private func read(from place: Int64) throws {
        if !block.isEmpty {
            let isWalked = answered * 2 >= block.count
            blockSize = isWalked ? min(blockSize * 4, Self.largestBlock) : max(answered * 2, Self.smallestBlock)
        }
        block.removeAll(keepingCapacity: true)
        (next, answered) = (0, 0)
        let limit = max(1, min(blockSize, budget.left))
        let isForward = direction == .forward
        let cost = try source.read(from: isForward ? place : -place, direction, limit: limit, into: &block)
        if !isForward { for index in block.indices { block[index] = -block[index] } }
        isLastBlock = block.count < limit
        try budget.spend(cost + block.count)
    }
}
