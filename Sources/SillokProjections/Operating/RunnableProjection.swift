public import SillokReadSide

/// What a service of projections runs: a projector of any read model, a publisher, or the runner of a process.
public protocol RunnableProjection: Sendable {
    /// The operations on the projections of its read model.
    var readSide: ReadSide { get }

    /// Creates the missing tables.
    func prepare() async throws

    /// Runs until the task is cancelled.
    func run() async throws
}

extension Projector: RunnableProjection {}

extension Publisher: RunnableProjection {}
