import Foundation

/// Build products and other files that do not belong in git.
struct Products: Rule {
    private static let pattern =
        #"(^|/)(\.build[^/]*|\.swiftpm)/|(^|/)Package\.resolved$|\.sqlite(-wal|-shm|-lock)?$|\.DS_Store$"#

    func findings(_ tree: Tree) -> [Finding] {
        tree.tracked.filter { $0.range(of: Self.pattern, options: .regularExpression) != nil }.map { path in
            Finding(
                rule: "product", place: path, location: path,
                message: "git tracks a file that a program makes; run `git rm --cached` and add it to .gitignore")
        }
    }
}

/// Code that ends the program, and notes that should be an issue.
struct Code: Rule {
    private static let forbidden = [
        (#"\btry!"#, "`try!` ends the program; handle the error"),
        (#"\bfatalError\("#, "`fatalError` ends the program; throw an error"),
        (#"\bas!"#, "`as!` ends the program; use `as?`"),
    ]
    private static let notes = #"\b(TODO|FIXME|XXX)\b"#

    func findings(_ tree: Tree) -> [Finding] {
        tree.swiftFiles("Sources", "Examples").flatMap { file in code(of: file) + notes(in: file) }
    }

    private func code(of file: SwiftFile) -> [Finding] {
        file.code.enumerated().flatMap { index, line -> [Finding] in
            var findings: [Finding] = []
            for (pattern, message) in Self.forbidden where line.range(of: pattern, options: .regularExpression) != nil {
                findings.append(Finding("code", in: file, line: index + 1, message))
            }
            if file.target != nil, line.contains("@unchecked Sendable"), line.contains("public ") {
                findings.append(
                    Finding(
                        "code", in: file, line: index + 1,
                        "a public type is `@unchecked Sendable`; let the compiler check it, or keep it internal"))
            }
            return findings
        }
    }

    private func notes(in file: SwiftFile) -> [Finding] {
        file.prose.filter { $0.text.range(of: Self.notes, options: .regularExpression) != nil }.map { note in
            Finding("code", in: file, line: note.line, "a note in the code; write an issue and remove it")
        }
    }
}

/// `@inlinable package` on members of a type that other modules cannot see: the compiler neither warns nor inlines.
struct InlinableCode: Rule {
    func findings(_ tree: Tree) -> [Finding] {
        let files = tree.swiftFiles("Sources")
        let usable = Set(files.flatMap { usableTypes(in: $0) })
        return files.flatMap { file -> [Finding] in
            let declarations = file.declarations
            return file.code.enumerated().compactMap { index, line in
                guard line.contains("@inlinable package") || isSplit(file, index) else { return nil }
                guard let owner = declarations.last(where: { $0.line <= index + 1 }), line.hasPrefix(" "),
                    !usable.contains(owner.name)
                else { return nil }
                return Finding(
                    "inlinable", in: file, line: index + 1,
                    "\(owner.name) is not `@usableFromInline`, so `@inlinable package` does nothing; mark the type and "
                        + "its stored properties")
            }
        }
    }

    private func isSplit(_ file: SwiftFile, _ index: Int) -> Bool {
        index > 0 && file.code[index - 1].hasSuffix("@inlinable") && file.code[index].contains("package ")
    }

    private func usableTypes(in file: SwiftFile) -> [String] {
        file.declarations.filter { declaration in
            guard declaration.kind != "extension" else { return false }
            let before = declaration.line > 1 ? file.code[declaration.line - 2] : ""
            return declaration.isPublic || file.code[declaration.line - 1].contains("@usableFromInline")
                || before.contains("@usableFromInline")
        }.map(\.name)
    }
}

/// Public names that a file with the usual imports cannot use unqualified.
struct Collisions: Rule {
    /// Public types of modules that applications and tests import, as far as a domain could have the same name.
    private static let names: [String: Set<String>] = [
        "Foundation": [
            "Bundle", "Calendar", "CharacterSet", "Data", "Date", "DateComponents", "DateInterval", "Decimal",
            "Dimension",
            "DispatchQueue", "Expression", "FileHandle", "FileManager", "Formatter", "Host", "HTTPCookie", "IndexPath",
            "IndexSet", "JSONDecoder", "JSONEncoder", "Locale", "Measurement", "MeasurementFormatter", "Message",
            "Notification", "NotificationCenter", "NotificationQueue", "NumberFormatter", "Operation", "OperationQueue",
            "Pipe", "Port", "Predicate", "Process", "ProcessInfo", "Progress", "ProgressManager", "Scanner",
            "SortComparator",
            "SortDescriptor", "SortOrder", "Stream", "Thread", "TimeInterval", "TimeZone", "Timer", "URL",
            "URLComponents",
            "URLRequest", "URLSession", "UUID", "Unit", "UserDefaults", "UserInfo",
        ],
        "Testing": [
            "Attachable", "Attachment", "Backtrace", "Bug", "Comment", "Confirmation", "CustomTestStringConvertible",
            "ExitTest", "Issue", "IssueHandlingTrait", "ParallelizationTrait", "SourceLocation", "Suite", "SuiteTrait",
            "Tag", "Test", "TestScoping", "TestTrait", "TimeLimitTrait", "Trait", "ConditionTrait",
        ],
        "Observation": ["Observable", "ObservationRegistrar", "ObservationTracking", "Observations"],
        "ObjectiveC": [
            "Category", "Class", "IMP", "Ivar", "Method", "NSObject", "NSObjectProtocol", "ObjCBool", "Protocol",
            "Selector",
        ],
        "XCTest": ["XCTestCase", "XCTestObservation", "XCTestSuite", "XCTestRun", "XCTExpectation"],
        "Swift": [
            "Actor", "Clock", "Duration", "Error", "Identifiable", "Instant", "Job", "Observer", "Range", "Result",
            "Sequence", "Task", "TaskGroup", "TaskLocal",
        ],
    ]

    func findings(_ tree: Tree) -> [Finding] {
        tree.swiftFiles("Sources").flatMap { file in
            file.declarations.filter { $0.isPublic && $0.kind != "extension" }.compactMap { declaration in
                let modules = Self.names.filter { $0.value.contains(declaration.name) }.keys.sorted()
                guard !modules.isEmpty else { return nil }
                return Finding(
                    "collision", in: file, line: declaration.line,
                    "the public name \(declaration.name) is also in \(modules.joined(separator: " and ")); "
                        + "choose another",
                    place: declaration.name)
            }
        }
    }
}
