import Foundation

// Holds the project to its rules and prints each place that breaks one. `--write` writes the present amounts to
// Tests/Tree/today.txt.
do {
    let root = URL(filePath: FileManager.default.currentDirectoryPath)
    let tree = try Tree(at: root)
    if CommandLine.arguments.contains("--write") {
        try Rules.today(of: tree).write(to: root.appending(path: Rules.path), atomically: true, encoding: .utf8)
    } else {
        let findings = Rules(tree).newFindings(in: tree)
        for finding in findings { print(finding) }
        if !findings.isEmpty { exit(1) }
    }
} catch {
    FileHandle.standardError.write(Data("the tree cannot be read: \(error)\n".utf8))
    exit(2)
}
