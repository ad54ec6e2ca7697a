/// An error of an append: it stored nothing, or its outcome is not known. ``EventStore/append(_:)`` throws no other
/// error.
///
/// ```swift
/// do {
///     try await store.append(events, to: "account-42", if: .revision(3, of: "account-42"))
/// } catch {
///     switch error {
///     case .conflict(let conflict): print("others have appended:", conflict.events)
///     case .failed(let failure): print(failure.outcome)
///     case .invalid, .knownID, .tracking, .refused: print(error)
///     }
/// }
/// ```
/// Nothing was stored, except perhaps for ``failed(_:)`` with an unknown ``StoreError/outcome``. The enum is closed, so
/// that a `switch` without `default` handles every failure: a new case is a change of the API.
public enum AppendError: Error, Sendable, CustomStringConvertible {
    /// The request is malformed or exceeds a limit of the store. The same request fails again.
    case invalid(InvalidRequest)
    /// The condition does not hold. Load again and decide again.
    case conflict(AppendConflict)
    /// An event id belongs to another append. Give new events new ids.
    case knownID(EventIDConflict)
    /// The tracked position is not new: the foreign event has already been consumed.
    case tracking(TrackingConflict)
    /// An inline projection could not project an event.
    case refused(InlineProjectionFailed)
    /// The store failed, or the task was cancelled. The error says whether the events may be stored.
    case failed(StoreError)

    /// The associated error of the case.
    public var underlyingError: any Error {
        switch self {
        case .invalid(let error): error
        case .conflict(let error): error
        case .knownID(let error): error
        case .tracking(let error): error
        case .refused(let error): error
        case .failed(let error): error
        }
    }

    /// The failure of the store, or `nil` if the store did not fail. With `nil`, nothing was stored.
    public var failure: StoreError? {
        switch self {
        case .failed(let failure): failure
        case .invalid, .conflict, .knownID, .tracking, .refused: nil
        }
    }

    /// The description of the associated error: what happened and what to do next.
    public var description: String { "\(underlyingError)" }
}

extension AppendError {
    /// Creates the error to throw for an append that failed with `error`. For implementations of ``EventStore``.
    ///
    /// An error for which there is a case becomes that case. A `CancellationError`, or an error that no store should
    /// throw, becomes ``failed(_:)`` with an unknown outcome, because it does not say whether the events are stored.
    public init(_ error: any Error) {
        if let known = AppendError(known: error) {
            self = known
        } else if error is CancellationError {
            self = .failed(
                StoreError(.cancelled, "The task was cancelled during its append.", outcome: .unknown, cause: error))
        } else {
            self = .failed(StoreError(.ioFailure, "the store failed: \(error).", outcome: .unknown, cause: error))
        }
    }

    /// The case that an error is, or that can have it; `nil` for any other error.
    ///
    /// Reads and command handlers throw what the cases have, so that this finds their errors too.
    package init?(known error: any Error) {
        switch error {
        case let error as AppendError: self = error
        case let error as InvalidRequest: self = .invalid(error)
        case let error as AppendConflict: self = .conflict(error)
        case let error as EventIDConflict: self = .knownID(error)
        case let error as TrackingConflict: self = .tracking(error)
        case let error as InlineProjectionFailed: self = .refused(error)
        case let error as StoreError: self = .failed(error)
        default: return nil
        }
    }
}

/// An inline projection could not project an event of an append, so nothing of that append is stored.
public struct InlineProjectionFailed: Error, Sendable, CustomStringConvertible {
    /// The build of the projection, such as `balances v1`.
    public let projection: String

    /// The event that the projection could not project, with the position that it has or would have had.
    public let event: RecordedEvent

    /// The error that the rule threw, or `ChangeFailed` if the database rejected its SQL.
    public let cause: any Error

    /// Creates an error for an event that `projection` could not project.
    public init(projection: String, event: RecordedEvent, cause: any Error) {
        self.projection = projection
        self.event = event
        self.cause = cause
    }

    /// What happened and what to do, in a sentence.
    public var description: String {
        let place = event.stream.map { " of \($0)" } ?? ""
        return "\(projection) is inline and cannot project \(event.type)\(place): \(cause). Nothing was stored. Append "
            + "another event, or correct the projection."
    }
}
