import SillokChain
import SillokCore
import SillokSigning
import SillokTerminal

// What several commands print as JSON.

extension Console {
    /// Says to a person what to try next.
    func suggest(_ command: String) {
        guard outputTerminal.isTerminal else { return }
        try? print(outputTerminal.styled("next: \(command)", .dim))
    }
}

extension ChainReport {
    /// What came of a walk along a chain, or of a comparison with a signed head.
    func json(comparedWith head: LogHead? = nil) -> JSONLine {
        [
            "intact": isIntact, "start": chain.start, "through": through, "position": head?.link.position,
            "signedAt": head?.signedAt, "link": head == nil ? link.description : nil, "findings": findings.map(\.json),
        ]
    }
}

extension VerificationReport.Finding {
    /// Where something is wrong, and what.
    var json: JSONLine { ["position": position, "message": message] }
}
