/// The counts of measurements in buckets that grow by a factor of two, so that its memory does not grow.
package struct Histogram: Sendable {
    /// The upper bounds of the buckets. One more bucket counts larger values.
    package let bounds: [Double]
    package private(set) var counts: [UInt64]
    package private(set) var sum = 0.0
    package private(set) var count: UInt64 = 0

    init(bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    /// A histogram of times in seconds, from 50 µs to 13 s.
    package static var seconds: Histogram { Histogram(bounds: (0..<19).map { 0.000_05 * Double(1 << $0) }) }

    /// A histogram of counts, from 1 to 8,192.
    package static var sizes: Histogram { Histogram(bounds: (0..<14).map { Double(1 << $0) }) }

    mutating func record(_ value: Double) {
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        counts[bucket] += 1
        sum += value
        count += 1
    }

    /// Returns the value below which this part of the measurements lies, by the buckets; `nil` without any.
    package func quantile(_ part: Double) -> Double? {
        guard count > 0 else { return nil }
        let rank = part * Double(count)
        var seen = 0.0
        for (index, bucket) in counts.enumerated() where bucket > 0 {
            let before = seen
            seen += Double(bucket)
            guard seen >= rank else { continue }
            let lower = index == 0 ? 0 : bounds[index - 1]
            let upper = index < bounds.count ? bounds[index] : lower * 2
            return lower + (upper - lower) * max(0, min(1, (rank - before) / Double(bucket)))
        }
        return bounds.last
    }

    /// Returns the measurements since an earlier state.
    package func since(_ earlier: Histogram) -> Histogram {
        var difference = self
        for index in counts.indices { difference.counts[index] &-= earlier.counts[index] }
        difference.count &-= earlier.count
        difference.sum -= earlier.sum
        return difference
    }
}
