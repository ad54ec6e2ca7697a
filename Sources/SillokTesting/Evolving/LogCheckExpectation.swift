import Sillok
public import SillokHistory
public import Testing

extension LogCheckReport {
    /// Reports every incompatibility as an issue. Use it in a test that runs new code on a copy of a real log.
    ///
    /// - Parameter sourceLocation: where to report it.
    public func expectCompatible(sourceLocation: SourceLocation = #_sourceLocation) {
        for finding in findings { Issue.record(Comment(rawValue: finding), sourceLocation: sourceLocation) }
    }

    /// Everything that is not compatible, each in a sentence.
    var findings: [String] {
        let unread = kinds.filter { $0.failures > 0 }.map { kind in
            "\(kind.failures) of \(kind.count) events \"\(kind.type)\" of version \(kind.version) cannot be read, the first "
                + "at position \(kind.firstFailure?.description ?? "?"): \(kind.reason ?? "")"
        }
        return unread + differences.map { "\($0.stream) at revision \($0.revision): \($0.message)" }
    }
}
