/// Stored names for the cases of an event enum that differ from the names in the code.
///
/// A type name in the log is for ever; a name in the code is not. Name the case anew and keep the stored name here.
///
/// ```swift
/// enum Event: Codable, Sendable, StableEventNames {
///     case paidIn(amount: Int)
///     static let storedNames: [String: EventType] = ["paidIn": "deposited"]
/// }
/// ```
public protocol StableEventNames {
    /// From the name of a case to the type in the log. Cases that are not listed keep their name.
    static var storedNames: [String: EventType] { get }
}
