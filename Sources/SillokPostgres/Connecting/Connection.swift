#if Postgres
import CLibPQ
import SillokCore
import SillokSystem

/// A statement and its parameter values.
struct Query: Sendable {
    let text: String
    var parameters = Parameters()
    /// Whether the result is requested in binary form.
    var isBinary = true
    /// Whether the server keeps the prepared statement for later, if possible.
    var isKept = false
    /// Whether its rows are handed over when they have arrived, while the server executes the next queries.
    var isHandedOver = false

    init(_ text: String, _ parameters: Parameters = Parameters(), isBinary: Bool = true, isKept: Bool = false) {
        self.text = text
        self.parameters = parameters
        self.isBinary = isBinary
        self.isKept = isKept
    }

    static let commit = Query("COMMIT")
    static let rollback = Query("ROLLBACK")
    /// Each statement sees everything that was committed before it, which appends need. Overrides the server's default.
    static let begin = Query("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
    /// All statements see the same snapshot.
    static let beginReading = Query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
}

/// The key of a kept statement: the same text with values of other types is another statement.
private struct KeptStatement: Hashable {
    let text: String
    let types: [Oid]

    /// Compares bytes: texts that are equivalent in Unicode are different to a database.
    static func == (left: KeptStatement, right: KeptStatement) -> Bool {
        left.types == right.types && left.text.hasSameBytes(as: right.text)
    }

    func hash(into hasher: inout Hasher) { text.hashBytes(into: &hasher) }
}

/// How long a connection waits for a part of an answer, and what is asked then: whether the server works on it.
private struct Patience {
    let limit: Duration
    var isServed: (() -> Bool)?
}

/// A connection to a server, always in pipeline mode: queries that are sent together take one round trip.
///
/// Belongs to one thread and blocks it. Statements are kept on the server only without a pooler in between, which would
/// assign them to other clients.
final class Connection {
    private let handle: OpaquePointer
    private var kept: [KeptStatement: String] = [:]
    private let warnings = UnsafeMutablePointer<Int>.allocate(capacity: 1)
    private var cancels: Canceller?
    /// Whether a failure was reported after which nothing more is sent, such as a server that did not answer in time.
    private var isGivenUp = false
    private static let keptCapacity = 500

    /// How long the server may be silent while an answer is due; `nil` for a statement that may take any time. The
    /// kernel of a frozen host acknowledges every packet, so no setting of TCP notices it.
    var answerTimeout: Duration?
    /// How often the server is asked on another connection whether it still works on such a statement.
    var longestSilence = Duration.seconds(15)
    private let address: ServerAddress
    private let purpose: ServerAddress.Purpose
    /// The server's process of this connection, and when it began, in microseconds.
    private let process: (id: Int64, start: Int64)

    /// Whether there is a pooler such as pgbouncer in between, so that the connection has no session of its own.
    let isPooled: Bool
    /// Whether a statement without BEGIN runs in a transaction like that of `Query.begin`.
    let beginsAlone: Bool

    init(
        _ address: ServerAddress, for purpose: ServerAddress.Purpose, at place: [(keyword: String, value: String)] = [],
        answerTimeout: Duration? = nil
    ) throws(PostgresFailure) {
        try address.check()
        let parameters = address.parameters(for: purpose) + place
        let start = ContinuousClock.now
        let handle = Self.withCStrings(parameters.map(\.keyword)) { keywords in
            Self.withCStrings(parameters.map(\.value)) { values in PQconnectdbParams(keywords, values, 1) }
        }
        guard let handle else { throw PostgresFailure(message: "no memory for a connection") }
        if PQstatus(handle) != CONNECTION_OK, let failure = Self.refusal(handle, start) {
            PQfinish(handle)
            warnings.deallocate()
            throw failure
        }
        warnings.initialize(to: 0)
        PQsetNoticeReceiver(
            handle,
            { context, result in
                let severity = PQresultErrorField(result, Int32(UInt8(ascii: "V"))).map { String(cString: $0) }
                if severity == "WARNING" { context?.assumingMemoryBound(to: Int.self).pointee += 1 }
            }, warnings)
        (self.handle, self.address, self.purpose) = (handle, address, purpose)
        PQenterPipelineMode(handle)
        PQsetnonblocking(handle, 1)
        self.answerTimeout = answerTimeout
        do throws(PostgresFailure) {
            // A pooler may accept the connection although its server is frozen.
            let patience = Patience(limit: answerTimeout ?? .seconds(15))
            let own = try Self.run(handle, [Self.introduction], patience, keep: nil)
            let (id, start, version) = try Self.introduced(own[0])
            process = (id, start)
            isPooled = id != Int64(PQbackendPID(handle))
            beginsAlone = !isPooled && own[0].bytes(0, 3).first == 1
            guard version >= 150_000 else {
                throw PostgresFailure(state: "0A000", message: "PostgreSQL 15 or later is needed")
            }
        } catch {
            PQfinish(handle)
            warnings.deallocate()
            throw error
        }
    }

