/// A program of a learning page: `swift run learn NAME` runs it.
struct Lesson: Sendable {
    let name: String
    let summary: String
    let run: @Sendable () async throws -> Void

    init(_ name: String, _ summary: String, run: @escaping @Sendable () async throws -> Void) {
        (self.name, self.summary, self.run) = (name, summary, run)
    }
}
