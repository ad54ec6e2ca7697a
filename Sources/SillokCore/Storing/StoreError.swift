/// A store could not execute a request. The outcome says whether the request may have taken effect.
public struct StoreError: Error, Sendable, CustomStringConvertible {
    /// The kind of a failure, for code that reacts to it. The raw value is the name on the wire and in logs.
    ///
    /// A new code is a change of the API: a `switch` without `default` must handle it.
    public enum Code: String, Hashable, Sendable, CaseIterable, CustomStringConvertible {
        /// The file is already open for writing, by another process or by another object of this process.
        case locked
        /// The store was opened as read-only, or the file, its path or the database role does not allow the write.
        case readOnly = "read-only"
        /// There is no store at this path or address.
        case notFound = "not-found"
        /// The file is not a store, the server is not a server of Sillok, or this version cannot read the format.
        case unsupportedFormat = "unsupported-format"
        /// No space is left. Reads still work; appends work again when there is space.
        case full
        /// The disk failed. The store accepts no more appends until it is opened again.
        case ioFailure = "io-failure"
        /// The stored data is damaged; the message names the place.
        case corrupt
        /// An inline projection of the application that embeds the server could not project an event. Nothing was
        /// stored, and a retry fails too until the projection is fixed. That application itself gets
        /// ``AppendError/refused(_:)``.
        case refused
        /// A query of a read model is invalid, or would change data.
        case invalidQuery = "invalid-query"
        /// The task was cancelled before the result arrived. The outcome is definite if the append was still waiting.
        case cancelled
        /// The store is closed.
        case closed
        /// The server cannot be reached, does not answer in time, or is overloaded. Try again later.
        case unavailable
        /// The server does not know the caller, or the caller may not do this.
        case accessDenied = "access-denied"
        /// The log is not the one to which a stored position belongs: it has another event at that position, or ends
        /// before it. The message says how to continue.
        case storeChanged = "store-changed"
        /// A query needs more steps than ``Limits`` allows. The message names it and says how to make it cheaper.
        case tooExpensive = "too-expensive"
        /// Too many requests wait. Nothing was stored; try again after ``StoreError/retryAfter``.
        case overloaded
        /// The file at the store's path is no longer the file that the store has open. The store takes no more appends.
        case fileReplaced = "file-replaced"

        /// The name of the code.
        public var description: String { rawValue }
    }

    /// Whether a failed append may be in the log.
    public enum Outcome: Hashable, Sendable {
        /// Nothing was stored and nothing will appear later.
        case definite
        /// It may or may not be stored. Repeat the same request with the same ids: that settles it.
        case unknown
    }

    /// The kind of the failure.
    public let code: Code

    /// What happened and what to do next.
    public let message: String

    /// Whether the request may have taken effect.
    public let outcome: Outcome

    /// The underlying error, if there is one.
    public let cause: (any Error)?

    /// How long to wait before a retry, if the store knows.
    public let retryAfter: Duration?

    /// Creates an error. By default the request took no effect, there is no underlying error, and the delay is unknown.
    public init(
        _ code: Code, _ message: String, outcome: Outcome = .definite, cause: (any Error)? = nil,
        retryAfter: Duration? = nil
    ) {
        self.retryAfter = retryAfter
        self.code = code
        self.message = message
        self.outcome = outcome
        self.cause = cause
    }

    /// The message, and a note if the outcome is unknown.
    public var description: String {
        switch outcome {
        case .definite: message
        case .unknown: "\(message) The outcome is unknown: repeat the same append with the same ids to settle it."
        }
    }
}

extension StoreError {
    /// Returns the error for a log that ends before a kept position.
    package static func logEnds(at head: Position, before mark: EventMark) -> StoreError {
        StoreError(
            .storeChanged, "the log ends at position \(head), before the expected position \(mark.position). \(wayBack)"
        )
    }

    /// Returns the error for a log with another event at a kept position.
    package static func otherEvent(_ found: EventID, at mark: EventMark) -> StoreError {
        let expected = mark.id.map { ", expected \($0)" } ?? ""
        return StoreError(
            .storeChanged, "the log has event \(found) at position \(mark.position)\(expected). \(wayBack)")
    }

    private static let wayBack =
        "The store was replaced by another one, or restored from an older copy. Restore the right copy, or start again "
        + "from the beginning of this log: rebuild the projection, or reset the reader and the position that it keeps."
}
