import SillokCore
import SillokSystem

/// Where a program talks to its user: results on one output, everything else on the other.
package struct Console: Sendable {
    /// The console of the running task: the process's own, unless a test says otherwise.
    @TaskLocal package static var current = Console.standard

    /// Results.
    package let output: Output
    /// What the output is.
    package let outputTerminal: Terminal
    /// Messages, errors and progress.
    package let errors: Output
    /// What the output for errors is.
    package let errorTerminal: Terminal
    private let changes = Lock<String?>(nil)

    /// Creates a console from its outputs and settings. By default it is not a terminal.
    package init(
        output: Output, outputTerminal: Terminal = .none, errors: Output, errorTerminal: Terminal = .none
    ) {
        self.output = output
        self.outputTerminal = outputTerminal
        self.errors = errors
        self.errorTerminal = errorTerminal
    }

    /// The standard output and the standard error of the process.
    package static let standard = Console(
        output: Output(descriptor: STDOUT_FILENO), outputTerminal: Terminal(descriptor: STDOUT_FILENO),
        errors: Output(descriptor: STDERR_FILENO), errorTerminal: Terminal(descriptor: STDERR_FILENO))

    /// Prints a line of the result.
    package func print(_ line: String) throws { try output.write(line: line) }

    /// What the command has changed so far, in a sentence without its end; `nil` for nothing.
    package var change: String? { changes.withLock { $0 } }

    /// Notes what the command has changed, before it prints the result. If the result cannot be printed, the command
    /// still reports the change, so that a script does not repeat it.
    package func note(change: String) { changes.withLock { $0 = change } }

    /// Notes a change and prints it as the result.
    package func print(change: String) throws {
        note(change: change)
        try print(change)
    }

    /// Prints a message to the standard error at once. A failure to write it is ignored.
    package func note(_ line: String) {
        try? errors.write(line: line)
        try? errors.flush()
    }
}

/// What is known of an output: whether a person looks at it, how wide it is, whether it shows colours.
package struct Terminal: Sendable {
    /// Columns of a line of a terminal; `.max` for a file or a pipe.
    package let width: Int
    /// Whether to colour: on a terminal, unless `NO_COLOR` is set or the terminal is dumb.
    package let hasColour: Bool

    /// A terminal with lines of some columns.
    package init(width: Int, hasColour: Bool) {
        self.width = width
        self.hasColour = hasColour
    }

    /// A file or a pipe.
    package static let none = Terminal(width: .max, hasColour: false)

    /// Whether it is a terminal.
    package var isTerminal: Bool { width != .max }

    /// Looks at a file descriptor.
    package init(descriptor: Int32) {
        guard isatty(descriptor) == 1 else {
            self = .none
            return
        }
        var size = winsize()
        let isKnown = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        let isPlain = Self.variable("NO_COLOR") != nil || Self.variable("TERM") == "dumb"
        self.init(width: isKnown ? Int(size.ws_col) : 80, hasColour: !isPlain)
    }

    /// How a piece of text stands out.
    package enum Style: String, Sendable {
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
        case cyan = "36"
    }

    /// The text in a style, or the plain text where there are no colours.
    package func styled(_ text: String, _ style: Style) -> String {
        hasColour && !text.isEmpty ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// An environment variable that is set and not empty.
    private static func variable(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }
}
