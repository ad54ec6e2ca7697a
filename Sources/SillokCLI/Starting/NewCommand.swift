import ArgumentParser
import Foundation
import SillokAPI
import SillokStarter
import SillokTerminal

struct NewCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new",
        abstract: "Write a small package to start from: events, a decider, a read model, tests, a program.",
        discussion: """
            The package is a folder of this name in the current folder. Its README says how to test and run it.

            It needs Sillok. Without --sillok it uses the checkout from which this program was built. Give the path of
            another checkout, or the URL of a repository: then it uses version \(ProjectVersion.current) or newer.

            Examples:
              sillok new bookshop
              sillok new bookshop --sillok ../sillok
              sillok new bookshop --sillok https://github.com/sillok/sillok
            """)

    @Argument(help: "The name of the package, of its program, and of the folder.") var name: String
    @Option(name: .customLong("sillok"), help: "A checkout of Sillok, or the URL of its repository.") var origin:
        String?

    func run() async throws {
        let package: StarterPackage
        do {
            package = try StarterPackage(name, from: try NewFolder.origin(origin))
        } catch let wrong as StarterPackage.WrongName {
            throw CommandFailure(.usage, "\(name.visible): \(wrong)")
        }
        try NewFolder(name).write(package.files)
        let console = Console.current
        console.note(change: "the package \(name) is written")
        try console.print("The package \(name) is written. Try it:")
        try console.print("  cd \(name)\n  swift test\n  swift run \(name) open 42 Ada\n  swift run \(name)")
        console.note("The first build takes some minutes.")
    }
}

/// A folder that has all of its files, or does not exist.
struct NewFolder {
    private let name: String
    private let path: String
    private let pattern: String

    init(_ name: String, in parent: String = ".") {
        self.name = name
        path = "\(parent)/\(name)"
        pattern = "\(parent)/.\(name).XXXXXX"
    }

    /// Writes files to a hidden folder, which then gets its name.
    func write(_ files: [(path: String, text: String)]) throws {
        guard !exists else { throw alreadyExists }
        var template = Array(pattern.utf8CString)
        let temporary = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
        guard let temporary else { throw unwritable(errno) }
        do {
            for file in files {
                let url = URL(filePath: temporary).appending(path: file.path)
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(file.text.utf8).write(to: url)
            }
            guard chmod(temporary, 0o755) == 0 else { throw unwritable(errno) }
            // An empty folder that was made meanwhile would be replaced, any other is not.
            guard !exists else { throw alreadyExists }
            guard rename(temporary, path) == 0 else { throw exists ? alreadyExists : unwritable(errno) }
        } catch {
            try? FileManager.default.removeItem(atPath: temporary)
            if error is CommandFailure { throw error }
            throw CommandFailure(.ioFailure, "the package \(name) cannot be written: \(error.localizedDescription)")
        }
    }

    private var exists: Bool {
        var facts = stat()
        return lstat(path, &facts) == 0
    }

    private var alreadyExists: CommandFailure {
        CommandFailure(
            .conflict, "\(name) already exists in this folder; nothing was written",
            hint: "Choose another name, or another folder.")
    }

    private func unwritable(_ code: Int32) -> CommandFailure {
        CommandFailure(
            .ioFailure, "the package \(name) cannot be written here: \(OutputFailure(code: code))",
            hint: "Go to a folder that you may write to. Nothing was written.")
    }

    /// Where a package gets Sillok from: what the option says, or the checkout from which this program was built.
    static func origin(_ option: String?, builtFrom file: String = #filePath) throws -> StarterPackage.Origin {
        if let option, option.contains("://") || option.hasPrefix("git@") {
            return .url(option, version: ProjectVersion.current)
        }
        let built = URL(filePath: file).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let root = option.map { URL(filePath: $0) } ?? built
        let manifest = try? String(contentsOf: root.appending(path: "Package.swift"), encoding: .utf8)
        guard let manifest, manifest.contains(#"name: "sillok","#) else {
            let path = root.standardizedFileURL.path.visible
            throw CommandFailure(
                .notFound,
                option == nil
                    ? "the checkout from which this program was built is no longer at \(path)"
                    : "\(path) is not a checkout of Sillok: it does not have the Package.swift of Sillok",
                hint: "Give a checkout or a URL: --sillok PATH, or --sillok https://github.com/sillok/sillok")
        }
        return .path(root.resolvingSymlinksInPath().standardizedFileURL.path)
    }
}