    /// Asks for the process and the version. Also lets the server notice within 2 s that this client has left a
    /// statement that waits for a lock: without it, each attempt that was given up would keep a process.
    private static let introduction = Query(
        """
        SELECT pid, current_setting('server_version_num')::int4, \(start),
            current_setting('default_transaction_isolation') = 'read committed'
                AND current_setting('default_transaction_read_only') = 'off',
            CASE WHEN current_setting('client_connection_check_interval', true) = '0'
                AND version() ~ 'linux|darwin|bsd'
            THEN set_config('client_connection_check_interval', '2s', false) END
        FROM pg_catalog.pg_stat_activity WHERE pid = pg_backend_pid()
        """)
    private static let start = "(extract(epoch FROM backend_start) * 1000000)::int8"

    private static func introduced(_ own: Rows) throws(PostgresFailure) -> (id: Int64, start: Int64, version: Int64) {
        if let id = own.number(0, 0), let version = own.number(0, 1), let start = own.number(0, 2) {
            return (id, start, version)
        }
        throw PostgresFailure(message: "the server's answer about its process and version cannot be read")
    }

    deinit {
        PQfinish(handle)
        warnings.deallocate()
    }

    /// Returns a handle that ends the current statement; `nil` if there is no memory for it.
    func canceller() -> Canceller? {
        if let known = cancels { return known }
        cancels = Canceller(handle)
        return cancels
    }

    /// The socket, to wait on.
    var socket: Int32 { PQsocket(handle) }

    /// The number of warnings that the server has sent.
    var warningCount: Int { warnings.pointee }

    /// Whether the connection is lost.
    var isLost: Bool { isGivenUp || PQstatus(handle) != CONNECTION_OK }

    /// Whether a transaction is open.
    var isInTransaction: Bool { [PQTRANS_INTRANS, PQTRANS_INERROR].contains(PQtransactionStatus(handle)) }

    /// Sends all queries and returns their results. The first failure ends them all.
    ///
    /// - Parameters:
    ///   - undo: the statement to execute after a failure, usually the end of the transaction.
    ///   - arrived: called with the rows of each query that is handed over.
    func run(
        _ queries: [Query], undo: Query = .rollback, arrived: (Rows) -> Void = { _ in }
    ) throws(PostgresFailure) -> [Rows] {
        let known = kept.count
        var reused: Set<Int> = []
        var number = 0
        do {
            return try Self.run(handle, queries, patience, arrived: arrived) { [self] query in
                number += 1
                guard query.isKept, !isPooled, kept.count < Self.keptCapacity else { return nil }
                let key = KeptStatement(text: query.text, types: query.parameters.types)
                if let name = kept[key] {
                    reused.insert(number - 1)
                    return (name, false)
                }
                let name = "s\(kept.count + 1)"
                kept[key] = name
                return (name, true)
            }
        } catch {
            var error = error
            if error.isConnectionLost { isGivenUp = true }
            // The plan of a kept statement no longer fits after a table has changed. If a new statement fails in this
            // way, the statement itself is at fault.
            error.isOfKeptPlan = error.state == "0A000" && reused.contains(error.completed)
            // The statements that the failed round trip was to keep may be missing.
            var repair = PQtransactionStatus(handle) == PQTRANS_IDLE ? [] : [undo]
            if !kept.isEmpty, kept.count > known || error.isOfPreparedStatement {
                kept.removeAll()
                repair.append(Query("DEALLOCATE ALL"))
            }
            if !isLost, !repair.isEmpty { _ = try? Self.run(handle, repair, patience, keep: nil) }
            throw error
        }
    }

