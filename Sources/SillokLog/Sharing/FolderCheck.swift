import CSillok
import SillokCore

/// The check that the path of a store still leads to the folder that is open.
struct FolderCheck: Sendable {
    private let path: String
    private let identity: Identity?

    private struct Identity: Equatable, Sendable {
        var device: UInt64 = 0
        var number: UInt64 = 0

        init?(_ path: String) {
            guard sillok_file_identity(path, &device, &number) == 0 else { return nil }
        }
    }

    /// Remembers the folder that is at the path now.
    init(_ folder: String) {
        path = folder + "/store"
        identity = Identity(path)
    }

    /// Why the store must not be used: another folder is at the path, or none. `nil` if it is the same.
    var replacement: StoreError? {
        if let identity, Identity(path) == identity { return nil }
        return StoreError(
            .fileReplaced,
            "the store \(path) was replaced or removed while it was open. Restart this process, or open the store "
                + "again, to use what is there now.")
    }

    /// Throws `StoreError` `fileReplaced` if another folder is at the path, or none.
    func check() throws(StoreError) { if let replacement { throw replacement } }
}
