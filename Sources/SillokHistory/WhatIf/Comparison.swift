import Sillok
import SillokCore

/// Folds two states of each key in parallel, and compares them at the end.
struct Comparison<Was: Sendable, Would: Sendable> {
    struct Pair {
        var was: Was
        var would: Would
    }

    private(set) var pairs: [Pair] = []
    private var indexes: [StreamID: Int] = [:]
    var report = WhatIfReport()

    /// The place of a key's pair, which is made if there is none.
    mutating func index(of key: StreamID, _ initial: () -> Pair) -> Int {
        if let index = indexes[key] { return index }
        pairs.append(initial())
        indexes[key] = pairs.count - 1
        return pairs.count - 1
    }

    @inline(__always)
    mutating func evolve(_ index: Int, _ body: (inout Pair) throws -> Void) rethrows { try body(&pairs[index]) }

    /// Compares all pairs.
    ///
    /// - Parameter limit: how many that differ to list.
    mutating func finish(limit: Int) {
        var sums = KeyedValues<Sum>()
        report.keys = pairs.count
        for (key, index) in indexes.sorted(by: { $0.key < $1.key }) {
            let was = StateTree(reflecting: pairs[index].was)
            let would = StateTree(reflecting: pairs[index].would)
            let changes = was.changes(to: would)
            add(was, to: \.was, of: &sums)
            add(would, to: \.would, of: &sums)
            if changes.isEmpty { continue }
            report.differing += 1
            var counted = KeyedValues<Bool>()
            for change in changes where counted[change.path] == nil {
                sums[change.path]?.keys += 1
                counted[change.path] = true
            }
            if report.differences.count < limit {
                report.differences.append(.init(key: key.text, changes: changes))
            }
        }
        report.totals = sums.map { path, sum in
            .init(path: path, was: sum.was.value, would: sum.would.value, keys: sum.keys)
        }
    }

    private struct Sum {
        var was = Number()
        var would = Number()
        var keys = 0
    }

    /// A sum of integers, for as long as all summands are integers.
    private struct Number {
        var whole: Int64? = 0
        var real = 0.0

        var value: StateTree.Value { whole.map { .integer($0) } ?? .real(real) }

        mutating func add(_ value: StateTree.Value) {
            real += value.number ?? 0
            guard let sum = whole, case .integer(let number) = value else { return whole = nil }
            let (next, overflow) = sum.addingReportingOverflow(number)
            whole = overflow ? nil : next
        }
    }

    /// Adds the numbers of a state that stand alone; those of an array or a dictionary have no place in common.
    private func add(
        _ tree: StateTree, to side: WritableKeyPath<Sum, Number>, of sums: inout KeyedValues<Sum>
    ) {
        for leaf in tree.leaves where leaf.value.number != nil && !leaf.path.utf8.contains(UInt8(ascii: "[")) {
            var sum = sums[leaf.path] ?? Sum()
            sum[keyPath: side].add(leaf.value)
            sums[leaf.path] = sum
        }
    }
}
