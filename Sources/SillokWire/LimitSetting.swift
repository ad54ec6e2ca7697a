package import SillokCore

/// A limit by its name: what settings call it, and what a server shows of itself.
package struct LimitSetting<Root>: Sendable {
    /// The name, which is that of the property.
    package let name: String
    /// The value, in bytes, counts or seconds.
    package let value: @Sendable (Root) -> Int
    private let take: @Sendable (Int, inout Root) -> Void

    /// The greatest value of a limit.
    package static var most: Int { 1 << 30 }

    /// Sets the limit; `false`, and nothing is set, for a value that is no limit.
    package func set(_ value: Int, _ limits: inout Root) -> Bool {
        guard (1...Self.most).contains(value) else { return false }
        take(value, &limits)
        return true
    }

    /// A limit that is a number of bytes or of things.
    package static func number(_ name: String, _ path: any WritableKeyPath<Root, Int> & Sendable) -> LimitSetting {
        LimitSetting(name: name, value: { $0[keyPath: path] }, take: { $1[keyPath: path] = $0 })
    }

    /// A limit that is a time, in seconds.
    package static func seconds(
        _ name: String, _ path: any WritableKeyPath<Root, Duration> & Sendable
    ) -> LimitSetting {
        LimitSetting(
            name: name, value: { Int(clamping: $0[keyPath: path].components.seconds) },
            take: { $1[keyPath: path] = .seconds($0) })
    }
}

extension Limits {
    /// Every limit of a store, by its name.
    package static var settings: [LimitSetting<Limits>] {
        [
            .number("batchBytes", \.batchBytes), .number("batchEvents", \.batchEvents),
            .seconds("clockLead", \.clockLead), .number("conditionSteps", \.conditionSteps),
            .number("conflictEvents", \.conflictEvents), .number("metadataBytes", \.metadataBytes),
            .number("pageBytes", \.pageBytes), .number("pageEvents", \.pageEvents), .number("pageSteps", \.pageSteps),
            .number("payloadBytes", \.payloadBytes), .number("queryItems", \.queryItems),
            .number("queueBytes", \.queueBytes), .number("streamBytes", \.streamBytes), .number("tagBytes", \.tagBytes),
            .number("tags", \.tags), .number("typeBytes", \.typeBytes),
        ]
    }
}
