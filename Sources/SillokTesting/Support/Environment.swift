import Foundation

/// Numbers that a test run is given from outside.
package enum Environment {
    /// The number in a variable, if there is one.
    package static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    /// The number in a variable, or another.
    package static func count(_ name: String, default count: Int) -> Int {
        number(name).flatMap { Int(exactly: $0) } ?? count
    }

    /// `SILLOK_SEED`, or a new seed.
    package static var seed: UInt64 { number("SILLOK_SEED") ?? UInt64.random(in: 1...UInt64(UInt32.max)) }
}