    private var patience: Patience {
        answerTimeout.map { Patience(limit: $0) } ?? Patience(limit: longestSilence, isServed: isServed)
    }

    /// Asks the server whether the process of this connection exists. Behind a pooler any answer counts.
    private func isServed() -> Bool {
        var place: [(keyword: String, value: String)] = []
        for (keyword, value) in [("host", PQhost(handle)), ("hostaddr", PQhostaddr(handle)), ("port", PQport(handle))] {
            if let value, value.pointee != 0 { place.append((keyword, String(cString: value))) }
        }
        do {
            let other = try Connection(address, for: purpose, at: place, answerTimeout: .seconds(5))
            var own = Parameters()
            own.add(process.id)
            own.add(process.start)
            let query = Query("SELECT FROM pg_catalog.pg_stat_activity WHERE pid = $1 AND \(Self.start) = $2", own)
            return try other.run(query).count == 1 || isPooled
        } catch {
            // A server without room for one more connection (53300) has answered.
            return !error.isConnectionLost || error.state == "53300"
        }
    }

    /// Sends one query and returns its result.
    func run(_ query: Query) throws(PostgresFailure) -> Rows { try run([query])[0] }

    /// Returns the payloads of the notifications that arrived by LISTEN. Blocks only while it reads arrived data.
    func notifications() throws(PostgresFailure) -> [String] {
        guard PQconsumeInput(handle) == 1 else { throw Self.failure(handle, nil) }
        var payloads: [String] = []
        while let notification = PQnotifies(handle) {
            payloads.append(String(cString: notification.pointee.extra))
            PQfreemem(notification)
        }
        return payloads
    }
}

extension Connection {
    private static func run(
        _ handle: OpaquePointer, _ queries: [Query], _ patience: Patience, arrived: (Rows) -> Void = { _ in },
        keep: ((Query) -> (name: String, isNew: Bool)?)?
    ) throws(PostgresFailure) -> [Rows] {
        var answers = 0
        var handedOver: Set<Int> = []
        for query in queries {
            let kept = keep?(query)
            if let kept, kept.isNew {
                let types = query.parameters.types
                guard PQsendPrepare(handle, kept.name, query.text, Int32(types.count), types) == 1 else {
                    throw failure(handle, nil)
                }
                answers += 1
            }
            guard send(handle, query, kept?.name) else { throw failure(handle, nil) }
            if query.isHandedOver { handedOver.insert(answers) }
            answers += 1
        }
        guard PQpipelineSync(handle) == 1 else { throw failure(handle, nil) }
        return try receive(handle, answers, prepared: answers - queries.count, patience) { number, rows in
            if handedOver.contains(number) { arrived(rows) }
        }
    }

    private static func send(_ handle: OpaquePointer, _ query: Query, _ name: String?) -> Bool {
        let parameters = query.parameters
        let count = Int32(parameters.types.count)
        let lengths = parameters.ranges.map { Int32(clamping: $0?.count ?? 0) }
        return parameters.bytes.withUnsafeBytes { bytes in
            let base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)
            let values = parameters.ranges.map { range in
                range.flatMap { base?.advanced(by: $0.lowerBound).assumingMemoryBound(to: CChar.self) }
            }
            let format: Int32 = query.isBinary ? 1 : 0
            let sent =
                if let name {
                    PQsendQueryPrepared(handle, name, count, values, lengths, parameters.formats, format)
                } else {
                    PQsendQueryParams(
                        handle, query.text, count, parameters.types, values, lengths, parameters.formats, format)
                }
            return sent == 1
        }
    }

