package import SillokCore

/// A limit of requests with the name that settings and servers use for it.
package struct LimitSetting: Sendable {
    /// The name of the property.
    package let name: String
    /// The value, in bytes, counts or seconds.
    package let value: @Sendable (Limits) -> Int
    private let take: @Sendable (Int, inout Limits) -> Void

    /// The largest allowed value of a limit.
    package static let most = 1 << 30

    /// Sets the limit. Returns `false` and sets nothing if the value is not allowed.
    package func set(_ value: Int, _ limits: inout Limits) -> Bool {
        guard (1...Self.most).contains(value) else { return false }
        take(value, &limits)
        return true
    }

    /// Every limit.
    package static let all: [LimitSetting] = [
        number("batchBytes", \.batchBytes), number("batchEvents", \.batchEvents),
        LimitSetting(
            name: "clockLead", value: { Int(clamping: $0.clockLead.components.seconds) },
            take: { $1.clockLead = .seconds($0) }),
        number("conditionSteps", \.conditionSteps), number("conflictEvents", \.conflictEvents),
        number("metadataBytes", \.metadataBytes), number("pageBytes", \.pageBytes), number("pageEvents", \.pageEvents),
        number("pageSteps", \.pageSteps), number("payloadBytes", \.payloadBytes), number("queryItems", \.queryItems),
        number("queueBytes", \.queueBytes), number("streamBytes", \.streamBytes), number("tagBytes", \.tagBytes),
        number("tags", \.tags), number("typeBytes", \.typeBytes),
    ]

    private static func number(_ name: String, _ path: any WritableKeyPath<Limits, Int> & Sendable) -> LimitSetting {
        LimitSetting(name: name, value: { $0[keyPath: path] }, take: { $1[keyPath: path] = $0 })
    }
}
