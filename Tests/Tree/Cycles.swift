/// Folders of one target that use each other's names.
///
/// A folder declares the types and functions of its files' top level. It uses a folder if its code names one of those.
/// A use through a member alone, or of an inferred type, is not seen.
struct Cycles: Rule {
    /// Where one folder first uses another.
    private struct Use {
        let name: String
        let file: SwiftFile
        let line: Int
    }

    func findings(_ tree: Tree) -> [Finding] {
        let files = tree.swiftFiles("Sources")
        let targets = Dictionary(grouping: files) { $0.target ?? "" }
        return targets.keys.sorted().flatMap { findings(in: targets[$0] ?? []) }
    }

    private func findings(in files: [SwiftFile]) -> [Finding] {
        let uses = uses(in: files)
        var findings: [Finding] = []
        for folder in uses.keys.sorted() {
            for (other, use) in (uses[folder] ?? [:]).sorted(by: { $0.key < $1.key })
            where reaches(folder, from: other, uses) {
                findings.append(
                    Finding(
                        "cycle", in: use.file, line: use.line,
                        "\(folder) uses \(use.name) of \(other), which needs \(folder) in turn; move the declaration, "
                            + "or pass what is needed as a value",
                        place: folder))
            }
        }
        return findings
    }

    /// For each folder the other folders that it uses.
    private func uses(in files: [SwiftFile]) -> [String: [String: Use]] {
        var owners: [String: Set<String>] = [:]
        for file in files {
            for declaration in file.declarations where !declaration.isPrivate && declaration.kind != "extension" {
                owners[declaration.name, default: []].insert(file.folder)
            }
        }
        var uses: [String: [String: Use]] = [:]
        for file in files {
            let own = Set(file.declarations.filter { $0.kind != "extension" }.map(\.name))
            for (name, line) in file.usedNames {
                guard let owner = owners[name], owner.count == 1, let other = owner.first, other != file.folder,
                    !own.contains(name)
                else { continue }
                let known = uses[file.folder]?[other]
                let isEarlier = known.map { (file.path, line) < ($0.file.path, $0.line) } ?? true
                if isEarlier { uses[file.folder, default: [:]][other] = Use(name: name, file: file, line: line) }
            }
        }
        return uses
    }

    private func reaches(_ folder: String, from start: String, _ uses: [String: [String: Use]]) -> Bool {
        var seen: Set<String> = []
        var open = [start]
        while let next = open.popLast() {
            if next == folder { return true }
            if seen.insert(next).inserted { open += uses[next]?.keys.map(\.self) ?? [] }
        }
        return false
    }
}
