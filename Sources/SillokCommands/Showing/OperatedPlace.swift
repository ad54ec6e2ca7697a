public import SillokCore
public import SillokSQL
import SillokTerminal

/// The read model and the log that a command line names for a command of operators.
public struct OperatedPlace: Hashable, Sendable {
    /// The read model.
    public let readModel: String
    /// The log; `nil` if the command line names none, because the read model is in the store's own file.
    public let store: String?
    /// Whether the command appends to the log. Otherwise open the log for reading, so that the application may run.
    public let appends: Bool
}

extension StoreTool {
    /// Returns the tool with the commands `processes`, `webhooks` and `schedule` too.
    ///
    /// ```swift
    /// let tool = StoreTool("shop", .decider(Order.self, of: "order")) { path in
    ///     try SQLiteEventStore(path: path, mode: .readOnly)
    /// }.operating { place in
    ///     let log = place.store ?? "shop.sqlite"
    ///     return (
    ///         try SQLiteEventStore(path: log, mode: place.appends ? .existing : .readOnly),
    ///         try SQLiteReadModel(path: place.readModel)
    ///     )
    /// }
    /// ```
    /// - Parameter open: opens the log and the read model that a command line names.
    public func operating(
        _ open: @escaping @Sendable (OperatedPlace) async throws -> (store: any EventStore, readModel: any ReadModel)
    ) -> StoreTool {
        var tool = self
        tool.access = OperatorAccess { places, purpose, body in
            let place = OperatedPlace(
                readModel: places.readModel, store: places.store, appends: purpose == .writing)
            let (store, readModel) = try await open(place)
            try await body(store, readModel)
        }
        return tool
    }
}