    /// Receives the results up to the end of the round trip, without those of PREPARE.
    private static func receive(
        _ handle: OpaquePointer, _ count: Int, prepared: Int, _ patience: Patience, _ arrived: (Int, Rows) -> Void
    ) throws(PostgresFailure) -> [Rows] {
        var rows: [Rows] = []
        rows.reserveCapacity(count)
        var first: PostgresFailure?
        var isAtEnd = false
        while !isAtEnd {
            try waitForResult(handle, patience)
            guard let result = PQgetResult(handle) else {
                if PQstatus(handle) != CONNECTION_OK { throw first ?? failure(handle, nil) }
                continue
            }
            switch PQresultStatus(result) {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK:
                rows.append(Rows(result))
                arrived(rows.count - 1, rows[rows.count - 1])
            case PGRES_PIPELINE_SYNC:
                PQclear(result)
                isAtEnd = true
            case PGRES_PIPELINE_ABORTED: PQclear(result)
            default:
                if first == nil {
                    first = failure(handle, result)
                    first?.completed = rows.count { !$0.tag.isEmpty }
                }
                PQclear(result)
                if PQstatus(handle) != CONNECTION_OK { throw first ?? failure(handle, nil) }
            }
        }
        if let first { throw first }
        guard rows.count == count else { throw PostgresFailure(message: "an answer of the server is missing") }
        return prepared == 0 ? rows : rows.filter { !$0.tag.isEmpty }
    }

    /// Sends what is buffered, and waits until the next result has arrived. A lost connection is a result too. Each
    /// part that arrives of a long result starts the time again.
    private static func waitForResult(_ handle: OpaquePointer, _ patience: Patience) throws(PostgresFailure) {
        while true {
            let unsent = PQflush(handle)
            if unsent < 0 || PQisBusy(handle) == 0 { return }
            let wanted = Int16(POLLIN) | (unsent == 1 ? Int16(POLLOUT) : 0)
            var descriptor = pollfd(fd: PQsocket(handle), events: wanted, revents: 0)
            let limit = Int32(min(patience.limit, .seconds(3600)) / .milliseconds(1))
            let ready = poll(&descriptor, 1, limit)
            if ready == 0, patience.isServed?() != true {
                throw PostgresFailure(
                    message: "the server did not answer for \(limit) milliseconds", isConnectionLost: true)
            }
            if ready > 0, PQconsumeInput(handle) == 0 { return }
            // A read takes at least 8 KiB, and an encrypted record has up to 16 KiB: `poll` does not see its rest.
            if PQsslInUse(handle) + PQgssEncInUse(handle) > 0, PQconsumeInput(handle) == 0 { return }
        }
    }

    /// Returns why a connection could not be opened, or `nil` if a second attempt succeeded.
    ///
    /// libpq reports the SQLSTATE of a refused connection only in a verbose message, whose form is the same in all
    /// languages. So a server that refused quickly is tried once more.
    private static func refusal(_ handle: OpaquePointer, _ start: ContinuousClock.Instant) -> PostgresFailure? {
        let message = String(cString: PQerrorMessage(handle))
        guard start.duration(to: .now) < .seconds(1) else {
            return PostgresFailure(message: message, isConnectionLost: true)
        }
        PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
        PQreset(handle)
        let verbose = String(cString: PQerrorMessage(handle))
        PQsetErrorVerbosity(handle, PQERRORS_DEFAULT)
        if PQstatus(handle) == CONNECTION_OK { return nil }
        return PostgresFailure(refused: message, verbose: verbose)
    }

    private static func failure(_ handle: OpaquePointer, _ result: OpaquePointer?) -> PostgresFailure {
        func field(_ code: UnicodeScalar) -> String? {
            result.flatMap { PQresultErrorField($0, Int32(UInt8(ascii: code))) }.map { String(cString: $0) }
        }
        let message = field("M") ?? String(cString: PQerrorMessage(handle))
        let detail = field("D").map { ": \($0)" } ?? ""
        let state = field("C") ?? ""
        // A server that shuts down reports it and closes the connection.
        return PostgresFailure(
            state: state, message: message + detail,
            isConnectionLost: PQstatus(handle) != CONNECTION_OK || state.hasPrefix("57P0"))
    }

    /// Calls `body` with an array of C strings that ends with a null pointer.
    private static func withCStrings<Result>(
        _ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Result
    ) -> Result {
        let bytes = texts.flatMap { Array($0.utf8CString) }
        return bytes.withUnsafeBufferPointer { buffer in
            var pointers: [UnsafePointer<CChar>?] = []
            var offset = 0
            for text in texts {
                pointers.append(buffer.baseAddress?.advanced(by: offset))
                offset += text.utf8.count + 1
            }
            return body(pointers + [nil])
        }
    }
}
#endif
