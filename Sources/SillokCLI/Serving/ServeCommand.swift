import ArgumentParser
import Logging
import ServiceLifecycle
import Sillok
import SillokLog
import SillokProcessOperations
import SillokReadSide
import SillokSQLite
import SillokServer
import SillokService
import SillokTerminal
import SillokWebhookOperations

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve a store over HTTP (the API, /docs, and a dashboard at /) and over gRPC.",
        discussion: """
            Serves a store of this machine or in PostgreSQL, not the store of another server. Only this machine can
            connect, unless you set up keys and TLS (or pass --insecure). With --auth keys the first start prints a key
            that allows everything. The key is not shown again. Several servers may serve one store in PostgreSQL.

            Examples:
              sillok serve bank.sqlite
              sillok serve bank.sillok
              sillok serve postgres://app@db1,db2/shop
              sillok serve postgres://app@replica/shop --replica-of postgres://app@db1,db2/shop
              sillok serve bank.sqlite --read-model views.sqlite
              sillok serve bank.sqlite --grpc 127.0.0.1:50051
              sillok serve bank.sqlite --auth keys --http 0.0.0.0:8443 --tls-certificate chain.pem --tls-key key.pem
            """)

    @OptionGroup var store: StoreArgument
    @OptionGroup var settings: ServeSettings

    func run() async throws {
        FreedMemory.giveBack()
        let settings = try await settings.resolved()
        let logger = try Self.logger(settings)
        let addresses = try settings.addresses
        let (asksForProof, tls) = (try settings.asksForProof, try settings.tls)
        for address in [addresses.http, addresses.grpc] {
            try Self.check(address, settings, asksForProof: asksForProof, isProtected: tls != nil)
        }
        guard let place = PostgresPlace(store.store) else {
            if settings.replicaOf != nil { throw Self.noReplica }
            return try await store.with(.create, limits: settings.limits) {
                try await serve($0, tools(of: $0, settings), settings, logger)
            }
        }
        if settings.backups != nil {
            throw CommandFailure(.usage, "--backups is for a store of this machine. Back up the database instead.")
        }
        let purpose: PostgresPlace.Purpose = settings.replicaOf == nil ? .writing : .reading
        try await place.withStore(for: purpose, limits: settings.limits, timeout: .seconds(45)) { opened in
            var tools = StoreTools(verify: { try await opened.verify(progress: $0) })
            tools.kind = "postgresql"
            let watch = try settings.replicaOf.map { try Self.watch(opened, primary: $0) }
            if let watch { tools.replica = { watch.lag } }
            try await serve(opened, tools, settings, logger, with: watch)
        }
    }

    private static let noReplica = CommandFailure(
        .usage, "--replica-of is for a replica in PostgreSQL, and its value is the address of a store in PostgreSQL.")

    /// Returns a service that compares a replica with its primary.
    private static func watch(_ replica: any EventStore, primary: String) throws -> ReplicaWatch {
        guard let place = PostgresPlace(primary) else { throw noReplica }
        #if Postgres
        let log = PrimaryLog(place)
        return ReplicaWatch(of: replica) { try await log.head() }
        #else
        throw place.isMissing
        #endif
    }

    private func serve(
        _ opened: any EventStore, _ tools: StoreTools, _ settings: ServeSettings, _ logger: Logger,
        with watch: ReplicaWatch? = nil
    ) async throws {
        let newest = try await opened.read(ReadRequest(direction: .backward, limit: 1)).events.first
        if let warning = store.clockWarning(last: newest?.recordedAt) { logger.warning("\(warning)") }
        if let warning = StoreKind.warning(at: store.store) { logger.warning("\(warning)") }
        let (addresses, tls) = (try settings.addresses, try settings.tls)
        let access =
            try settings.asksForProof
            ? await accessLog(settings.access, of: store.store, isReplica: settings.replicaOf != nil) : nil
        let keyring = access.map { Keyring(log: $0) }
        try await Self.prepare(keyring, isReplica: settings.replicaOf != nil)
        let gatekeeper = Gatekeeper(keyring: keyring, tokens: try await settings.tokenVerifier())
        let model = try settings.readModel.map { try SQLiteReadModel(path: $0) }
        let served = Served(
            opened, readSide: model.map { ReadSide(of: opened, in: $0) },
            processes: model.map { ProcessOperations(of: opened, in: $0) },
            webhooks: model.map { WebhookOperations(of: opened, in: $0) }, tools: tools)
        let interface = try await WebInterface(
            served, gatekeeper: gatekeeper, limits: settings.serverLimits,
            loopbackOnly: addresses.http?.isLoopback ?? true, logger: logger)
        var services: [any Service] = []
        if let address = addresses.grpc {
            services.append(try grpcServer(of: interface.store, at: address, settings, gatekeeper, logger: logger))
        }
        if let address = addresses.http {
            services.append(
                StoreServer(interface, configuration: .init(address: address, tls: tls), logger: logger) { bound in
                    announce("\(tls == nil ? "http" : "https")://\(bound)/")
                })
        }
        // Over HTTP the interface does it.
        if let keyring, addresses.http == nil { services.append(KeyFollower(keyring: keyring, logger: logger)) }
        if let watch { services.append(watch) }
        if let rebuild = tools.indexRebuild { services.append(IndexWatch(rebuild: rebuild, logger: logger)) }
        try await Self.serve(services, logger)
        await model?.close()
        await access?.close()
    }

    /// Throws unless an address may be listened at; says so loudly if it is unsafe all the same.
    private static func check(
        _ address: ListeningAddress?, _ settings: ServeSettings, asksForProof: Bool, isProtected: Bool
    ) throws {
        guard let address else { return }
        do {
            let warning = try UnsafeExposure.check(
                address, asksForProof: asksForProof, isProtected: isProtected, isInsecureAllowed: settings.insecure)
            if let warning { Console.current.note(Console.current.errorTerminal.styled(warning, .red)) }
        } catch {
            throw CommandFailure(.usage, "\(error)")
        }
    }

    private func grpcServer(
        of store: any EventStore, at address: ListeningAddress, _ settings: ServeSettings, _ gatekeeper: Gatekeeper,
        logger: Logger
    ) throws -> GRPCServer {
        let tls = try settings.tls
        var configuration = GRPCServer.Configuration()
        (configuration.host, configuration.port, configuration.drain) = (address.host, address.port, .seconds(8))
        configuration.limits = settings.serverLimits
        configuration.tls = try tls?.contexts(logger: logger)
        return GRPCServer(
            serving: store, configuration, authorizer: gatekeeper.authorizer,
            whenListening: { port in
                let bound = ListeningAddress(host: address.host, port: port)
                announce("\(tls == nil ? "sillok" : "https")://\(bound) (gRPC)")
            })
    }

    private func announce(_ link: String) {
        let name = PostgresPlace(store.store) == nil ? store.store.visible : "PostgreSQL"
        try? Console.current.print("serving \(name) at \(link)")
        try? Console.current.output.flush()
    }

    /// Runs services until the process is asked to end, and then lets them finish their requests.
    private static func serve(_ services: [any Service], _ logger: Logger) async throws {
        var configuration = ServiceGroupConfiguration(services: services, logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(10)
        let group = ServiceGroup(configuration: configuration)
        // A detached task: the signal that cancels this task begins a shutdown and does not interrupt running requests.
        let running = Task.detached { try await group.run() }
        try await withTaskCancellationHandler {
            try await running.value
        } onCancel: {
            Task { await group.triggerGracefulShutdown() }
        }
    }

    /// Reads the keys; if there are none, makes the first and shows it this once.
    private static func prepare(_ keyring: Keyring?, isReplica: Bool) async throws {
        guard let keyring else { return }
        try await keyring.load()
        guard keyring.keys.isEmpty else { return }
        if isReplica {
            throw CommandFailure(
                .usage, "the replica has no keys", hint: "Create one at the primary: sillok keys create STORE …")
        }
        // Another server that starts at the same time may have made it, and has shown it.
        guard let (_, secret) = try await keyring.createFirst("the first start", .everything, by: "sillok serve")
        else { return }
        try Console.current.print(
            "The first key. It allows everything, and is shown only now:\n\n  \(secret.revealed)\n")
        try Console.current.output.flush()
    }

    private func tools(of opened: any LocalStore, _ settings: ServeSettings) -> StoreTools {
        var tools = StoreTools(
            verify: { try await opened.verify(progress: $0) }, observeCommits: { opened.onCommit($0) },
            size: { opened.storedBytes }, metricsFile: store.store + "-metrics")
        tools.kind = StoreKind(path: store.store) == .file ? "file" : "folder"
        if let folder = opened as? LogEventStore { tools.indexRebuild = { folder.indexRebuild } }
        if let folder = settings.backups {
            tools.backup = { progress in
                let time = WallClock.system.now().description.replacing(":", with: "").replacing(".", with: "-")
                let path = "\(folder)/backup-\(time).\(StoreKind(path: store.store) == .file ? "sqlite" : "sillok")"
                let report = try await opened.backup(to: path, progress: progress)
                return "\(path): \(report.head) events, \(report.bytes.asBytes), checked"
            }
        }
        return tools
    }

    private static func logger(_ settings: ServeSettings) throws -> Logger {
        guard let level = Logger.Level(rawValue: settings.logLevel ?? "notice") else {
            throw CommandFailure(.usage, "--log-level must be trace, debug, info, notice, warning, error or critical")
        }
        var logger = Logger(label: "sillok") { LineLog(label: $0, logLevel: level) }
        logger.logLevel = level
        return logger
    }
}

/// Reports in the log how far a rebuild of the index is, at every ten percent.
private struct IndexWatch: Service {
    let rebuild: @Sendable () -> WorkProgress?
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var last: String?
            while !Task.isCancelled {
                // A few thousand events are missing after every kill.
                let now = rebuild().flatMap { $0.total - $0.done > 100_000 || last != nil ? $0 : nil }
                let said = now.map { "\($0.step) \($0.done * 10 / max(1, $0.total) * 10) %" }
                if let now, let said, said != last {
                    logger.notice(
                        "the index is being rebuilt, and the store serves meanwhile",
                        metadata: ["progress": "\(said)", "events": "\(now.total)"])
                } else if said == nil, last != nil {
                    logger.notice("the index is complete")
                }
                last = said
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }
}

/// Follows the log of the keys, so that open requests of a key end when another process revokes it.
private struct KeyFollower: Service {
    let keyring: Keyring
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await keyring.follow()
                } catch is CancellationError {
                    return
                } catch {
                    logger.error("the log of the keys cannot be followed", metadata: ["error": "\(error)"])
                    try? await Task.sleep(for: .seconds(1))
                }
            }
        }
    }
}
