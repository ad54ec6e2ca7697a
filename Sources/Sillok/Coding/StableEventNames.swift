/// Stored names for the cases of an event enum that differ from the names in the code.
///
/// A type name in the log never changes; a name in the code may. Rename the case and map it to the stored name here.
///
/// ```swift
/// enum Event: Codable, Sendable, StableEventNames {
///     case paidIn(amount: Int)
///     static let storedNames: [String: EventType] = ["paidIn": "deposited"]
/// }
/// ```
public protocol StableEventNames {
    /// The type in the log for the names of cases. Cases that are not listed keep their name.
    static var storedNames: [String: EventType] { get }
}
