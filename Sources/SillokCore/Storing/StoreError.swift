/// A store could not do what it was asked, and whether it may have done it all the same.
public struct StoreError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, in a form that code can act on. New codes may come.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The stable name of the code.
        public let description: String

        /// A code that came from elsewhere.
        package init(description: String) { self.description = description }

        /// Another process has the store open for writing.
        public static let locked = Code(description: "locked")
        /// The store was opened for reading only.
        public static let readOnly = Code(description: "read-only")
        /// There is no store at that place.
        public static let notFound = Code(description: "not-found")
        /// The file is not a store, or one of a newer format.
        public static let unsupportedFormat = Code(description: "unsupported-format")
        /// No space is left. Reads go on; appends work again when there is space.
        public static let full = Code(description: "full")
        /// The disk failed. The store takes no more appends until it is opened anew.
        public static let ioFailure = Code(description: "io-failure")
        /// What is stored is damaged; the message names the place.
        public static let corrupt = Code(description: "corrupt")
        /// An inline projection of the application that embeds the server could not project an event: nothing was
        /// stored,
        /// and a repeat is refused too until the projection is mended. In that application itself
        /// `InlineProjectionFailed` is thrown.
        public static let refused = Code(description: "refused")
        /// A query of a read model is wrong, or would change something.
        public static let invalidQuery = Code(description: "invalid-query")
        /// The task was cancelled before the answer came. The outcome is definite if the append was still waiting.
        public static let cancelled = Code(description: "cancelled")
        /// The store is closed.
        public static let closed = Code(description: "closed")
        /// The server cannot be reached or does not answer in time, or has too much to do. Try again later.
        public static let unavailable = Code(description: "unavailable")
        /// The server does not know the caller, or does not let it do this.
        public static let accessDenied = Code(description: "access-denied")
        /// The log is not the one that a kept position belongs to: the event at that position is another one, or the
        /// log ends before it. The message says how to continue.
        public static let storeChanged = Code(description: "store-changed")

        /// A query needs more steps than ``Limits`` allows. The message names the query and says how to make it
        /// cheaper.
        public static let tooExpensive = Code(description: "too-expensive")

        /// Too many requests wait. Nothing was stored; try again after ``StoreError/retryAfter``.
        public static let overloaded = Code(description: "overloaded")

        /// The file at the store's path is no longer the file that the store has open. The store takes no more appends.
        public static let fileReplaced = Code(description: "file-replaced")
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
