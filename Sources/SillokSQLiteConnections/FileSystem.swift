import CSillok
import SillokCore
import SillokSystem

/// The check that a store is on a file system whose locks and syncs can be trusted.
package enum FileSystem {
    /// Returns the name of the network file system that a path is on, or `nil`. Tests replace it.
    @TaskLocal package static var network: @Sendable (_ path: String) -> String? = { path in
        sillok_network_file_system(path).map { String(cString: $0) }
    }

    /// Says why a store at a path may be lost although it is synced; `nil` on the file system of a disk.
    package static func warning(at path: String) -> String? {
        sillok_doubtful_file_system(path).map { "\(path) is on \(String(cString: $0)). Use a local disk." }
    }

    /// The environment variable with which an operator allows network file systems: `SILLOK_NETWORK_FILES=allow`.
    package static let permission = "SILLOK_NETWORK_FILES"

    /// Throws if the lock file of a store would be on a network file system, unless the operator allows it.
    ///
    /// There a lock may not reach other machines, and a sync may return before the bytes are on a disk.
    static func check(lock path: String) throws(StoreError) {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        guard let name = network(folder), getenv(permission).map({ String(cString: $0) }) != "allow" else { return }
        throw StoreError(
            .ioFailure,
            "\(folder) is on a network file system (\(name)), where two machines could write to the store at the same "
                + "time. Nothing was opened. Move the store to a local disk, and let other machines use `sillok "
                + "serve`. If only one process ever writes to it, set \(permission)=allow.")
    }
}
