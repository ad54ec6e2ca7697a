import CSillok
package import SillokCore
import SillokSystem

/// Identifies a file independently of its paths: by its device and its number there.
package struct FileIdentity: Hashable, Sendable {
    private let device: UInt64
    private let number: UInt64

    /// The file at a path; `nil` if there is none, or if its status cannot be read.
    ///
    /// A store asks this before and after each commit, so it must not make the next commit slower: see the C function.
    package init?(path: String) {
        var (device, number) = (UInt64(0), UInt64(0))
        guard sillok_file_identity(path, &device, &number) == 0 else { return nil }
        (self.device, self.number) = (device, number)
    }

    fileprivate init(_ facts: stat) {
        device = UInt64(truncatingIfNeeded: facts.st_dev)
        number = UInt64(truncatingIfNeeded: facts.st_ino)
    }
}

/// The status of the file at a path.
package struct FileFacts: Sendable {
    package let identity: FileIdentity
    /// The number of names that the file has.
    package let names: UInt64
    package let bytes: Int64
    /// Whether it is a file, and not a folder or a device.
    package let isRegular: Bool

    /// `nil` if there is no file, or if its status cannot be read.
    package init?(path: String) {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return nil }
        identity = FileIdentity(facts)
        names = UInt64(truncatingIfNeeded: facts.st_nlink)
        bytes = Int64(facts.st_size)
        isRegular = facts.st_mode & S_IFMT == S_IFREG
    }

    /// Throws if the file has several names. SQLite keeps a write-ahead log for each name: what is written through one
    /// name is missing, or overwritten, through another.
    package static func refuseSeveralNames(_ path: String, _ what: String) throws(StoreError) {
        guard let facts = FileFacts(path: path), facts.isRegular, facts.names > 1 else { return }
        throw StoreError(
            .readOnly,
            "\(what) \(path) has \(facts.names) names (hard links), and would have a write-ahead log for each of them. "
                + "Remove the other names, or open a copy of the file.")
    }
}

/// The absolute path of a file without symbolic links, which is the same for each spelling of the path. The file itself
/// may be missing.
package func resolvedPath(_ path: String) -> String {
    var path = path
    for _ in 0..<40 {
        if let resolved = realPath(path) { return resolved }
        let (folder, name) = parts(of: path)
        guard let folder = realPath(folder) else { return path }
        let direct = folder == "/" ? "/" + name : folder + "/" + name
        // A link whose file is missing: SQLite creates the file that the link names.
        guard let target = linkTarget(direct) else { return direct }
        path = target.hasPrefix("/") ? target : folder + "/" + target
    }
    return path
}

/// The path with the working folder before it if it is relative: a process may change that folder later.
package func absolutePath(_ path: String) -> String {
    path.hasPrefix("/") ? path : (realPath(".") ?? ".") + "/" + path
}

private func realPath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
}

private func parts(of path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let folder = slash == path.startIndex ? "/" : String(path[..<slash])
    return (folder, String(path[path.index(after: slash)...]))
}

private func linkTarget(_ path: String) -> String? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(path, &buffer, buffer.count)
    return count > 0 ? String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
}
