import SillokTesting
import Testing

@testable import git_history

@Suite struct CommitHistoryTests {
    private let a = FileChange.deleted(GitPath(text: "a"))
    private let b = FileChange.deleted(GitPath(text: "b"))

    @Test func `a commit is recorded with its changes`() {
        Scenario<CommitHistory>.given()
            .when(.record(subject: "s", count: 1, changes: [a]))
            .then(.commitRecorded(subject: "s", changes: 1), a.event)
    }

    @Test func `recording it again changes nothing`() {
        Scenario<CommitHistory>.given(.commitRecorded(subject: "s", changes: 1), a.event)
            .when(.record(subject: "s", count: 1, changes: [a]))
            .thenNothing()
    }

    @Test func `further changes follow in their order, each once`() {
        let begun = Scenario<CommitHistory>.given(.commitRecorded(subject: "s", changes: 2), a.event)
        begun.when(.add(changes: [b], index: 1)).then(b.event)
        begun.when(.add(changes: [a], index: 0)).thenNothing()
        begun.when(.add(changes: [b], index: 2)).thenRefused(.gap(next: 1))
        begun.when(.add(changes: [a, b], index: 1)).thenRefused(.tooMany(count: 2))
    }

    @Test func `changes need their commit`() {
        Scenario<CommitHistory>.given().when(.add(changes: [a], index: 0)).thenRefused(.notRecorded)
    }
}
