import ArgumentParser
import Foundation
import Sillok
import SillokCommands
import SillokReadSide
import SillokSQL
import SillokSQLite
import SillokTerminal

/// The read model that a command works on, and the log that it is made from.
struct ModelArgument: ParsableArguments {
    /// What a command does with the read model. Only one process can write to one that is part of a store.
    enum Access { case reading, writing }

    @Argument(
        help: "The read model: a file, a store that contains it, or postgres://user@host/database#schema.",
        completion: .file())
    var readModel: String

    @Option(
        help: "The store whose events are projected. Leave it out if the read model is part of the store.",
        completion: .file())
    var store: String?

    init() {}

    /// The read model at a place that was given in another way.
    init(place: String) { readModel = place }

    /// Whether the read model is part of its store.
    var isInStore: Bool { StoreKind.isStore(at: readModel) }

    /// Opens the read model, and the store for reading, and closes both after `body`.
    func with<Result>(_ access: Access = .reading, _ body: (ReadSide) async throws -> Result) async throws -> Result {
        if isInStore { return try await withStore(access, body) }
        guard let store else {
            throw CommandFailure(.usage, "this command also needs the log: give --store STORE")
        }
        return try await StoreArgument(place: store).reading { opened in
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

    /// Opens a store that has its read model in its own files.
    private func withStore<Result>(
        _ access: Access, _ body: (ReadSide) async throws -> Result
    ) async throws -> Result {
        if let store, store != readModel {
            throw CommandFailure(.usage, "the read model is that of a store: leave out --store")
        }
        do {
            return try await StoreArgument(place: readModel)
                .withOwnModel(access == .reading ? .readOnly : .existing) { try await body(ReadSide(of: $0, in: $1)) }
        } catch let error as StoreError where error.code == .locked {
            throw CommandFailure(
                .locked, "\(error)",
                hint: "The read model is part of the store: let its application do it, or stop the application.")
        }
    }

    func withModel<Result>(_ body: (any ReadModel) async throws -> Result) async throws -> Result {
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

/// A projection of a read model.
struct ProjectionArgument: ParsableArguments {
    @OptionGroup var model: ModelArgument
    @Argument(help: "The projection.") var name: String
}

/// A command for one projection.
protocol ProjectionCommand: AsyncParsableCommand {
    var projection: ProjectionArgument { get }
}

extension ProjectionCommand {
    var model: ModelArgument { projection.model }
    var name: String { projection.name }
}

/// A command that changes what the read model knows of a projection.
protocol ProjectionChange: ProjectionCommand {
    var whom: OperatorOptions { get }

    /// Makes the change, and returns what was done as a sentence without its end.
    func change(_ side: ReadSide) async throws -> String
}

extension ProjectionChange {
    func run() async throws {
        try await model.withoutLog(.writing) { side in
            try Console.current.print(change: try await change(side))
        }
    }
}
