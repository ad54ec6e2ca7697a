package import SillokCore

/// The version of this project, which `sillok --version`, `GET /v1/server` and the changelog show.
package enum ProjectVersion {
    package static let current = "0.1.0"
}

// What is answered of the server.
extension API {
    package struct Health: Message {
        let status: String
        /// The percentage of the index of the store that exists, while it is rebuilt.
        let indexPercent: UInt64?
        let replica: Replica?

        package init(status: String, rebuilding progress: WorkProgress? = nil, replica: Replica? = nil) {
            (self.status, indexPercent) = (status, progress.map { $0.done * 100 / max(1, $0.total) })
            self.replica = replica
        }
    }

    /// How far a replica is behind its primary. A value that is not known is missing.
    package struct Replica: Message {
        let lagEvents: UInt64?
        let lagSeconds: Measure?

        package init(events: UInt64?, seconds: Measure?) { (lagEvents, lagSeconds) = (events, seconds) }
    }

    package struct Accepted: Message {
        let accepted: Bool

        package init() { accepted = true }
    }

    package struct Server: Message {
        let store: String
        package let version: String
        package let limits: Members<Int>

        package init(store: StoreID, version: String = ProjectVersion.current, limits: Members<Int>) {
            (self.store, self.version, self.limits) = (store.description, version, limits)
        }
    }

    package struct Session: Message {
        let isOpen: Bool
        let store: String
        let principal: String?
        let scopes: [String]?
        let `guard`: String?
        let has: Abilities

        package init(
            isOpen: Bool, store: StoreID, principal: String?, scopes: [String]?, guard: String?, has: Abilities
        ) {
            (self.isOpen, self.store, self.principal) = (isOpen, store.description, principal)
            (self.scopes, self.guard, self.has) = (scopes, `guard`, has)
        }
    }

    /// What there is to show and to do.
    package struct Abilities: Message {
        let readModel, verification, backup, keys: Bool

        package init(readModel: Bool, verification: Bool, backup: Bool, keys: Bool) {
            (self.readModel, self.verification, self.backup, self.keys) = (readModel, verification, backup, keys)
        }
    }

    package struct Audit: Message {
        let acts: [Act]

        package init(_ acts: [Act]) { self.acts = acts }
    }

    /// Why a request failed, in the form of RFC 9457.
    package struct Problem: Message {
        package let type, title: String
        package let status: Int
        package let detail: String
        package let limit, outcome: String?
        package var head: Position?
        package var streams: Members<Mismatch>?
        package var positions: [Position]?
        package var index: Int?
        package var id: EventID?
        package var recorded: UInt64?

        package init(
            type: String, title: String, status: Int, detail: String, limit: String? = nil, outcome: String? = nil
        ) {
            (self.type, self.title, self.status) = (type, title, status)
            (self.detail, self.limit, self.outcome) = (detail, limit, outcome)
        }
    }

    /// The revision that was expected of a stream, and the one that it has.
    package struct Mismatch: Message {
        package let expected, actual: Revision

        package init(expected: Revision, actual: Revision) { (self.expected, self.actual) = (expected, actual) }
    }
}
