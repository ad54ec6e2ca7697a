/// The pragmas that every connection sets before it writes to an SQLite file.
package enum SQLiteSettings {
    /// The settings that the system needs so that a sync reaches the disk.
    package enum Platform: Sendable {
        /// A sync leaves the bytes in the memory of the disk, unless it is a full one.
        case apple
        case other

        package static let current: Platform = {
            #if canImport(Darwin)
            .apple
            #else
            .other
            #endif
        }()
    }

    /// The pragmas of a connection that writes.
    ///
    /// - Parameter isDurable: each commit is on the disk before it returns; else a power cut may take the last ones.
    package static func writing(isDurable: Bool, on platform: Platform = .current) -> [String] {
        let full = platform == .apple ? ["PRAGMA fullfsync = ON", "PRAGMA checkpoint_fullfsync = ON"] : []
        return full + [synchronous(isDurable: isDurable)]
    }

    /// The pragma that says whether commits are on the disk before they return. It does nothing within a transaction.
    package static func synchronous(isDurable: Bool) -> String {
        isDurable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"
    }
}
