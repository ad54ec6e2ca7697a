import SillokCore

/// Everything on a simulated disk and in its cache, as a value.
package struct DiskImage: Sendable {
    /// A change of names in one folder that is durable as a whole or not at all.
    private struct NameChange {
        let folder: String
        let names: [(path: String, node: Int?)]
    }

    /// The files, by the numbers of `seen` and `kept`. A removed file keeps its number.
    private var files: [FileNode] = []
    private var isFolder: [Bool] = [true]
    /// The names that processes see, and those that a power cut leaves, whole paths each. The root is "".
    private var seen: [String: Int] = ["": 0]
    private var kept: [String: Int] = ["": 0]
    private var changes: [NameChange] = []

    init() { files.append(FileNode()) }

    static func folder(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "" }
        return String(path[..<slash])
    }

    // MARK: Names

    func node(_ path: String) -> Int? { seen[path] }
    func isFolder(_ node: Int) -> Bool { isFolder[node] }

    /// The names are ASCII, so their order is that of their bytes.
    func names(in folder: String) -> [String] {
        let start = folder.isEmpty ? "" : folder + "/"
        return seen.keys.compactMap { path in
            guard path.utf8.count > start.utf8.count, path.hasPrefix(start) else { return nil }
            let name = path.dropFirst(start.count)
            return name.utf8.contains(UInt8(ascii: "/")) ? nil : String(name)
        }.sorted()
    }

    mutating func create(_ path: String, isFolder: Bool) -> Int {
        let node = files.count
        files.append(FileNode())
        self.isFolder.append(isFolder)
        change(Self.folder(of: path), [(path, node)])
        return node
    }

    mutating func remove(_ path: String) { change(Self.folder(of: path), [(path, nil)]) }

    mutating func rename(_ path: String, to newPath: String) {
        change(Self.folder(of: path), [(path, nil), (newPath, seen[path])])
    }

    private mutating func change(_ folder: String, _ names: [(path: String, node: Int?)]) {
        for (path, node) in names { seen[path] = node }
        changes.append(NameChange(folder: folder, names: names))
    }

    mutating func syncFolder(_ folder: String) {
        for change in changes where change.folder == folder { keep(change) }
        changes.removeAll { $0.folder == folder }
    }

    private mutating func keep(_ change: NameChange) {
        for (path, node) in change.names { kept[path] = node }
    }

    // MARK: Bytes

    subscript(node: Int) -> FileNode {
        _read { yield files[node] }
        _modify { yield &files[node] }
    }

    /// The bytes of all files that have a name, as a full disk counts them.
    var usedBytes: Int { seen.values.reduce(0) { $0 + files[$1].seen.count } }

    // MARK: The end of a system

    /// The numbers of versions of everything that a power cut may leave or lose: of files in the order of their
    /// creation, then of changes of names.
    package var unsynced: [Int] { files.flatMap(\.unsynced) + changes.map { _ in 1 } }

    /// Cuts the power. `choose` gets the index and the number of versions of each entry of ``unsynced`` and returns the
    /// version that stays, 0 for the one before all unsynced writes.
    package mutating func cut(_ choose: (_ index: Int, _ versions: Int) -> Int) {
        var index = 0
        func next(_ versions: Int) -> Int {
            defer { index += 1 }
            return choose(index, versions)
        }
        for node in files.indices { files[node].cut(next) }
        for change in changes where next(1) == 1 { keep(change) }
        changes = []
        // A name is reached only through its folders.
        kept = kept.filter { path, _ in
            var path = path
            while !path.isEmpty {
                path = Self.folder(of: path)
                if kept[path] == nil { return false }
            }
            return true
        }
        seen = kept
    }

    mutating func evict() {
        for node in files.indices { files[node].evict() }
    }

    // MARK: Comparing

    /// The names and the bytes that processes see, in one order.
    package var contents: [(path: String, bytes: [UInt8])] {
        seen.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map { ($0.key, files[$0.value].seen) }
    }

    /// Whether both have the same names and bytes, for processes and after a power cut.
    package func isSame(as other: DiskImage) -> Bool {
        func hasSameFiles(_ names: [String: Int], _ otherNames: [String: Int]) -> Bool {
            names.count == otherNames.count
                && names.allSatisfy { path, node in
                    otherNames[path].map { files[node].isSame(as: other.files[$0]) } ?? false
                }
        }
        return hasSameFiles(seen, other.seen) && hasSameFiles(kept, other.kept) && changes.count == other.changes.count
    }

    /// A sum of everything that the next process can meet: what is seen, what is kept, and what is between.
    package var sum: Int {
        var hasher = Hasher()
        for names in [seen, kept] {
            for (path, node) in names.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
                hasher.combine(path)
                files[node].hash(into: &hasher)
            }
        }
        hasher.combine(changes.count)
        return hasher.finalize()
    }
}
