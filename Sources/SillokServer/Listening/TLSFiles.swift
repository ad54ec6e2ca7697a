import HummingbirdCore
public import Logging
import NIOCore
import NIOPosix
public import NIOSSL
import SillokCore
import SillokSystem

/// The files of a certificate. They are read again when they have changed, so that a new certificate, key or client
/// authority needs no restart.
public struct TLSFiles: Sendable {
    /// The certificate and its chain, in PEM.
    public var certificate: String
    /// The private key of the certificate, in PEM.
    public var key: String
    /// The certificate authorities of clients, in PEM; with `nil` clients need no certificate.
    public var clientAuthority: String?

    /// Creates the files of a certificate, by default without client certificates.
    public init(certificate: String, key: String, clientAuthority: String? = nil) {
        self.certificate = certificate
        self.key = key
        self.clientAuthority = clientAuthority
    }

    /// Returns a function that makes the TLS context of a new connection from the current files. It allows TLS 1.2 and
    /// newer.
    ///
    /// Files that do not belong together, such as a certificate that was replaced before its key, are not used. Until
    /// they match, connections use the context of the last files that did. The function reads files, so call it where
    /// blocking is allowed.
    ///
    /// - Parameters:
    ///   - logger: logs when files are used, and when they cannot be.
    ///   - protocols: the application protocols that the server offers; by default HTTP/2, which gRPC needs.
    /// - Throws: an error of NIO, which does not name the file, if a file cannot be read or is not PEM; an error that
    ///   names both files if the certificate and the key cannot be used together.
    public func contexts(
        logger: Logger, protocols: [String] = ["h2"]
    ) throws -> @Sendable () throws -> NIOSSLContext {
        let current = Lock((stamp: stamp, context: try context(protocols)))
        let refused = Lock([Int]())
        return {
            let stamp = self.stamp
            let known = current.withLock { $0 }
            if stamp == known.stamp { return known.context }
            do {
                let context = try self.context(protocols)
                current.withLock { $0 = (stamp, context) }
                logger.notice("a new certificate is in use", metadata: ["file": "\(certificate)"])
                return context
            } catch {
                // The next connection tries again; the same files are reported once.
                let isNew = refused.withLock { refused in
                    defer { refused = stamp }
                    return refused != stamp
                }
                if isNew { logger.error("new TLS files cannot be used", metadata: ["error": "\(error)"]) }
                return known.context
            }
        }
    }

    private func context(_ protocols: [String]) throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMFile(certificate).map { NIOSSLCertificateSource.certificate($0) }
        let secret = try NIOSSLPrivateKey(file: key, format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain, privateKey: .privateKey(secret))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = protocols
        if let clientAuthority {
            // Read here, so that the trusted authorities are those of the stamp.
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(clientAuthority))
            configuration.certificateVerification = .noHostnameVerification
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw UnusableFiles(files: self, cause: error)
        }
    }

    /// The modification times and identities of the files.
    private var stamp: [Int] {
        [certificate, key, clientAuthority].flatMap { path -> [Int] in
            var facts = stat()
            guard let path, stat(path, &facts) == 0 else { return [0, 0, 0] }
            #if canImport(Darwin)
            return [Int(facts.st_ino), facts.st_mtimespec.tv_sec, facts.st_mtimespec.tv_nsec]
            #else
            return [Int(facts.st_ino), facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec]
            #endif
        }
    }

    /// A certificate and a key do not match, or TLS cannot use them.
    private struct UnusableFiles: Error, CustomStringConvertible {
        let files: TLSFiles
        let cause: any Error

        var description: String {
            "the certificate \(files.certificate) and the key \(files.key) cannot be used together: \(cause)"
        }
    }
}

/// A channel of a server whose connections use TLS, each with the files that exist when it begins.
struct ProtectedChannel<Base: ServerChildChannel>: ServerChildChannel {
    let base: Base
    let contexts: @Sendable () throws -> NIOSSLContext

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        // Reading files blocks, and an event loop must not.
        NIOThreadPool.singleton.runIfActive(eventLoop: channel.eventLoop) { try contexts() }.flatMapThrowing {
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: $0))
        }.flatMap {
            base.setup(channel: channel, logger: logger)
        }
    }

    func handle(value: Base.Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}
