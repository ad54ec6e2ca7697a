#if Postgres
import CLibPQ
import SillokSystem

/// The address of a server for libpq, and the name of our schema on it.
struct ServerAddress: Sendable {
    /// A connection string of libpq in either form. Missing settings come from the environment (`PGHOST` and so on).
    let text: String
    let schema: String

    /// The purpose of a connection.
    enum Purpose: Sendable {
        /// Writes. Of several hosts, the one that accepts writes is used.
        case writing
        /// Reads only. Any host is used, also a standby.
        case reading
    }

    /// The name of the schema, quoted for SQL.
    let quotedSchema: String

    init(text: String, schema: String) {
        (self.text, self.schema) = (text, schema)
        let parts = schema.split(separator: "\"", omittingEmptySubsequences: false)
        quotedSchema = "\"" + parts.joined(separator: "\"\"") + "\""
    }

    /// Returns the keywords and values to connect with. The text and the environment override the defaults.
    func parameters(for purpose: Purpose) -> [(keyword: String, value: String)] {
        var parameters = Self.defaults.filter { getenv($0.environment) == nil }.map { ($0.keyword, $0.value) }
        if purpose == .writing, getenv("PGTARGETSESSIONATTRS") == nil {
            parameters.append(("target_session_attrs", "read-write"))
        }
        parameters.append(("dbname", text))
        parameters.append(("client_encoding", "UTF8"))
        return parameters
    }

    /// Throws if the connection string itself is wrong, so that no server has to be tried.
    func check() throws(PostgresFailure) {
        guard text.contains("=") || text.contains("://") else { return }
        var reason: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(text, &reason) else {
            defer { PQfreemem(reason) }
            throw PostgresFailure(state: Self.invalid, message: reason.map { String(cString: $0) } ?? "no memory")
        }
        defer { PQconninfoFree(options) }
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { try Self.check(String(cString: keyword), String(cString: value)) }
            option += 1
        }
    }

    private static func check(_ keyword: String, _ value: String) throws(PostgresFailure) {
        let isValid =
            switch keyword {
            case "port": value.split(separator: ",").allSatisfy { (1...65535).contains(Int($0) ?? 0) }
            case "connect_timeout", "keepalives_idle", "tcp_user_timeout": Int(value) != nil
            case "sslmode": ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"].contains(value)
            case "target_session_attrs":
                ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"].contains(value)
            default: true
            }
        guard isValid else {
            throw PostgresFailure(
                state: Self.invalid, message: "the connection string has the invalid \(keyword) \(value)")
        }
    }

    /// The SQLSTATE of an invalid parameter value.
    private static let invalid = "22023"

    /// The text without a password, for messages.
    var described: String {
        guard let scheme = text.firstRange(of: "://"), let at = text[scheme.upperBound...].lastIndex(of: "@"),
            let colon = text[scheme.upperBound..<at].firstIndex(of: ":")
        else {
            return text.contains("password") ? "the server" : text.isEmpty ? "the server of the environment" : text
        }
        return String(text[..<colon] + text[at...])
    }

    /// The defaults detect a dead server within seconds, not after the quarter of an hour that TCP takes. Connecting
    /// has a timeout of three seconds, because a killed server may still accept a connection and never answer, and
    /// another one must be found within five.
    private static let defaults: [(keyword: String, value: String, environment: String)] = [
        ("application_name", "sillok", "PGAPPNAME"), ("connect_timeout", "3", "PGCONNECT_TIMEOUT"),
        ("keepalives_idle", "10", "PGKEEPALIVESIDLE"), ("keepalives_interval", "5", "PGKEEPALIVESINTERVAL"),
        ("keepalives_count", "3", "PGKEEPALIVESCOUNT"), ("tcp_user_timeout", "15000", "PGTCPUSERTIMEOUT"),
    ]
}
#endif
