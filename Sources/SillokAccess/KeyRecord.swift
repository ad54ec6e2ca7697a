import Sillok
import SillokCore

/// The life of one key: it is made once, and revoked at most once.
struct KeyRecord: Decider {
    enum Command: Sendable {
        case create(KeyDescription)
        case revoke
    }

    /// The cases and their values are the format of the log of keys.
    enum Event: Codable, Sendable {
        case keyCreated(
            id: String, name: String, scopes: String, resources: String, expires: String?, sha256: String)
        case keyRevoked(id: String)
    }

    enum Refusal: Error {
        case alreadyCreated, notValid
    }

    private var id: String?
    private var isRevoked = false

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .create(let key):
            if id != nil { throw .alreadyCreated }
            return [
                .keyCreated(
                    id: key.id, name: key.name, scopes: key.grant.scopeList, resources: key.grant.resourceList,
                    expires: key.expires?.description, sha256: key.digest.hexadecimal)
            ]
        case .revoke:
            guard let id, !isRevoked else { throw .notValid }
            return [.keyRevoked(id: id)]
        }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .keyCreated(let id, _, _, _, _, _): self.id = id
        case .keyRevoked: isRevoked = true
        }
    }
}

/// What is known of a key before it is recorded.
struct KeyDescription: Sendable {
    let id: String
    let name: String
    let grant: Grant
    let expires: Timestamp?
    /// The SHA-256 of the secret.
    let digest: [UInt8]

    /// Describes a new key, with a random id.
    init(_ name: String, _ grant: Grant, expires: Timestamp?, secret: [UInt8]) {
        (id, digest) = ([UInt8].random(6).hexadecimal, AccessKey.digest(of: secret))
        (self.name, self.grant, self.expires) = (name, grant, expires)
    }
}

/// An act of an administrator that no decision depends on, such as a promotion.
enum AdministratorEvent: Codable, Sendable {
    case acted(by: String, action: String, target: String, detail: String)
}

extension Grant {
    package var scopeList: String { scopes.map(\.rawValue).sorted().joined(separator: " ") }
    package var resourceList: String { resources.map(\.description).joined(separator: " ") }

    /// What it allows, in a line.
    package var summary: String { "\(scopeList) on \(resourceList)" }
}

extension AccessKey {
    /// A key from the event that recorded it; `nil` if the event is of another kind, or its digest is damaged.
    init?(_ event: Recorded<KeyRecord.Event>) {
        guard case .keyCreated(let id, let name, let scopes, let resources, let expires, let sha256) = event.payload,
            let digest = [UInt8](hexadecimal: sha256)
        else { return nil }
        let grant = Grant(
            Set(scopes.split(separator: " ").compactMap { Scope(rawValue: String($0)) }),
            on: resources.split(separator: " ").map { ResourcePattern(String($0)) })
        // A key whose end cannot be read has ended.
        let end = expires.map { Timestamp($0) ?? Timestamp(microsecondsSince1970: 0) }
        self.init(
            id: id, name: name, grant: grant, created: event.recordedAt, expires: end, revoked: nil, digest: digest)
    }
}
