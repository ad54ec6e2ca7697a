import ArgumentParser
import Configuration
import Foundation
import Sillok
import SillokServer
import SillokTerminal
import SillokWire

#if canImport(System)
import System
#else
import SystemPackage
#endif

/// How a server is set up: by flags, then the environment (`SILLOK_HTTP`), then a file (`{"http": …}`), then defaults.
struct ServeSettings: ParsableArguments {
    @Option(help: "The address for HTTP. (default: 127.0.0.1:8080, unless only --grpc is given)") var http: String?
    @Option(help: "The address for gRPC. (default: 127.0.0.1:50051, unless only --http is given)") var grpc: String?
    @Option(help: "Access control: none (no key is needed) or keys. (default: none)") var auth: String?
    @Option(help: "The log of the keys and of administrative acts. (default: STORE-access)", completion: .file())
    var access: String?
    @Option(
        help: "A read model. The API and the dashboard show and operate its projections, processes and webhooks.",
        completion: .file())
    var readModel: String?
    @Option(
        help: """
            Serve a replica in PostgreSQL for reading only, and show how far it is behind the primary at this address.
            """)
    var replicaOf: String?
    @Option(help: "A folder for backups that clients request over HTTP.", completion: .directory) var backups: String?
    @Option(help: "The certificate and its chain, in PEM.", completion: .file()) var tlsCertificate: String?
    @Option(help: "The private key of the certificate, in PEM.", completion: .file()) var tlsKey: String?
    @Option(
        help: "Certificate authorities in PEM. The server accepts only clients with a certificate of one of them.",
        completion: .file())
    var clientAuthority: String?
    @Option(help: "Public keys (JWKS) of the issuer of JSON Web Tokens.", completion: .file()) var jwtKeys: String?
    @Option(help: "The issuer of the tokens.") var jwtIssuer: String?
    @Option(help: "The audience of the tokens.") var jwtAudience: String?
    @Option(help: "The log level: trace, debug, info, notice, warning, error or critical. (default: notice)")
    var logLevel: String?
    @Option(help: "A file with settings, in JSON.", completion: .file()) var config: String?
    @Option(
        name: .customLong("limit"),
        help: """
            A limit of requests or of the server as name=value, such as payloadBytes=4194304; may be repeated. \
            /v1/server shows all.
            """)
    var limitTexts: [String] = []
    @Flag(help: "Accept connections from other machines without TLS or without keys.") var insecure = false

    /// The limits of the store that were resolved.
    var limits = ServeSettings.usualLimits
    /// The limits of the server that were resolved.
    var serverLimits = ServerLimits()

    /// Clients of UmaDB append as much as a message holds, under a condition with an item for each event.
    static var usualLimits: Limits {
        var limits = Limits()
        (limits.batchEvents, limits.queryItems) = (10_000, 10_000)
        return limits
    }

    enum CodingKeys: CodingKey {
        case http, grpc, auth, access, readModel, replicaOf, backups, tlsCertificate, tlsKey, clientAuthority, jwtKeys
        case jwtIssuer, jwtAudience, logLevel, config, limitTexts, insecure
    }

    /// The settings with what the environment and the file say where no flag does.
    func resolved() async throws -> ServeSettings {
        var settings = self
        let environment = ConfigReader(provider: EnvironmentVariablesProvider()).scoped(to: "sillok")
        var file: ConfigReader?
        if let config {
            try Self.check(keysOf: config)
            file = ConfigReader(provider: try await FileProvider<JSONSnapshot>(filePath: FilePath(config)))
        }
        for (path, key) in Self.keys where settings[keyPath: path] == nil {
            let name = ConfigKey(key)
            settings[keyPath: path] = environment.string(forKey: name) ?? file?.string(forKey: name)
        }
        if !settings.insecure {
            let name = ConfigKey(["insecure"])
            settings.insecure = environment.bool(forKey: name) ?? file?.bool(forKey: name) ?? false
        }
        try settings.resolveLimits(environment, file)
        return settings
    }

    /// Takes each limit from its flag, the environment (`SILLOK_LIMITS_PAYLOAD_BYTES`), or the file.
    private mutating func resolveLimits(_ environment: ConfigReader, _ file: ConfigReader?) throws {
        var given: [String: String] = [:]
        for text in limitTexts {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, given.updateValue(parts[1], forKey: parts[0]) == nil else {
                throw CommandFailure(.usage, "--limit \(text.visible) is not name=value, or its name is given twice")
            }
        }
        func resolve<Root>(_ settings: [LimitSetting<Root>], _ limits: inout Root) throws {
            for setting in settings {
                let key = ConfigKey(["limits", setting.name])
                let text =
                    given.removeValue(forKey: setting.name) ?? environment.string(forKey: key)
                    ?? file?.int(forKey: key).map { "\($0)" } ?? file?.string(forKey: key)
                guard let text else { continue }
                guard let value = Int(text), setting.set(value, &limits) else {
                    throw CommandFailure(
                        .usage,
                        "the limit \(setting.name) is \(text.visible), and must be a whole number from 1 to "
                            + "\(LimitSetting<Root>.most)")
                }
            }
        }
        try resolve(Limits.settings, &limits)
        // JSON is longer than what it says: binary payloads by a third, names and escapes by more.
        serverLimits.bodyBytes = max(
            serverLimits.bodyBytes, limits.batchBytes.multipliedReportingOverflow(by: 2).partialValue)
        try resolve(ServerLimits.settings, &serverLimits)
        if let unknown = given.keys.sorted().first {
            throw CommandFailure(
                .usage, "there is no limit \(unknown.visible)",
                hint: "The limits are \(Self.limitNames.sorted().joined(separator: ", ")).")
        }
    }

    /// The names of all limits, of the store and of the server.
    private static var limitNames: [String] {
        Limits.settings.map(\.name) + ServerLimits.settings.map(\.name)
    }

    /// Throws if the file has a setting that there is not: it would be taken for set.
    private static func check(keysOf path: String) throws {
        let known = Set(keys.map { $0.1.joined(separator: ".") } + ["insecure"])
            .union(limitNames.map { "limits.\($0)" })
        func check(_ value: JSONReader.Value, _ place: [String]) throws {
            for (key, value) in value.members ?? [] {
                let place = place + [key]
                if known.contains(place.joined(separator: ".")) { continue }
                let isGroup = known.contains { $0.hasPrefix(place.joined(separator: ".") + ".") }
                guard isGroup, value.members != nil else {
                    throw CommandFailure(
                        .usage, "\(path.visible): there is no setting \(place.joined(separator: ".").visible)",
                        hint: "The settings are \(known.sorted().joined(separator: ", ")).")
                }
                try check(value, place)
            }
        }
        let bytes: [UInt8]
        do {
            bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw CommandFailure(.notFound, "\(path.visible) cannot be read: \(error.localizedDescription)")
        }
        do {
            try check(try JSONReader(bytes).root, [])
        } catch let error as JSONSyntaxError {
            throw CommandFailure(.usage, "\(path.visible) is not JSON: \(error)")
        }
    }

    private static var keys: [(WritableKeyPath<ServeSettings, String?>, [String])] {
        [
            (\.http, ["http"]), (\.grpc, ["grpc"]), (\.auth, ["auth"]), (\.access, ["access"]),
            (\.readModel, ["readModel"]), (\.replicaOf, ["replicaOf"]),
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
            default: throw CommandFailure(.usage, "--auth must be none or keys")
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
