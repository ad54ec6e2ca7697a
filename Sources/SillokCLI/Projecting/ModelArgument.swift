import ArgumentParser
import Foundation
import Sillok
import SillokReadSide
import SillokSQL
import SillokSQLite
import SillokTerminal

/// The read model that a command works on, and the log that it is made from.
struct ModelArgument: ParsableArguments {
    /// What a command does with the read model. Only one process can write to one in a store's file.
    enum Access { case reading, writing }

    @Argument(
        help: "The read model: a file, also of a store that has one, or postgres://user@host/database#schema.",
        completion: .file())
    var readModel: String

    @Option(
        help: "The store that it is made from; not for a read model in the store's own file.", completion: .file())
    var store: String?

    /// Whether the read model is in the file of its store.
    var isInStore: Bool { SQLiteEventStore.isStore(at: readModel) }

    /// Opens the read model, and the store for reading, and closes both after `body`.
    func with<Result>(_ access: Access = .reading, _ body: (ReadSide) async throws -> Result) async throws -> Result {
        if isInStore { return try await withStore(access, body) }
        guard let store else {
            throw CommandFailure(.usage, "this needs the log too: --store STORE")
        }
        return try await StoreArgument.reading(store) { opened in
            try await withModel { try await body(ReadSide(of: opened, in: $0)) }
        }
    }

    /// Opens the read model alone.
    func withoutLog<Result>(
        _ access: Access = .reading, _ body: (ReadSide) async throws -> Result
    ) async throws -> Result {
        if isInStore { return try await withStore(access, body) }
        return try await withModel { try await body(ReadSide(of: MemoryEventStore(), in: $0)) }
    }

    /// Opens a store that has its read model in its own file.
    private func withStore<Result>(
        _ access: Access, _ body: (ReadSide) async throws -> Result
    ) async throws -> Result {
        if let store, store != readModel {
            throw CommandFailure(.usage, "the read model is that of a store: leave out --store")
        }
        var argument = StoreArgument()
        argument.store = readModel
        do {
            return try await argument.with(access == .reading ? .readOnly : .existing) { opened in
                try await body(ReadSide(of: opened, in: opened.readModel))
            }
        } catch let error as StoreError where error.code == .locked {
            throw CommandFailure(
                .locked, "\(error)",
                hint: "The read model is in the store's file: let its application do it, or stop the application.")
        }
    }

    private func withModel<Result>(_ body: (any ReadModel) async throws -> Result) async throws -> Result {
        if let place = PostgresPlace(readModel) { return try await place.withModel(body) }
        guard FileManager.default.fileExists(atPath: readModel) else {
            throw CommandFailure(
                .notFound, "there is no read model \(readModel.visible)",
                hint: "An application makes it when it runs its projections for the first time.")
        }
        let model = try SQLiteReadModel(path: readModel)
        return try await closing(model.close) { try await body(model) }
    }
}

extension StoreArgument {
    /// Opens a store for reading and closes it after `body`.
    static func reading<Result>(
        _ path: String, _ body: (any EventStore) async throws -> Result
    ) async throws -> Result {
        try await StoreArgument(place: path).reading(body)
    }
}

/// Who does something, and why: both are kept.
struct OperatorOptions: ParsableArguments {
    @Option(help: "Why: kept for good.")
    var reason: String

    @Option(help: "Who: kept for good. Your login name unless said otherwise.")
    var actor: String?

    func validate() throws {
        if reason.isEmpty { throw ValidationError("--reason says why; it is empty.") }
    }

    var whom: Operator { Operator(actor ?? NSUserName(), because: reason) }
}

/// Whether to wait for the application that runs the projection.
struct WaitOptions: ParsableArguments {
    @Flag(help: "Do not wait until the application has done it.")
    var noWait = false

    @Option(help: "How many seconds to wait for the application to begin.")
    var timeoutSeconds = 5.0

    /// Polls until `look` reports that the request is done. Fails if no application begins it.
    ///
    /// - Parameters:
    ///   - hasBegun: whether the application has begun the request.
    ///   - look: returns whether the request is done.
    func wait(until look: () async throws -> (hasBegun: Bool, isDone: Bool)) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        while true {
            let (hasBegun, isDone) = try await look()
            if isDone { return }
            if !hasBegun, start.duration(to: clock.now).seconds > timeoutSeconds {
                throw CommandFailure(
                    .found, "it is asked for, and no application has begun it yet",
                    hint: "The application that registers the projection does it when it runs.")
            }
            try await clock.sleep(for: .milliseconds(100))
        }
    }
}
