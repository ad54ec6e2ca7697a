import SillokSegments

/// A short history whose crash points are all explored.
struct ShortHistory: Sendable {
    /// A step of a short history.
    enum Act: Hashable, Sendable {
        /// Appends the samples with these indexes as one group.
        case append([Int])
        /// Appends an event of such a size that this number of bytes is left in the segment in front of its seal.
        case fill(leaving: Int)
        case sync, prepare, mark, settlePlaces
        /// Kills the process, or cuts the power without losing anything, and opens the log again.
        case kill, cutPower
    }

    let name: String
    let segmentBytes: Int
    let acts: [Act]
    /// How many outcomes of a power cut are tried: in the history, and in recoveries one, two and three deep.
    var outcomes = [512, 32, 12, 6]

    /// Indexes of samples: an event of few bytes, an event of more than a sector, several events, eight events in one
    /// append, a tracking without events, an event with a tracking.
    private static let small = sample { $0.bodies.count == 1 && $0.tracking == nil && $0.plain.count < 160 }
    static let other = sample(after: small) {
        $0.bodies.count == 1 && $0.tracking == nil && $0.plain.count < 160
    }
    private static let large = sample { $0.entries.count == 1 && (600...1_000).contains($0.plain.count) }
    private static let huge = sample { $0.entries.count == 1 && $0.plain.count > 5_000 }
    private static let several = sample { (3...5).contains($0.entries.count) && $0.plain.count < 800 }
    private static let tracking = sample { $0.entries.isEmpty }
    private static let tracked = sample { $0.entries.count == 1 && $0.tracking != nil && $0.plain.count < 300 }

    private static func sample(after index: Int = -1, _ condition: (SampleAppend) -> Bool) -> Int {
        SampleAppend.all.indices.first { $0 > index && condition(SampleAppend.all[$0]) } ?? 0
    }

    /// The number of short histories.
    static let count = 1_000

    /// Returns the history with a number, an argument of `sillok-simulate`: one of the named ones, then random ones.
    static func numbered(_ number: Int) -> ShortHistory? {
        guard (0..<count).contains(number) else { return nil }
        return named.indices.contains(number) ? named[number] : random(number)
    }

    /// A random history of two to five steps and a last append, which its number repeats.
    private static func random(_ number: Int) -> ShortHistory {
        var numbers = SimulationNumbers(seed: UInt64(number), purpose: 8)
        let samples = [small, other, large, several, tracking, tracked]
        var acts: [Act] = []
        for _ in 0..<numbers.number(2...5) {
            switch numbers.below(14) {
            case 0..<5: acts.append(.append((0...numbers.below(3)).compactMap { _ in numbers.element(samples) }))
            case 5..<8: acts.append(.sync)
            case 8: acts.append(.mark)
            case 9: acts.append(.prepare)
            case 10: acts.append(.fill(leaving: numbers.element([0, 8, 64]) ?? 0))
            case 11: acts.append(.settlePlaces)
            case 12: acts.append(.kill)
            default: acts.append(.cutPower)
            }
        }
        let size = numbers.element([1_024, 1_024, 2_048, 4_096]) ?? 1_024
        return ShortHistory(
            name: "random \(number)", segmentBytes: size, acts: acts + [.append([small])], outcomes: [32, 12, 6, 3])
    }

    /// The histories that were chosen. Those behind them are random.
    private static let named: [ShortHistory] = [
        ShortHistory(name: "creation", segmentBytes: 1_024, acts: []),
        ShortHistory(name: "one group", segmentBytes: 1_024, acts: [.append([small]), .sync]),
        ShortHistory(
            name: "groups without a sync", segmentBytes: 4_096,
            acts: [.append([small]), .sync, .append([other]), .append([large]), .append([small])]),
        ShortHistory(
            name: "eight records in one group", segmentBytes: 8_192,
            acts: [.append([small]), .sync, .append([small, large, other, several, small, large, other]), .sync]),
        ShortHistory(
            name: "trackings", segmentBytes: 2_048,
            acts: [.append([tracking]), .sync, .append([tracked]), .append([tracking]), .sync, .append([tracking])]),
        ShortHistory(
            name: "rotation", segmentBytes: 1_024,
            acts: [.append([large]), .sync, .append([large]), .sync, .append([small]), .sync]),
        ShortHistory(
            name: "rotation with unsynced groups", segmentBytes: 1_024,
            acts: [.append([small]), .append([large]), .append([large]), .append([small]), .sync]),
        ShortHistory(
            name: "rotation to a prepared segment", segmentBytes: 1_024,
            acts: [.append([large]), .prepare, .sync, .append([large]), .prepare, .append([large]), .sync]),
        ShortHistory(
            name: "a group that is larger than a segment", segmentBytes: 1_024,
            acts: [.append([small]), .prepare, .append([huge]), .sync, .append([small]), .sync]),
        ShortHistory(
            name: "a segment that is exactly full", segmentBytes: 1_024,
            acts: [.append([small]), .fill(leaving: 0), .sync, .append([small]), .sync]),
        ShortHistory(
            name: "a segment with eight bytes left", segmentBytes: 1_024,
            acts: [.append([small]), .sync, .fill(leaving: 8), .mark, .append([small]), .sync]),
        ShortHistory(
            name: "a segment with space for a mark", segmentBytes: 1_024,
            acts: [.append([small]), .fill(leaving: 64), .sync, .mark, .append([small]), .sync, .mark]),
        ShortHistory(
            name: "marks", segmentBytes: 2_048,
            acts: [.append([small]), .sync, .mark, .mark, .append([other]), .mark, .sync, .mark]),
        ShortHistory(
            name: "kills", segmentBytes: 2_048,
            acts: [.append([small]), .sync, .append([other]), .kill, .append([small]), .sync, .kill, .append([other])]),
        ShortHistory(
            name: "power cuts", segmentBytes: 2_048,
            acts: [.append([small]), .sync, .append([large]), .cutPower, .append([other]), .cutPower, .mark]),
        ShortHistory(
            name: "places", segmentBytes: 1_024,
            acts: [
                .append([large]), .append([large]), .sync, .settlePlaces, .kill, .append([large]), .settlePlaces, .sync,
            ]),
    ]
}
