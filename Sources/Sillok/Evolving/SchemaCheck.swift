import SillokCore

/// A schema cannot read every event that may be stored. It is a mistake in the code, found before an event is read.
public struct SchemaFault: Error, Hashable, CustomStringConvertible {
    /// The name of the event enum.
    public let event: String
    /// The faults, each a sentence without a full stop.
    public let reasons: [String]

    /// What is wrong and what to do next, in a few lines.
    public var description: String {
        "the schema of \(event) cannot be used: " + reasons.joined(separator: "; ")
            + ". Correct EventSchema: every version from 1 to the current one needs an upcaster to the next version."
    }
}

/// A check of the steps of a schema, which also finds the types that each type may come from.
struct SchemaCheck {
    private struct Place: Hashable {
        let type: EventType
        let version: Int
    }

    private let versions: [EventType: Int]
    private let steps: [EventType: [Int: Upcaster]]
    private(set) var faults: [String] = []
    /// For each type, the other types under which it may be stored.
    private(set) var origins: [EventType: Set<EventType>] = [:]
    /// The newest version of each type: the current one, or the last one of a type that no longer exists.
    private(set) var newest: [EventType: Int] = [:]

    init(versions: [EventType: Int], steps: [EventType: [Int: Upcaster]]) {
        self.versions = versions
        self.steps = steps
        for type in Set(versions.keys).union(steps.keys) {
            let last = steps[type]?.values.filter { !$0.isChange }.map(\.version).max()
            newest[type] = versions[type] ?? max(1, last ?? 1)
            checkChain(of: type)
        }
        for upcaster in steps.values.flatMap(\.values) { check(upcaster) }
        if faults.isEmpty { walkAll() }
    }

    private func newest(of type: EventType) -> Int { newest[type] ?? 1 }

    private mutating func checkChain(of type: EventType) {
        let newest = newest(of: type)
        guard newest >= 1 else { return faults.append("\"\(type)\" is at version \(newest); versions begin with 1") }
        // A million versions would be a typing mistake, and would take too long to check.
        guard newest <= 10_000 else { return faults.append("\"\(type)\" is at version \(newest), the limit is 10000") }
        for version in 1..<max(newest, 1) where steps[type]?[version] == nil {
            faults.append("\"\(type)\" has no upcaster from version \(version) to \(version &+ 1)")
        }
    }

    private mutating func check(_ upcaster: Upcaster) {
        let (type, version, newest) = (upcaster.type, upcaster.version, newest(of: upcaster.type))
        if version < 1 {
            faults.append("\"\(type)\" has an upcaster from version \(version); versions begin with 1")
        } else if upcaster.isChange && version >= newest {
            faults.append("\"\(type)\" has an upcaster to version \(version &+ 1), but its version is \(newest)")
        } else if !upcaster.isChange && version >= newest && versions[type] != nil {
            faults.append("\"\(type)\" is written at version \(newest), which an upcaster converts to other types")
        }
        for (result, made) in upcaster.results where made < 1 || made > self.newest(of: result) {
            if upcaster.isChange && result == type { continue }
            faults.append(
                "\"\(type)\" from version \(version) makes version \(made) of \"\(result)\", whose newest version is "
                    + "\(self.newest(of: result))")
        }
    }

    /// Follows every step to its end. No step may lead back to itself. Each end may be stored under the type of its
    /// start.
    private mutating func walkAll() {
        for (type, upcasters) in steps {
            for version in upcasters.keys {
                var path: [Place] = []
                guard walk(Place(type: type, version: version), from: type, &path) else {
                    let round = path.map { "\($0.type) \($0.version)" }.joined(separator: " → ")
                    faults.append("the upcasters of \"\(type)\" form a cycle: \(round)")
                    return
                }
            }
        }
    }

    private mutating func walk(_ place: Place, from start: EventType, _ path: inout [Place]) -> Bool {
        let isRound = path.contains(place)
        path.append(place)
        if isRound { return false }
        if place.type != start { origins[place.type, default: []].insert(start) }
        if let step = steps[place.type]?[place.version] {
            for (type, version) in step.results {
                guard walk(Place(type: type, version: version), from: start, &path) else { return false }
            }
        }
        path.removeLast()
        return true
    }
}
