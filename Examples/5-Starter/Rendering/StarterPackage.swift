// The files of this folder as a package of their own: what `sillok new` writes.

/// A package for a new application.
package struct StarterPackage {
    /// The name of the package, of its program and of their folders.
    package let name: String
    /// The line of the dependency on Sillok in the manifest.
    private let dependency: String

    /// Where the package gets Sillok from.
    package enum Origin {
        /// The path of a checkout.
        case path(String)
        /// The URL of a repository, and the lowest version.
        case url(String, version: String)
    }

    /// Why a name cannot be that of a package.
    package struct WrongName: Error, CustomStringConvertible {
        package let description: String
    }

    package init(_ name: String, from origin: Origin) throws(WrongName) {
        try Self.check(name)
        self.name = name
        dependency =
            switch origin {
            case .path(let path): #".package(name: "sillok", path: \#(Self.literal(path)))"#
            case .url(let url, let version):
                ".package(url: \(Self.literal(url)), .upToNextMinor(from: \(Self.literal(version))))"
            }
        identity = if case .url(let url, _) = origin { Self.identity(of: url) } else { "sillok" }
    }

    /// The name by which targets refer to the package of Sillok.
    private let identity: String

    /// The name of the module: a hyphen is no part of an identifier.
    private var module: String { name.replacing("-", with: "_") }

    /// The files: their paths in the package, and their texts.
    package var files: [(path: String, text: String)] {
        [
            ("Package.swift", manifest),
            ("README.md", program(PackageResources.README_md)),
            (".gitignore", Self.text(PackageResources.ignored_txt)),
            ("Sources/\(name)/Account.swift", program(PackageResources.Account_swift)),
            ("Sources/\(name)/Balances.swift", program(PackageResources.Balances_swift)),
            ("Sources/\(name)/main.swift", program(PackageResources.main_swift)),
            ("Tests/\(name)Tests/AccountTests.swift", program(PackageResources.AccountTests_swift)),
            ("Tests/\(name)Tests/BalancesTests.swift", program(PackageResources.BalancesTests_swift)),
        ]
    }

    private var manifest: String {
        Self.text(PackageResources.Manifest_swift)
            .replacing(#".package(name: "sillok", path: "../..")"#, with: dependency)
            .replacing(#"package: "sillok""#, with: "package: \(Self.literal(identity))")
            .replacing(#""Starter"#, with: "\"\(name)")
            .replacing(#""starter"#, with: "\"\(name)")
    }

    private func program(_ bytes: [UInt8]) -> String {
        Self.text(bytes).replacing("import Starter", with: "import \(module)").replacing("starter", with: name)
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    /// A text as a string literal of Swift.
    private static func literal(_ text: String) -> String { text.debugDescription }

    /// The last part of a URL without `.git`, in lower case: SwiftPM's name of a package.
    private static func identity(of url: String) -> String {
        let last = url.split(whereSeparator: { $0 == "/" || $0 == ":" }).last.map(String.init) ?? "sillok"
        return (last.hasSuffix(".git") ? String(last.dropLast(4)) : last).lowercased()
    }

    /// Throws unless a name can be that of a package, a folder and a module.
    private static func check(_ name: String) throws(WrongName) {
        guard let first = name.utf8.first, first < 128, Character(UnicodeScalar(first)).isLetter,
            name.utf8.allSatisfy({ isAllowed($0) }), name.utf8.count <= 50
        else {
            throw WrongName(
                description: "a package cannot have this name: use 1 to 50 of the characters a-z, A-Z, 0-9, - and _, "
                    + "and begin with a letter")
        }
        let module = name.replacing("-", with: "_").lowercased()
        guard !reserved.contains(module), !module.hasPrefix("sillok") else {
            throw WrongName(
                description:
                    "a package cannot have this name: it is a word of Swift, or a module that the package needs")
        }
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// Modules that the package imports or that it replaces, and words of the language.
    private static let reserved: Set = [
        "swift", "foundation", "testing", "xctest", "glibc", "musl", "darwin", "dispatch", "synchronization", "starter",
        "main", "test", "tests", "package", "class", "struct", "enum", "protocol", "extension",
        "func", "var", "let", "import", "in", "is", "as", "if", "else", "for", "while", "do", "return", "switch",
        "case",
        "default", "break", "continue", "guard", "throw", "throws", "try", "catch", "self", "super", "true", "false",
        "nil", "init", "where", "operator", "actor", "any", "some", "public", "private", "internal", "static", "defer",
        "repeat", "subscript", "typealias", "inout", "deinit", "fallthrough", "rethrows", "precedencegroup",
    ]
}
