import Sillok
import SillokCommands
import SillokSQL
import SillokSQLite
import SillokTerminal

extension OperatorAccess {
    /// Opens the places that a command line of `sillok` names.
    static let ofPlaces = OperatorAccess { places, purpose, body in
        if StoreKind.isStore(at: places.readModel) {
            if let store = places.store, store != places.readModel {
                throw CommandFailure(.usage, "the read model is that of a store: leave out --store")
            }
            return try await reportingLocks {
                try await StoreArgument(place: places.readModel)
                    .withOwnModel(purpose == .reading ? .readOnly : .existing) { try await body($0, $1) }
            }
        }
        guard let store = places.store else {
            throw CommandFailure(.usage, "this command also needs the log: give --store STORE")
        }
        let argument = StoreArgument(place: store)
        try argument.validate()
        let model = ModelArgument(place: places.readModel)
        try await reportingLocks {
            switch purpose {
            case .reading, .changingModel:
                try await argument.reading { log in try await model.withModel { try await body(log, $0) } }
            case .writing:
                try await argument.changing { log in try await model.withModel { try await body(log, $0) } }
            }
        }
    }

    private static func reportingLocks(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as StoreError where error.code == .locked {
            throw CommandFailure(
                .locked, "\(error)",
                hint: "The application writes to the store: use its server or its dashboard, or stop it.")
        }
    }
}

extension StoreArgument {
    /// Opens a store that exists for writing, and closes it after `body`.
    func changing<Result>(_ body: (any EventStore) async throws -> Result) async throws -> Result {
        if let place = PostgresPlace(store) { return try await place.withStore(for: .changing, body) }
        if store.contains("://") { return try await writing(body) }
        return try await with(.existing) { try await body($0) }
    }
}
