import SillokCore

/// The newest values by intervals of one length. A new value replaces the oldest one when the ring is full.
struct MetricsRing: Sendable {
    /// A value in 40 bytes. `NaN` is no value.
    struct Slot: Sendable {
        /// The beginning of the interval in seconds since 1970.
        var at: Int64
        var seconds, median, p99, lag: Float
        var appends, events, reads, failures: UInt32
    }

    /// The counters at the beginning of the interval that is measured now.
    private struct Open: Sendable {
        var totals: MetricsHistory.Totals
        var from: Timestamp
        var lag: Double
    }

    let step: Int
    let limit: Int
    private(set) var slots: [Slot] = []
    /// Where the next value goes when the ring is full, which is the place of the oldest.
    private var next = 0
    private var open: Open?

    static var all: [MetricsRing] {
        [MetricsRing(step: 1, limit: 600), MetricsRing(step: 10, limit: 360), MetricsRing(step: 120, limit: 720)]
    }

    init(step: Int, limit: Int) {
        (self.step, self.limit) = (step, limit)
        slots.reserveCapacity(limit)
    }

    /// The values, the oldest first.
    private var ordered: [Slot] { Array(slots[next...] + slots[..<next]) }

    var points: [MetricsHistory.Point] { ordered.map(MetricsHistory.Point.init) }

    /// Adds the counters of now. When an interval has ended, its value is stored.
    mutating func record(_ totals: MetricsHistory.Totals, lagSeconds: Double, at now: Timestamp) {
        let interval = begin(of: now)
        // A file with another value would count as damaged.
        let lag = lagSeconds.isFinite ? min(max(lagSeconds, 0), 1e9) : 0
        dropFuture(from: interval)
        guard var current = open, current.from <= now else {
            open = Open(totals: totals, from: now, lag: lag)
            return
        }
        current.lag = max(current.lag, lag)
        open = current
        guard begin(of: current.from) < interval else { return }
        add(slot(current, totals, until: now))
        open = Open(totals: totals, from: now, lag: lag)
    }

    private func begin(of time: Timestamp) -> Int64 {
        time.microsecondsSince1970 / 1_000_000 / Int64(step) * Int64(step)
    }

    /// Drops the values of intervals that have not begun, after the clock was set back.
    private mutating func dropFuture(from interval: Int64) {
        let newest = slots.isEmpty ? nil : slots[next == 0 ? slots.count - 1 : next - 1]
        guard let newest, newest.at > interval else { return }
        (slots, next) = (ordered.filter { $0.at < interval }, 0)
        slots.reserveCapacity(limit)
    }

    private mutating func add(_ slot: Slot) {
        if slots.count < limit {
            slots.append(slot)
        } else {
            slots[next] = slot
            next = (next + 1) % limit
        }
    }

    private func slot(_ open: Open, _ totals: MetricsHistory.Totals, until now: Timestamp) -> Slot {
        let times = totals.times.since(open.totals.times)
        let seconds = Double(now.microseconds(since: open.from)) / 1_000_000
        func count(_ path: KeyPath<MetricsHistory.Totals, UInt64>) -> UInt32 {
            UInt32(clamping: totals[keyPath: path] &- open.totals[keyPath: path])
        }
        return Slot(
            at: begin(of: open.from), seconds: Float(min(seconds, Double(step * 3))),
            median: times.quantile(0.5).map { Float($0) } ?? .nan, p99: times.quantile(0.99).map { Float($0) } ?? .nan,
            lag: Float(open.lag), appends: count(\.appends), events: count(\.events), reads: count(\.reads),
            failures: count(\.failures))
    }
}

extension MetricsHistory.Point {
    fileprivate init(_ slot: MetricsRing.Slot) {
        at = Timestamp(microsecondsSince1970: 0).advanced(byMicroseconds: slot.at &* 1_000_000)
        (seconds, lagSeconds) = (Double(slot.seconds), Double(slot.lag))
        (appends, events) = (UInt64(slot.appends), UInt64(slot.events))
        (reads, failures) = (UInt64(slot.reads), UInt64(slot.failures))
        median = slot.median.isNaN ? nil : Double(slot.median)
        p99 = slot.p99.isNaN ? nil : Double(slot.p99)
    }
}

// The form of the file: the name of the format; for each ring its step and the number of its values, and the values;
// then a checksum of all bytes before it (FNV-1a, 64 bits). All numbers are little-endian.
extension MetricsRing {
    private static let format = Array("sillok metrics 1".utf8)

    static func encoded(_ rings: [MetricsRing]) -> [UInt8] {
        var bytes = format
        func add(_ number: some FixedWidthInteger) {
            withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
        }
        for ring in rings {
            add(UInt32(ring.step))
            add(UInt32(ring.slots.count))
            for slot in ring.ordered {
                add(slot.at)
                for value in [slot.seconds, slot.median, slot.p99, slot.lag] { add(value.bitPattern) }
                for value in [slot.appends, slot.events, slot.reads, slot.failures] { add(value) }
            }
        }
        add(checksum(bytes[...]))
        return bytes
    }

    /// Returns the rings of a file; `nil` if it is damaged or of another format.
    static func decoded(_ bytes: [UInt8]) -> [MetricsRing]? {
        var rest = bytes.dropFirst(format.count)
        guard bytes.starts(with: format), rest.count >= 8 else { return nil }
        var sum = rest.suffix(8)
        guard take(UInt64.self, &sum) == checksum(bytes.dropLast(8)) else { return nil }
        rest = rest.dropLast(8)
        var rings = all
        for index in rings.indices {
            guard rings[index].read(&rest) else { return nil }
        }
        return rest.isEmpty ? rings : nil
    }

    private mutating func read(_ bytes: inout ArraySlice<UInt8>) -> Bool {
        guard Self.take(UInt32.self, &bytes) == UInt32(step), let count = Self.take(UInt32.self, &bytes),
            count <= limit
        else { return false }
        for _ in 0..<count {
            guard let slot = Self.slot(&bytes), slots.last.map({ $0.at < slot.at }) ?? true else { return false }
            slots.append(slot)
        }
        return true
    }

    private static func slot(_ bytes: inout ArraySlice<UInt8>) -> Slot? {
        guard let at = take(Int64.self, &bytes) else { return nil }
        let values = (0..<4).compactMap { _ in take(UInt32.self, &bytes).map(Float.init(bitPattern:)) }
        let counts = (0..<4).compactMap { _ in take(UInt32.self, &bytes) }
        guard counts.count == 4, values[0] > 0, values[3] >= 0, values.allSatisfy({ !($0 < 0) && !$0.isInfinite })
        else { return nil }
        return Slot(
            at: at, seconds: values[0], median: values[1], p99: values[2], lag: values[3], appends: counts[0],
            events: counts[1], reads: counts[2], failures: counts[3])
    }

    private static func take<Number: FixedWidthInteger>(
        _ type: Number.Type, _ bytes: inout ArraySlice<UInt8>
    ) -> Number? {
        let size = MemoryLayout<Number>.size
        guard bytes.count >= size else { return nil }
        let number = bytes.prefix(size).reversed().reduce(Number.zero) { $0 << 8 | Number($1) }
        bytes = bytes.dropFirst(size)
        return number
    }

    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }
}
