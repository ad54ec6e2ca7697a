/// A store could not do what it was asked, and whether it may have done it all the same.
public struct StoreError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, in a form that code can act on. The raw value is the name on the wire and in logs.
    ///
    /// A new code is a change of the API: a `switch` without `default` must handle it.
    public enum Code: String, Hashable, Sendable, CaseIterable, CustomStringConvertible {
        /// Another process has the store open for writing.
        case locked
        /// The store was opened for reading only.
        case readOnly = "read-only"
        /// There is no store at that place.
        case notFound = "not-found"
        /// The file is not a store, or one of a newer format.
        case unsupportedFormat = "unsupported-format"
        /// No space is left. Reads go on; appends work again when there is space.
        case full
        /// The disk failed. The store takes no more appends until it is opened again.
        case ioFailure = "io-failure"
        /// What is stored is damaged; the message names the place.
        case corrupt
        /// An inline projection of the application that embeds the server could not project an event. Nothing was
        /// stored, and a repeat is refused too until the projection is corrected. The application itself gets
        /// ``AppendError/refused(_:)``.
        case refused
        /// A query of a read model is wrong, or would change something.
        case invalidQuery = "invalid-query"
        /// The task was cancelled before the answer came. The outcome is definite if the append was still waiting.
        case cancelled
        /// The store is closed.
        case closed
        /// The server cannot be reached or does not answer in time, or has too much to do. Try again later.
        case unavailable
        /// The server does not know the caller, or does not let it do this.
        case accessDenied = "access-denied"
        /// The log is not the one that a kept position belongs to: the event at that position is another one, or the
        /// log ends before it. The message says how to continue.
        case storeChanged = "store-changed"
        /// A query needs more steps than ``Limits`` allows. The message names the query and says how to make it
        /// cheaper.
        case tooExpensive = "too-expensive"
        /// Too many requests wait. Nothing was stored; try again after ``StoreError/retryAfter``.
        case overloaded
        /// The file at the store's path is no longer the file that the store has open. The store takes no more appends.
        case fileReplaced = "file-replaced"

        /// The name of the code.
        public var description: String { rawValue }
    }

    /// Whether an append that failed may be in the log all the same.
    public enum Outcome: Hashable, Sendable {
        /// Nothing was stored and nothing will appear later.
        case definite
        /// It may or may not be stored. Repeat the same request with the same ids: that settles it.
        case unknown
    }

    /// What went wrong.
    public let code: Code

    /// What happened and what to do.
    public let message: String

    /// Whether the request may have taken effect.
    public let outcome: Outcome

    /// What it comes from, if it comes from another error.
    public let cause: (any Error)?

    /// How long to wait before a retry, if the store knows.
    public let retryAfter: Duration?

    /// An error with all of its parts.
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

    /// The message, and what is known of the outcome.
    public var description: String {
        switch outcome {
        case .definite: message
        case .unknown: "\(message) The outcome is unknown: repeat the same append with the same ids to settle it."
        }
    }
}
