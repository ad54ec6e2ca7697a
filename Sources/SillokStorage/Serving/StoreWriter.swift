public import SillokCore

/// An append that waits for the thread that writes, with what was prepared in the caller's task.
@usableFromInline
package protocol WaitingAppend: Sendable {
    /// The append and its condition.
    var prepared: PreparedAppend { get }
    /// The append's share of a group.
    var weight: Int { get }
    /// The memory that the append holds while it waits.
    var retainedBytes: Int { get }
    /// Returns the same append after its condition was judged once more outside the writer.
    func judged(as prepared: PreparedAppend) -> Self
}

extension PreparedAppend: WaitingAppend {
    @inlinable package var prepared: PreparedAppend { self }
    @inlinable
    package func judged(as prepared: PreparedAppend) -> PreparedAppend { prepared }
}

/// A request to the thread that writes a store.
@usableFromInline
package protocol StoreWork: Sendable {
    associatedtype Append: WaitingAppend
    /// Returns the request of an append.
    static func append(_ append: Append) -> Self
    /// The append, if the request is one.
    var append: Append? { get }
    /// The request's share of a group: its number of events or its KiB, whichever is more.
    var weight: Int { get }
}

/// The result of a request.
@usableFromInline
package enum WorkAnswer: Sendable {
    /// The events are recorded, now or by an earlier append.
    case appended(Receipt, head: Position)
    /// Judging the condition takes longer than the writer may spend: a reader must do it.
    case undecided
    /// The read model was used. `isDone` says whether the log has no more events for a rule that is being attached.
    case modelled(isDone: Bool)
}

/// What the thread that writes a store works with. It belongs to that thread.
@usableFromInline
package protocol StoreWriter: AnyObject, SendableMetatype {
    associatedtype Work: StoreWork
    /// Executes a group and returns the results in order.
    func execute(_ work: [Work]) -> [Result<WorkAnswer, any Error>]
    /// The error for all further work, once the disk has failed or the store was replaced.
    var failure: StoreError? { get }
    /// The position up to which readers see events of appends that were not acknowledged; `nil` if there are none.
    var unacknowledgedHead: Position? { get }
    /// The time that the last sync took.
    var syncTime: Duration { get }
    /// The bytes of the write-ahead log that are not in the file yet; `nil` for a store without one.
    var logBytes: Int? { get }
    /// Does what need not be done before the answers.
    func maintain()
    /// Ends the writing.
    ///
    /// - Returns: whether it is certain that nothing was ever written to the store.
    func finish() -> Bool
}

/// What becomes of the files when a store is closed.
@usableFromInline
package enum FileRemoval: Sendable {
    case none
    /// They are removed if this opening has made the store, and nothing was written to it.
    case ifUnused
    case always
}

extension StoreError {
    /// The error for an answer that does not belong to its request.
    @usableFromInline
    package static let wrongAnswer = StoreError(
        .corrupt, "the writer returned an answer of another kind. This is a bug in Sillok.")
}
