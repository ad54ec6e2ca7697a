import SillokTerminal
@_exported import SillokTestSupport

@testable import SillokCLI

/// How a command ended and what it said.
struct Ending {
    let status: Int32
    let output: String
    let errors: String

    var lines: [String] { output.split(separator: "\n").map(String.init) }
}

/// Runs a command line in this process.
func sillok(_ arguments: String...) async -> Ending { await sillok(arguments) }

/// Runs a command line in this process.
func sillok(_ arguments: [String]) async -> Ending {
    let console = Console(output: Output(), errors: Output())
    let status = await Console.$current.withValue(console) { await SillokCommand.run(arguments) }
    return Ending(status: status, output: console.output.text, errors: console.errors.text)
}
