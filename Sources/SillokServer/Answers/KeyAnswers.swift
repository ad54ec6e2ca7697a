package import SillokAPI
package import SillokAccess
package import SillokCore

// What is answered of keys and of long work.
extension API {
    struct Keys: Message {
        let keys: [Key]
    }

    /// A key without its secret.
    package struct Key: Message {
        package let id, name, scopes, resources: String
        package let created: Timestamp
        package let expires, revoked: Timestamp?

        package init(_ key: AccessKey) {
            (id, name) = (key.id, key.name)
            scopes = key.grant.scopes.map(\.rawValue).sorted().joined(separator: " ")
            resources = key.grant.resources.map(\.description).joined(separator: " ")
            (created, expires, revoked) = (key.created, key.expires, key.revoked)
        }
    }

    /// The members of a key, and its secret.
    struct CreatedKey: Message {
        let description: Key
        let key: String

        private enum CodingKeys: CodingKey { case key }

        init(_ description: AccessKey, _ secret: Secret) {
            (self.description, key) = (Key(description), secret.revealed)
        }

        init(from decoder: any Decoder) throws {
            description = try Key(from: decoder)
            key = try decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .key)
        }

        func encode(to encoder: any Encoder) throws {
            try description.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(key, forKey: .key)
        }
    }

    /// A check or a backup: running, or the last one.
    struct Job: Message {
        let by: String
        let begun: Timestamp
        let ended: Timestamp?
        let state: String
        let step: String?
        let done, total: UInt64?
        let result: String?
        let findings: [String]

        init(_ job: Jobs.Job) {
            (by, begun, ended, findings) = (job.by, job.begun, job.ended, job.findings)
            let progress: WorkProgress?
            switch job.outcome {
            case .running(let work): (state, result, progress) = ("running", nil, work)
            case .done(let text, let isGood): (state, result, progress) = (isGood ? "done" : "found", text, nil)
            case .failed(let why): (state, result, progress) = ("failed", why, nil)
            }
            (step, done, total) = (progress?.step, progress?.done, progress?.total)
        }
    }
}
