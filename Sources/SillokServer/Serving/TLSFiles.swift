public import Logging
import NIOCore
public import NIOSSL
import SillokCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The files of a certificate: read again when they have changed, so that a new certificate needs no restart.
public struct TLSFiles: Sendable {
    /// The certificate and its chain, in PEM.
    public var certificate: String
    /// Its private key, in PEM.
    public var key: String
    /// The authorities of clients, in PEM; `nil`: clients need no certificate.
    public var clientAuthority: String?

    /// The files of a certificate.
    public init(certificate: String, key: String, clientAuthority: String? = nil) {
        self.certificate = certificate
        self.key = key
        self.clientAuthority = clientAuthority
    }

    /// The configuration of a server: TLS 1.2 and newer.
    ///
    /// - Throws: an error that names the file which cannot be used.
    public func configuration(logger: Logger) throws -> TLSConfiguration {
        let (chain, secret) = try load()
        var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: secret)
        configuration.minimumTLSVersion = .tlsv12
        if let clientAuthority {
            configuration.trustRoots = .file(clientAuthority)
            configuration.certificateVerification = .noHostnameVerification
        }
        let current = Lock((stamp: stamp, chain: chain, secret: secret))
        configuration.sslContextCallback = { _, promise in
            let stamp = self.stamp
            let (chain, secret) = current.withLock { current in
                if stamp != current.stamp {
                    // A half-written pair is not used: the next handshake tries again.
                    if let (chain, secret) = try? self.load() {
                        current = (stamp, chain, secret)
                        logger.notice("a new certificate is in use", metadata: ["file": "\(certificate)"])
                    }
                }
                return (current.chain, current.secret)
            }
            var override = NIOSSLContextConfigurationOverride()
            override.certificateChain = chain
            override.privateKey = secret
            promise.succeed(override)
        }
        return configuration
    }

    /// What gRPC needs: contexts that offer HTTP/2.
    public func contexts(logger: Logger) throws -> @Sendable () throws -> NIOSSLContext {
        var configuration = try self.configuration(logger: logger)
        configuration.applicationProtocols = ["h2"]
        let context = try NIOSSLContext(configuration: configuration)
        return { context }
    }

    private func load() throws -> ([NIOSSLCertificateSource], NIOSSLPrivateKeySource) {
        let chain = try NIOSSLCertificate.fromPEMFile(certificate).map { NIOSSLCertificateSource.certificate($0) }
        return (chain, .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
    }

    /// When both files were last changed.
    private var stamp: [Int] {
        [certificate, key].flatMap { path -> [Int] in
            var facts = stat()
            guard stat(path, &facts) == 0 else { return [0, 0] }
            #if canImport(Darwin)
            return [facts.st_mtimespec.tv_sec, facts.st_mtimespec.tv_nsec]
            #else
            return [facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec]
            #endif
        }
    }
}
