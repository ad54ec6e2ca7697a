import ArgumentParser
import Configuration
import Foundation
import SillokServer

#if canImport(System)
import System
#else
import SystemPackage
#endif

/// How a server is set up: by flags, then the environment (`SILLOK_HTTP`), then a file (`{"http": …}`), then defaults.
struct ServeSettings: ParsableArguments {
    @Option(help: "Where HTTP is served. (default: 127.0.0.1:8080, unless only --grpc is given)") var http: String?
    @Option(help: "Where gRPC is served. (default: 127.0.0.1:50051, unless only --http is given)") var grpc: String?
    @Option(help: "Who may come in: none (nobody needs a key) or keys. (default: none)") var auth: String?
    @Option(help: "The log of the keys and of administrative acts. (default: STORE-access)", completion: .file())
    var access: String?
    @Option(help: "A read model whose projections are shown and operated.", completion: .file()) var readModel: String?
    @Option(help: "A folder for backups that are asked for over HTTP.", completion: .directory) var backups: String?
    @Option(help: "The certificate and its chain, in PEM.", completion: .file()) var tlsCertificate: String?
    @Option(help: "The private key of the certificate, in PEM.", completion: .file()) var tlsKey: String?
    @Option(help: "Authorities of clients, in PEM: only their certificates come in.", completion: .file())
    var clientAuthority: String?
    @Option(help: "Public keys (JWKS) of the issuer of JSON Web Tokens.", completion: .file()) var jwtKeys: String?
    @Option(help: "The issuer of the tokens.") var jwtIssuer: String?
    @Option(help: "The audience of the tokens.") var jwtAudience: String?
    @Option(help: "How much is logged: debug, info, notice, warning, error. (default: notice)") var logLevel: String?
    @Option(help: "A file with settings, in JSON.", completion: .file()) var config: String?
    @Flag(help: "Serve other machines although connections or requests are not protected.") var insecure = false

    /// The settings with what the environment and the file say where no flag does.
    func resolved() async throws -> ServeSettings {
        var settings = self
        let environment = ConfigReader(provider: EnvironmentVariablesProvider()).scoped(to: "sillok")
        let file = try await config.asyncMap { path in
            ConfigReader(provider: try await FileProvider<JSONSnapshot>(filePath: FilePath(path)))
        }
        for (path, key) in Self.keys where settings[keyPath: path] == nil {
            let name = ConfigKey(key)
            settings[keyPath: path] = environment.string(forKey: name) ?? file?.string(forKey: name)
        }
        if !settings.insecure {
            let name = ConfigKey(["insecure"])
            settings.insecure = environment.bool(forKey: name) ?? file?.bool(forKey: name) ?? false
        }
        return settings
    }

    private static var keys: [(WritableKeyPath<ServeSettings, String?>, [String])] {
        [
            (\.http, ["http"]), (\.grpc, ["grpc"]), (\.auth, ["auth"]), (\.access, ["access"]),
            (\.readModel, ["readModel"]),
            (\.backups, ["backups"]), (\.tlsCertificate, ["tls", "certificate"]), (\.tlsKey, ["tls", "key"]),
            (\.clientAuthority, ["tls", "clientAuthority"]), (\.jwtKeys, ["jwt", "keys"]),
            (\.jwtIssuer, ["jwt", "issuer"]), (\.jwtAudience, ["jwt", "audience"]), (\.logLevel, ["logLevel"]),
        ]
    }

    /// Where each protocol is served: where it is said, or both at their usual places when nothing is said.
    var addresses: (http: ListeningAddress?, grpc: ListeningAddress?) {
        get throws {
            if http == nil && grpc == nil {
                return (
                    ListeningAddress(host: "127.0.0.1", port: 8080), ListeningAddress(host: "127.0.0.1", port: 50051)
                )
            }
            return (try http.map(Self.address), try grpc.map(Self.address))
        }
    }

    private static func address(_ text: String) throws -> ListeningAddress {
        guard let address = ListeningAddress(text) else {
            throw CommandFailure(.usage, "\(text) is not an address such as 127.0.0.1:8080")
        }
        return address
    }

    var asksForProof: Bool {
        get throws {
            switch auth ?? "none" {
            case "none": return false
            case "keys": return true
            default: throw CommandFailure(.usage, "--auth is none or keys")
            }
        }
    }

    var tls: TLSFiles? {
        get throws {
            switch (tlsCertificate, tlsKey) {
            case (let certificate?, let key?):
                return TLSFiles(certificate: certificate, key: key, clientAuthority: clientAuthority)
            case (nil, nil) where clientAuthority == nil: return nil
            default: throw CommandFailure(.usage, "TLS needs both --tls-certificate and --tls-key")
            }
        }
    }

    /// What checks JSON Web Tokens, if they are taken.
    func tokenVerifier() async throws -> TokenVerifier? {
        guard let jwtKeys else { return nil }
        guard let jwtIssuer, let jwtAudience else {
            throw CommandFailure(.usage, "--jwt-keys needs --jwt-issuer and --jwt-audience")
        }
        do {
            let text = try String(contentsOfFile: jwtKeys, encoding: .utf8)
            return try await TokenVerifier(keySet: text, issuer: jwtIssuer, audience: jwtAudience)
        } catch {
            throw CommandFailure(.invalidData, "\(jwtKeys): the keys of the tokens cannot be read: \(error)")
        }
    }
}

extension Optional where Wrapped: Sendable {
    fileprivate func asyncMap<Result>(_ body: (Wrapped) async throws -> Result) async rethrows -> Result? {
        guard let self else { return nil }
        return try await body(self)
    }
}
