public import SillokCore
import SillokSegments

/// The damage of a store that is open for reading only because of it: where it is, and which events are lost.
public struct DamagedLog: Sendable, CustomStringConvertible {
    /// Positions whose events cannot be read.
    public struct Loss: Hashable, Sendable, CustomStringConvertible {
        /// The first position.
        public let first: Position

        /// The last position; `nil` if events are lost at the end of the log and their number is unknown.
        public let last: Position?

        /// The positions in words.
        public var description: String {
            guard let last else { return "positions from \(first) on" }
            return first == last ? "position \(first)" : "positions \(first) to \(last)"
        }
    }

    /// The damaged places, the first one first: the position, the file, the offset and what is wrong there.
    public let places: [String]

    /// The positions whose events cannot be read, in order. It is empty if only bytes between events are damaged.
    public let losses: [Loss]

    /// The first place, and the lost positions.
    public var description: String {
        let lost = losses.prefix(5).map(\.description).joined(separator: ", ")
        let more = losses.count > 5 ? " and \(losses.count - 5) other ranges" : ""
        return (places.first ?? "The log is damaged.") + (losses.isEmpty ? "" : " Lost: \(lost)\(more).")
    }

    /// What the operator can do.
    static let remedy =
        "Restore a backup, or copy what is readable into a new store: sillok copy --salvage FROM TO."

    /// The refusal of a backup.
    var backupRefusal: StoreError {
        StoreError(.corrupt, "no backup is made of a damaged store. \(self) \(DamagedLog.remedy)")
    }

    /// The refusal of every append.
    var refusal: StoreError {
        StoreError(
            .corrupt,
            "the store is open for reading only, because its log is damaged. Nothing was stored. \(self) "
                + DamagedLog.remedy)
    }
}

extension DamagedLog {
    /// Gathers what a log that is open for salvage has lost.
    ///
    /// - Parameters:
    ///   - cause: why the log could not be opened in another way, if that is so.
    ///   - published: the last position that was durable, if it is known.
    /// - Returns: `nil` if the log is sound.
    init?(_ log: SegmentLog, cause: LogDamage?, published: UInt64?) {
        let head = log.durableHead
        var losses = log.reader.gaps.filter { $0.lowerBound <= head }.map {
            Loss(first: Position($0.lowerBound), last: Position(min($0.upperBound, head)))
        }
        if let published, published > head {
            losses.append(Loss(first: Position(head + 1), last: Position(published)))
        } else if let cause, cause.position > head {
            losses.append(Loss(first: Position(head + 1), last: nil))
        }
        // An unsound end that nothing has proven to be durable is no damage.
        let found = log.reader.damages.filter { $0.position <= head && $0 != cause }
        guard cause != nil || !found.isEmpty || !losses.isEmpty else { return nil }
        places = ((cause.map { [$0] } ?? []) + found).map(\.description)
        self.losses = losses
    }

    /// The lost positions as numbers.
    var ranges: [ClosedRange<Int64>] {
        losses.map { loss in
            let first = Int64(clamping: loss.first.value)
            return first...max(first, loss.last.map { Int64(clamping: $0.value) } ?? .max)
        }
    }
}
