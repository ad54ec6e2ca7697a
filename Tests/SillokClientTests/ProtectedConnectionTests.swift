import Foundation
import Logging
import NIOSSL
import Sillok
import SillokClient
import SillokServer
import SillokTestSupport
import Testing

/// TLS under gRPC: who is trusted by whom.
@Suite("TLS over gRPC", .timeLimit(.minutes(10)))
struct ProtectedConnectionTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Makes a certificate that vouches for itself, and its key.
    private func makeCertificate(_ name: String, in folder: TemporaryFolder) throws -> (chain: String, key: String) {
        let chain = folder("\(name).pem")
        let key = folder("\(name).key")
        let isMade = succeeds(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=\(name)", "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", chain)
        try #require(isMade)
        return (chain, key)
    }

    private func server(_ files: TLSFiles, serving store: any EventStore) async throws -> RunningServer {
        var configuration = GRPCServer.Configuration()
        configuration.tls = try files.contexts(logger: logger)
        return try await RunningServer(serving: store, configuration)
    }

    /// Options of a client that trusts a certificate, and shows one of its own if it has one.
    private func trusting(_ authority: String, as own: (chain: String, key: String)? = nil) throws
        -> RemoteEventStore.Options
    {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.applicationProtocols = ["h2"]
        configuration.trustRoots = .file(authority)
        if let own {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(own.chain).map { .certificate($0) }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: own.key, format: .pem))
        }
        var options = RemoteEventStore.Options()
        options.tls = try NIOSSLContext(configuration: configuration)
        options.timeout = .milliseconds(300)
        return options
    }

    /// Appends and reads over a connection.
    private func use(_ address: String, _ options: RemoteEventStore.Options) async throws {
        let remote = try await RemoteEventStore(address, options)
        let receipt = try await remote.append([EventData(type: "noted", text: "1")], to: "a-1")
        #expect(try await remote.read(.all, after: receipt.position.previous, limit: 10).events.count == 1)
        await remote.close()
    }

    @Test func `a client that trusts the server's certificate works, and any other gets nothing through`() async throws
    {
        let folder = TemporaryFolder()
        let own = try makeCertificate("server", in: folder)
        let other = try makeCertificate("other", in: folder)
        let store = MemoryEventStore()
        let server = try await server(TLSFiles(certificate: own.chain, key: own.key), serving: store)
        try await use("https://localhost:\(server.port)", trusting(own.chain))
        for (address, options) in [
            ("https://localhost:\(server.port)", try trusting(other.chain)),
            ("sillok://localhost:\(server.port)", try trusting(own.chain)),
        ] {
            let error = await #expect(throws: StoreError.self) { try await use(address, options) }
            #expect(error?.code == .unavailable && error?.outcome == .definite)
        }
        #expect(try await store.head() == 1)
        await server.stop()
    }

    @Test func `with an authority of clients only its certificates come in`() async throws {
        let folder = TemporaryFolder()
        let own = try makeCertificate("server", in: folder)
        let client = try makeCertificate("client", in: folder)
        let stranger = try makeCertificate("stranger", in: folder)
        let store = MemoryEventStore()
        let files = TLSFiles(certificate: own.chain, key: own.key, clientAuthority: client.chain)
        let server = try await server(files, serving: store)
        let address = "https://localhost:\(server.port)"
        for unknown in [nil, stranger] {
            let options = try trusting(own.chain, as: unknown)
            let error = await #expect(throws: StoreError.self) { try await use(address, options) }
            #expect(error?.code == .unavailable && error?.outcome == .definite)
        }
        #expect(try await store.head() == .start)
        try await use(address, trusting(own.chain, as: client))
        #expect(try await store.head() == 1)
        await server.stop()
    }

    @Test func `a new certificate of the server is used by the next connection, without a restart`() async throws {
        let folder = TemporaryFolder()
        let old = try makeCertificate("old", in: folder)
        let new = try makeCertificate("new", in: folder)
        let files = TLSFiles(
            certificate: folder("used.pem"), key: folder("used.key"))
        func install(_ pair: (chain: String, key: String)) throws {
            try Data(contentsOf: URL(fileURLWithPath: pair.chain)).write(
                to: URL(fileURLWithPath: files.certificate))
            try Data(contentsOf: URL(fileURLWithPath: pair.key)).write(to: URL(fileURLWithPath: files.key))
        }
        try install(old)
        let server = try await server(files, serving: MemoryEventStore())
        let address = "https://localhost:\(server.port)"
        try await use(address, trusting(old.chain))
        try install(new)
        try await use(address, trusting(new.chain))
        await #expect(throws: StoreError.self) { try await use(address, trusting(old.chain)) }
        await server.stop()
    }
}
